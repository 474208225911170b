"""Whoever asks the session whether its flush has failed rolls back accordingly."""

# since SQLAlchemy 2.0.40

Keeping = sessionmaker(engine, expire_on_commit=False)
AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


def not_active(fails):
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        except IntegrityError:
            if not session.is_active:
                session.rollback()
            print(author.name)  # quiet: a session whose flush has failed is not active


def active(fails):
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        except IntegrityError:
            if session.is_active:
                session.rollback()
            print(author.name)  # finding, 7s2a: author.name expired when the flush failed


def not_active_after_a_flush(fails):
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.flush()
        except IntegrityError:
            if session.is_active:
                print("nothing to do")
            else:
                session.rollback()
            print(author.name)  # quiet: rolled back


async def not_active_async(fails):
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            await session.commit()
        except IntegrityError:
            if not session.is_active:
                await session.rollback()
            print(author.name)  # finding: author.name expired at the rollback: reading it needs `await`


async def refreshed_async(fails):
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            await session.commit()
        except IntegrityError:
            if not session.is_active:
                await session.rollback()
            await session.refresh(author)
            print(author.name)  # quiet: rolled back and loaded again


def transaction_rolled_back(fails):
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        except IntegrityError:
            session.get_transaction().rollback()
            print(author.name)  # quiet: that of the session is rolled back


def transaction_rolled_back_if_there_is_one(fails):
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        except IntegrityError:
            transaction = session.get_transaction()
            if transaction is not None:
                transaction.rollback()
            print(author.name)  # quiet: there is one


def transaction_asked_for(fails):
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        except IntegrityError:
            transaction = session.get_transaction()
            print(transaction)
            print(author.name)  # finding, 7s2a: author.name expired when the flush failed


def transaction_is_truthy(fails):
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        except IntegrityError:
            if session.get_transaction():
                session.rollback()
            print(author.name)  # quiet: rolled back


async def transaction_rolled_back_async():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        await session.get_transaction().rollback()
        print(author.name)  # finding: author.name expired at the rollback: reading it needs `await`


async def savepoint_rolled_back_async():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        book = await session.get(Book, 1)
        await session.begin_nested()
        book.title = "Lavinia"
        await session.flush()
        await session.get_nested_transaction().rollback()
        print(author.name)  # quiet: it was not changed inside the savepoint
        print(book.title)  # finding: book.title expired at the rollback: reading it needs `await`


async def savepoint_released_async():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        await session.begin_nested()
        book.title = "Lavinia"
        await session.flush()
        await session.get_nested_transaction().commit()
        print(book.title)  # quiet: nothing expires at the release of a savepoint


def transaction_rolled_back_and_closed():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.get_transaction().rollback()
    print(author.name)  # finding: author.name expired at the rollback
