"""Savepoints that are kept under a name and ended by hand: what was not changed inside stays as it is."""

Keeping = sessionmaker(engine, expire_on_commit=False)
AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


async def rolled_back():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        savepoint = await session.begin_nested()
        await savepoint.rollback()
        print(author.name)  # quiet: nothing was changed in the savepoint


async def changed_and_rolled_back():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        savepoint = await session.begin_nested()
        author.name = "Livy"
        await session.flush()
        await savepoint.rollback()
        print(author.name)  # finding: author.name expired at the rollback


async def changed_before_and_rolled_back():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        author.name = "Livy"
        savepoint = await session.begin_nested()
        await savepoint.rollback()
        print(author.name)  # quiet: the change was flushed before the savepoint began


async def released():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        savepoint = await session.begin_nested()
        await savepoint.commit()
        print(author.name)  # quiet: releasing a savepoint expires nothing


async def released_and_committed():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        savepoint = await session.begin_nested()
        await savepoint.commit()
        await session.commit()
        print(author.name)  # also expired-read-in-async: author.name expired at the commit


def add_unless_there(double=False):
    with Keeping() as session:
        author = session.get(Author, 1)
        nested = session.begin_nested()
        try:
            session.add(Author(name="Ursula" if double else "Livy"))
            session.flush()
            nested.commit()
        except IntegrityError:
            nested.rollback()
    print(author.name)  # quiet: only the one that was added is gone


def whole_transaction():
    with Keeping() as session:
        transaction = session.begin()
        author = session.get(Author, 1)
        transaction.rollback()
    print(author.name)  # finding: author.name expired at the rollback and its session is closed
