"""An exception of the program comes from where the program raises it, and not from every call."""

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


class StockError(Exception):
    pass


class SoldOutError(StockError):
    pass


def buy(copies):
    if copies > 2:
        raise SoldOutError


async def raised_before_the_expiry():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        try:
            buy(book.price)
            session.expire(book)
            await session.flush()
        except StockError:
            print(book.title)  # quiet: nothing but `buy` raises that


async def raised_after_the_expiry():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        try:
            session.expire(book)
            buy(3)
        except SoldOutError:
            print(book.title)  # finding: book.title was expired by hand: reading it needs `await`


async def raised_in_the_block():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        try:
            session.expire(book)
            if session.is_active:
                raise SoldOutError
        except StockError:
            print(book.title)  # finding: book.title was expired by hand: reading it needs `await`


async def any_exception():
    async with AsyncKeeping() as session:
        book = await session.get(Book, 1)
        try:
            session.expire(book)
            buy(3)
        except Exception:
            print(book.title)  # finding: book.title was expired by hand: reading it needs `await`
