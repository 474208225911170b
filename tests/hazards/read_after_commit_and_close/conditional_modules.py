"""What a module makes in one of several ways."""

from contextlib import contextmanager
from os import environ

from sqlalchemy.orm import scoped_session

_Sessions = sessionmaker(engine)

if environ.get("POOL"):
    _only = _Sessions()
else:
    _Sessions = scoped_session(_Sessions)
    _only = None

if environ.get("POOL"):
    _Alike = sessionmaker(engine, autoflush=True)
else:
    _Alike = sessionmaker(engine)

_Optional = None
if not environ.get("POOL"):
    _Optional = sessionmaker(engine)

try:
    _Guarded = sessionmaker(engine)
except ValueError:
    _Guarded = None


try:
    import zoneinfo as _zones
except ImportError:
    _zones = None


@contextmanager
def _transaction():
    session = _only or _Sessions()
    yield session
    session.commit()


def one_session_or_those_of_a_registry():
    with _transaction() as session:
        book = session.get(Book, 1)
    print(book.title)  # quiet: in both ways the session is still there


def two_that_are_alike():
    with _Alike() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def one_that_may_be_missing():
    with _Optional() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def one_that_may_fail():
    with _Guarded() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def optional_import():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
    print(_zones.ZoneInfo)
    print(book.title)  # finding: book.title expired at the commit
