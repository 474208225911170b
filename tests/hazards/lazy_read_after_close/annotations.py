"""What only an annotation says: factories, aliases of session classes, and where a field comes from."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NewType

ReadSession = NewType("ReadSession", Session)

_FACTORIES: dict[str, sessionmaker[Session]] = {"main": SessionLocal}


def _factory() -> sessionmaker[Session]:
    return _FACTORIES["".join(("ma", "in"))]


class _Database:
    @contextmanager
    def begin(self) -> Iterator[Session]:
        with SessionLocal() as session:
            yield session


class _Authors:
    """Nobody makes one of these where it can be seen."""

    def __init__(self, factory: sessionmaker[Session], database: _Database) -> None:
        self.factory = factory
        self.database = database

    def of_factory(self) -> Any:
        with self.factory() as session:
            author = session.get(Author, 1)
        print(author.name)  # quiet: a loaded column
        return author.books  # finding: author.books is not loaded and its session is closed

    def of_database(self) -> Any:
        with self.database.begin() as session:
            author = session.get(Author, 1)
        return author.books  # finding: author.books is not loaded and its session is closed


def _books_of_alias(session: ReadSession) -> Any:
    author = session.get(Author, 1)
    session.close()
    return author.books  # finding: author.books is not loaded and its session is closed


def field_that_is_a_factory():
    vars(_Authors)["_".join(("of", "factory"))](globals()["".join(("_Auth", "ors"))](SessionLocal, None))


def field_that_has_a_session():
    vars(_Authors)["_".join(("of", "database"))](globals()["".join(("_Auth", "ors"))](None, _Database()))


def factory_that_a_function_returns():
    with _factory()() as session:
        author = session.get(Author, 1)
    print(author.books)  # finding: author.books is not loaded and its session is closed


def alias_of_a_session_class():
    globals()["_".join(("", "books", "of", "alias"))](SessionLocal())
