"""Factories in the fields of instances: given to a constructor, or set by a method, far from where they are called."""

from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_scoped_session

_app = {}


class _Repository:
    def __init__(self, sessions):
        self.sessions = sessions


class _Books(_Repository):
    async def rename(self):
        async with self.sessions() as session:
            book = await session.get(Book, 1)
            await session.commit()
            return book.title  # finding: book.title expired at the commit


class _Authors(_Repository):
    async def rename(self):
        async with self.sessions() as session:
            author = await session.get(Author, 1)
            await session.commit()
            return author.name  # quiet: its factory keeps


class _Both(_Repository):
    async def rename(self):
        async with self.sessions() as session:
            author = await session.get(Author, 1)
            await session.commit()
            return author.name  # missed: some are made with a factory that keeps


class _Opener:
    def __init__(self, factory: async_sessionmaker):
        self._factory = factory

    def __call__(self):
        return self._factory()


class _Opened:
    def __init__(self, session_factory):
        self.session_factory = session_factory

    async def rename(self):
        async with self.session_factory() as session:
            book = await session.get(Book, 1)
            await session.commit()
            return book.title  # finding: book.title expired at the commit


class _Database:
    def __init__(self):
        self.session_factory = None
        self.scoped = None

    def connect(self):
        self.session_factory = async_sessionmaker(async_engine)  # also factory-expires-on-commit: expire their objects
        self.scoped = async_scoped_session(self.session_factory, lambda: 1)

    @property
    def session(self):
        if self.scoped is None:
            raise RuntimeError
        return self.scoped

    async def rename(self):
        async with self.session_factory() as session:
            book = await session.get(Book, 1)
            await session.commit()
            return book.title  # finding: book.title expired at the commit


_database = _Database()


def _start():
    _app["books"] = _Books(AsyncSessionLocal)
    _app["authors"] = _Authors(async_sessionmaker(async_engine, expire_on_commit=False))
    _app["opened"] = _Opened(_Opener(AsyncSessionLocal))
    _app["both"] = [_Both(AsyncSessionLocal), _Both(async_sessionmaker(async_engine, expire_on_commit=False))]
    _database.connect()


async def given_to_a_base_class():
    _start()
    await _app["books"].rename()


async def one_that_keeps():
    _start()
    await _app["authors"].rename()


async def two_that_differ():
    _start()
    for both in _app["both"]:
        await both.rename()


async def an_instance_that_is_called():
    _start()
    await _app["opened"].rename()


async def set_by_a_method():
    _start()
    await _database.rename()


async def behind_a_property():
    _start()
    book = await _database.session.get(Book, 1)
    await _database.session.rollback()
    print(book.title)  # also read-after-rollback: book.title expired
    await _database.session.remove()


def _opening(factory):
    @asynccontextmanager
    async def opened():
        async with factory.begin() as session:
            yield session

    return opened


class _Shelves:
    def __init__(self, open_session):
        self.open_session = open_session

    async def rename(self):
        async with self.open_session() as session:
            book = await session.get(Book, 1)
        return book.title  # also read-after-commit-and-close: book.title expired at the commit


async def a_function_that_opens():
    _app["shelves"] = _Shelves(_opening(AsyncSessionLocal))
    await _app["shelves"].rename()


class _Either(_Opened):
    async def rename(self):
        async with self.session_factory() as session:
            book = await session.get(Book, 1)
            await session.commit()
            return book.title  # missed: one of the two that open its sessions keeps


async def two_instances_that_differ():
    _app["either"] = [
        _Either(_Opener(async_sessionmaker(async_engine, expire_on_commit=False))),
        _Either(_Opener(AsyncSessionLocal)),
    ]
    for either in _app["either"]:
        await either.rename()
