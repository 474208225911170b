"""Factories that are made in functions, or only configured later."""

late = async_sessionmaker()  # quiet: configured below
late.configure(bind=async_engine, expire_on_commit=False)


def _make_factory():
    return async_sessionmaker(async_engine, expire_on_commit=False)


made = _make_factory()


async def configured_late():
    async with late() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # quiet: the factory was told to keep


async def made_by_a_function():
    async with made() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # quiet: expire_on_commit=False


async def made_in_place():
    maker = async_sessionmaker(async_engine)  # finding: expire their objects at every commit
    async with maker() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # also expired-read-in-async: book.title expired at the commit


async def read_after_a_rollback():
    maker = async_sessionmaker(async_engine)  # quiet: expire_on_commit=False would not help against a rollback
    async with maker() as session:
        book = await session.get(Book, 1)
        await session.rollback()
        return book.title  # also read-after-rollback: book.title expired at the rollback


async def relationship_that_nobody_loaded():
    maker = async_sessionmaker(async_engine)  # quiet: expire_on_commit=False would not load it
    async with maker() as session:
        author = await session.get(Author, 1)
        return author.books  # also lazy-read-in-async: author.books is not loaded
