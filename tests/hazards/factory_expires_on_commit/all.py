"""Async factories, and whether a read of this program fails because of them."""

expiring = async_sessionmaker(async_engine)  # finding: expire their objects at every commit
spelled_out = async_sessionmaker(async_engine, expire_on_commit=True)  # finding: expire their objects at every commit
typed = async_sessionmaker[AsyncSession](bind=async_engine, class_=AsyncSession)  # finding: expire their objects at every commit
by_class = sessionmaker(async_engine, class_=AsyncSession)  # finding: expire their objects at every commit
over_lines = async_sessionmaker(  # finding: expire their objects at every commit
    async_engine,
    autoflush=False,  # the trailing comma and this comment stay
)

keeping = async_sessionmaker(async_engine, expire_on_commit=False)  # quiet: keeps
by_class_keeping = sessionmaker(async_engine, class_=AsyncSession, expire_on_commit=False)  # quiet: keeps
never_committed = async_sessionmaker(async_engine)  # quiet: no session of it commits
never_read = async_sessionmaker(async_engine)  # quiet: nothing is read after its commits
refreshed_each_time = async_sessionmaker(async_engine)  # quiet: every read comes after a refresh
unused = async_sessionmaker(async_engine)  # quiet: nothing is made by it
overridden = async_sessionmaker(async_engine)  # quiet: every call asks to keep
options = {"expire_on_commit": False}
unpacked = async_sessionmaker(async_engine, **options)  # quiet: the keywords are not known
for_sync = sessionmaker(engine)  # quiet: a sync session reloads on its own


async def reads_after_the_commit():
    async with expiring() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # also expired-read-in-async: book.title expired at the commit


async def reads_after_the_commit_spelled_out():
    async with spelled_out() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # also expired-read-in-async: book.title expired at the commit


async def reads_after_the_commit_typed():
    async with typed() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # also expired-read-in-async: book.title expired at the commit


async def reads_after_the_commit_by_class():
    async with by_class() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # also expired-read-in-async: book.title expired at the commit


async def reads_after_the_commit_over_lines():
    async with over_lines() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # also expired-read-in-async: book.title expired at the commit


async def keeps():
    async with keeping() as session, by_class_keeping() as other:
        book, author = await session.get(Book, 1), await other.get(Author, 1)
        await session.commit()
        await other.commit()
        return book.title, author.name  # quiet: expire_on_commit=False


async def never_commits():
    async with never_committed() as session:
        book = await session.get(Book, 1)
        return book.title  # quiet: no commit


async def never_reads():
    async with never_read() as session:
        session.add(Book(title="Lavinia"))
        await session.commit()


async def refreshes():
    async with refreshed_each_time() as session:
        book = await session.get(Book, 1)
        await session.commit()
        await session.refresh(book)
        return book.title  # quiet: refreshed after the commit


async def overrides():
    async with overridden(expire_on_commit=False) as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # quiet: expire_on_commit=False


async def unpacks():
    async with unpacked() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # quiet: the keywords are not known


def sync():
    with for_sync() as session:
        book = session.get(Book, 1)
        session.commit()
        return book.title  # quiet: a sync session loads it again
