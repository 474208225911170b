"""Sessions that come from what a module has made: wrapped generators, instances with a factory, one within another."""

from contextlib import asynccontextmanager, contextmanager
from functools import lru_cache


def _session():
    with SessionLocal() as session:
        yield session
        session.commit()


session_scope = contextmanager(_session)


async def _async_session():
    async with AsyncSessionLocal() as session:
        yield session
        await session.commit()


async_session_scope = asynccontextmanager(_async_session)


class Database:
    def __init__(self, keeping):
        self.is_open = True
        self.last = None
        if keeping:
            self.factory = sessionmaker(engine, expire_on_commit=False)
        else:
            self.factory = sessionmaker(engine)

    def session(self):
        return self.factory()

    @contextmanager
    def scope(self):
        with self.factory.begin() as session:
            yield session


class Services:
    def __init__(self):
        self.database = Database(False)


database = Database(False)
keeping_database = Database(True)
services = Services()


@lru_cache
def _cached_database():
    return Database(False)


def wrapped_generator():
    with session_scope() as session:
        book = session.get(Book, 1)
    print(book.title)  # finding: book.title expired at the commit


def wrapped_generator_read_inside():
    with session_scope() as session:
        book = session.get(Book, 1)
        print(book.title)  # quiet: the commit comes after the block


async def wrapped_async_generator():
    async with async_session_scope() as session:
        book = await session.get(Book, 1)
    print(book.title)  # finding: book.title expired at the commit


def instance_of_the_module():
    with database.session() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def instance_with_a_context_manager():
    with database.scope() as session:
        book = session.get(Book, 1)
    print(book.title)  # finding: book.title expired at the commit


def instance_that_keeps():
    with keeping_database.session() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: its factory keeps what is loaded


def instance_within_an_instance():
    with services.database.session() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def cached_instance():
    with _cached_database().session() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def flag_of_an_instance(closing):
    if closing:
        database.is_open = False
    with database.session() as session:
        book = session.get(Book, 1)
        if not database.is_open:
            session.commit()
    if database.is_open:
        print(book.title)  # quiet: a flag of the module's instance is not what it was at first
    database.is_open = True


def what_an_instance_remembers(remembering):
    with keeping_database.session() as session:
        if remembering:
            keeping_database.last = session.get(Book, 1)
        if keeping_database.last is not None:
            session.commit()
    book = keeping_database.last
    print(book.title if book is not None else "")  # quiet: who has set it cannot be seen
    keeping_database.last = None
