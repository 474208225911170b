"""A rollback expires every object, whatever the factory says."""

Keeping = sessionmaker(engine, expire_on_commit=False)
AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


class _Refused(Exception):
    pass


def _refuse():
    raise _Refused


async def in_the_handler():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        try:
            book.title = None
            await session.commit()
        except IntegrityError:
            await session.rollback()
            print(f"cannot rename {book.id}")  # finding: book.id expired at the rollback: reading it needs `await`


async def the_flag_does_not_help():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        await session.rollback()
        print(book.title)  # finding: book.title expired at the rollback: reading it needs `await`


async def loaded_collection_as_well():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1, options=[selectinload(Author.books)])
        await session.rollback()
        print(author.books)  # finding: author.books expired at the rollback: reading it needs `await`


async def refreshed_after():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        await session.rollback()
        await session.refresh(book)
        print(book.title)  # quiet: refreshed after the rollback


async def got_again_after():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        await session.rollback()
        book = await session.get(Book, 1)
        print(book.title)  # quiet: get() reloads an expired object


async def key_taken_before():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        book_id = book.id
        try:
            book.title = None
            await session.commit()
        except IntegrityError:
            await session.rollback()
            print(f"cannot rename {book_id}")  # quiet: a number


async def handler_that_leaves():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        try:
            book.price = 12
            await session.commit()
        except IntegrityError:
            await session.rollback()
            raise
        print(book.price)  # quiet: not reached after the rollback


async def handler_that_goes_on():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        try:
            book.title = None
            await session.flush()
        except IntegrityError:
            await session.rollback()
        print(book.price)  # finding: book.price expired at the rollback: reading it needs `await`


async def rolled_back_in_a_loop():
    refused = []
    async with AsyncKeeping() as session:
        books = (await session.scalars(select(Book).order_by(Book.id))).all()
        for book in books:
            try:
                book.title = None  # quiet: assigning loads nothing
                await session.flush()
            except IntegrityError:
                await session.rollback()
                refused.append(book.id)  # finding: book.id expired at the rollback: reading it needs `await`


def attached_objects_reload():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.rollback()
        print(book.title)  # quiet: the session is open and loads it again


def rolled_back_and_closed():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.rollback()
    print(book.title)  # finding: book.title expired at the rollback and its session is closed


def rolled_back_and_closed_keeping():
    with Keeping() as session:
        book = session.get(Book, 1)
        session.rollback()
    print(book.title)  # finding: book.title expired at the rollback and its session is closed


def rolled_back_in_finally():
    session = Keeping()
    try:
        book = session.get(Book, 1)
    finally:
        session.rollback()
        session.close()
    return book.title  # finding: book.title expired at the rollback and its session is closed


def begin_block_left_by_an_exception():
    try:
        with Keeping.begin() as session:
            book = session.get(Book, 1)
            _refuse()
    except _Refused:
        print(book.title)  # finding: book.title expired at the rollback and its session is closed


def block_without_begin_left_by_an_exception():
    try:
        with Keeping() as session:
            book = session.get(Book, 1)
            _refuse()
    except _Refused:
        print(book.title)  # quiet: close alone expires nothing


def close_is_not_a_rollback():
    session = Keeping()
    book = session.get(Book, 1)
    session.close()
    print(book.title)  # quiet: close alone expires nothing


def new_object_keeps_its_values():
    with Keeping() as session:
        book = Book(title="Lavinia")
        session.add(book)
        session.flush()
        session.rollback()
    print(book.id, book.title)  # quiet: transient again, with its values


def new_object_never_flushed():
    with Keeping() as session:
        book = Book(title="Lavinia")
        session.add(book)
        session.rollback()
    print(book.title)  # quiet: transient again, with its values


def savepoint_without_changes():
    with Keeping() as session:
        book = session.get(Book, 1)
        try:
            with session.begin_nested():
                _refuse()
        except _Refused:
            pass
    print(book.title)  # quiet: nothing was changed inside


def savepoint_with_changes():
    with Keeping() as session:
        book = session.get(Book, 1)
        try:
            with session.begin_nested():
                book.price = 12
                session.flush()
                _refuse()
        except _Refused:
            pass
    print(book.title)  # finding: book.title expired at the rollback and its session is closed


async def savepoint_with_other_rows_only():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        try:
            async with session.begin_nested():
                session.add(Author(name="Ursula"))
                await session.flush()
        except IntegrityError:
            print(book.title)  # quiet: the book was not changed inside


def loaded_after_the_rollback():
    with Keeping() as session:
        session.rollback()
        book = session.get(Book, 1)
    print(book.title)  # quiet: loaded after the rollback


def on_one_path(undo):
    with Keeping() as session:
        book = session.get(Book, 1)
        if undo:
            session.rollback()
    print(book.title)  # finding: book.title expired at the rollback and its session is closed


def rollback_by_a_helper():
    with Keeping() as session:
        book = session.get(Book, 1)
        _undo(session)
    print(book.title)  # finding: book.title expired at the rollback and its session is closed


def _undo(session):
    session.rollback()


def rollback_without_a_transaction():
    with Keeping() as session:
        book = session.get(Book, 1)
        session.commit()
        session.rollback()
    print(book.title)  # quiet: nothing ran since the commit, so there is nothing to roll back


def rollback_of_the_next_transaction():
    with Keeping() as session:
        book = session.get(Book, 1)
        session.commit()
        session.scalars(select(Author)).all()
        session.rollback()
    print(book.title)  # finding: book.title expired at the rollback and its session is closed


def rollback_in_finally_after_a_commit():
    session = Keeping()
    try:
        book = session.get(Book, 1)
        session.commit()
    finally:
        session.rollback()
        session.close()
    return book.title  # quiet: the commit ended the transaction


async def unknown_factory_rolls_back(session):
    book = await session.get(Book, 1)
    await session.rollback()
    print(book.title)  # finding: book.title expired at the rollback: reading it needs `await`


def assigned_after_the_rollback():
    with Keeping() as session:
        book = session.get(Book, 1)
        session.rollback()
    book.title = "Lavinia"  # quiet: assigning loads nothing
    print(book.title)  # quiet: assigned


def merged_into_its_own_session():
    with Keeping() as session:
        with session.begin():
            book = session.get(Book, 1)
        book = session.merge(book)
        session.rollback()
    print(book.title)  # quiet: merge() had nothing to look up, so no transaction began


def flushed_with_nothing_to_flush():
    with Keeping() as session:
        book = session.get(Book, 1)
        session.commit()
        session.flush()
        session.rollback()
    print(book.title)  # quiet: without changes no transaction began
