"""`session.expire` leaves the reload to the next read."""

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


async def one_column():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        session.expire(book, ["price"])
        print(book.title)  # quiet: only the price was expired
        print(book.price)  # finding: book.price was expired by hand: reading it needs `await`


async def everything():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        session.expire(book)
        print(book.title)  # finding: book.title was expired by hand: reading it needs `await`


async def every_object():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        session.expire_all()
        print(book.id)  # finding: book.id was expired by hand: reading it needs `await`


async def named_by_keyword():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        session.expire(book, attribute_names=["price"])
        print(book.title)  # quiet: only the price was expired
        print(book.price)  # finding: book.price was expired by hand: reading it needs `await`


async def relationship():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1, options=[selectinload(Author.books)])
        session.expire(author, ["books"])
        print(author.name)  # quiet: only the books were expired
        print(author.books)  # finding: author.books was expired by hand: reading it needs `await`


async def refreshed():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        session.expire(book)
        await session.refresh(book)
        print(book.price)  # quiet: refreshed


async def refreshed_by_name():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        session.expire(book, ["price"])
        await session.refresh(book, ["price"])
        print(book.price)  # quiet: refreshed


async def got_again():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        session.expire(book)
        book = await session.get(Book, 1)
        print(book.price)  # quiet: get() reloads an expired object


async def selected_again():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        session.expire_all()
        await session.scalars(select(Book))
        book = (await session.scalars(select(Book).where(Book.id == 1))).one()
        print(book.price)  # quiet: the SELECT fills an expired object


async def assigned():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        session.expire(book, ["price"])
        book.price = 12
        print(book.price)  # quiet: assigned


async def another_object():
    async with AsyncKeeping() as session:
        first, second = await session.get(Book, 1), await session.get(Book, 2)
        session.expire(first)
        print(second.price)  # quiet: the other one was expired
        print(first.price)  # finding: first.price was expired by hand: reading it needs `await`


async def loaded_after():
    async with AsyncKeeping() as session:
        session.expire_all()
        book = await session.get(Book, 1)
        print(book.price)  # quiet: loaded after


async def in_run_sync():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        session.expire(book)
        print(await session.run_sync(lambda _: book.price))  # quiet: run_sync may load


async def on_one_path(fresh):
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        if fresh:
            session.expire(book)
        print(book.price)  # finding: book.price was expired by hand: reading it needs `await`


async def on_one_path_refreshed(fresh):
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        if fresh:
            session.expire(book)
            await session.refresh(book)
        print(book.price)  # quiet: refreshed where it was expired


def attached_sync():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.expire(book, ["price"])
        print(book.price)  # quiet: a sync session loads it again


def closed():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.expire(book)
    print(book.price)  # finding: book.price was expired by hand and its session is closed


def one_column_closed():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.expire(book, ["price"])
    print(book.title)  # quiet: only the price was expired
    print(book.price)  # finding: book.price was expired by hand and its session is closed


def read_before_close():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.expire(book)
        print(book.title)  # quiet: a sync session loads it again
    print(book.price)  # quiet: loaded by the read before


def expired_through_a_helper():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _forget(session, book)
    print(book.price)  # finding: book.price was expired by hand and its session is closed


def _forget(session, book):
    session.expire(book)


def names_from_elsewhere():
    names = ["title"]
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.expire(book, names)
    print(book.price)  # quiet: which names is not known here
