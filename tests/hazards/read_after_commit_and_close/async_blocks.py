"""The same with async sessions: once the block is left, the object is detached."""


async def commit_inside_read_after():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
    print(book.title)  # finding: book.title expired at the commit


async def begin_block():
    async with AsyncSessionLocal.begin() as session:
        book = await session.get(Book, 1)
        print(book.title)  # quiet: the transaction is open
    print(book.title)  # finding: book.title expired at the commit


async def begin_beside_the_session():
    async with AsyncSessionLocal() as session, session.begin():
        book = await session.get(Book, 1)
    print(book.title)  # finding: book.title expired at the commit


async def close_alone():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
    print(book.title)  # quiet: loaded columns stay readable after close


async def keeping():
    Keeping = async_sessionmaker(async_engine, expire_on_commit=False)
    async with Keeping.begin() as session:
        book = await session.get(Book, 1)
    print(book.title)  # quiet: expire_on_commit=False


async def refreshed():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        await session.refresh(book)
    print(book.title)  # quiet: refreshed after the commit


async def closed_by_hand():
    session = AsyncSessionLocal()
    book = await session.get(Book, 1)
    await session.commit()
    await session.close()
    print(book.title)  # finding: book.title expired at the commit


async def session_of_unknown_origin(session):
    book = await session.get(Book, 1)
    await session.commit()
    await session.close()
    print(book.title)  # quiet: nobody knows whether that factory expires
