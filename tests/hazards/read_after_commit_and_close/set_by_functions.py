"""Names that a module leaves ``None`` until a function sets them: ``global Session``."""

from contextlib import contextmanager

from sqlalchemy.orm import scoped_session

_engine = None
_Session = None
_Keeping = None
_Either = None
_Registry = None
_maker = None
_given_maker = None
_database = None


def _get_engine():
    global _engine, _Session
    if _engine is None:
        _engine = engine
        _Session = sessionmaker(bind=_engine)
    return _engine


def _dispose():
    global _engine, _Session
    _engine = _Session = None


@contextmanager
def _session():
    global _Session
    if _Session is None:
        _get_engine()
    session = _Session()
    try:
        yield session
    finally:
        session.close()


def set_with_another():
    with _session() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def set_and_set_back(disposing):
    with _session() as session:
        book = session.get(Book, 1)
        session.commit()
        if disposing:
            _dispose()
            session.refresh(book)
    if disposing:
        print(book.title)  # quiet: it has been refreshed


def _connect():
    global _Keeping, _Registry
    _Keeping = sessionmaker(engine, expire_on_commit=False)
    _Registry = scoped_session(sessionmaker(engine))


def that_keeps():
    _connect()
    with _Keeping() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: its factory keeps what is loaded


def registry():
    _connect()
    book = _Registry.get(Book, 1)
    _Registry.commit()
    _Registry.remove()
    print(book.title)  # finding: book.title expired at the commit


def _one_way():
    global _Either
    _Either = sessionmaker(engine)


def _another_way():
    global _Either
    _Either = sessionmaker(engine, expire_on_commit=False)


def set_in_two_ways():
    _another_way()
    with _Either() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: two functions set it, and do not agree


def _open():
    global _maker
    if not _maker:
        _maker = sessionmaker(engine)
    return _maker()


def set_by_who_first_asks():
    with _open() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def _configure(maker):
    global _given_maker
    _given_maker = maker


def set_to_what_is_given():
    _configure(sessionmaker(engine, expire_on_commit=False))
    with _given_maker() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: whoever calls the function says what it is


class _Database:
    def __init__(self):
        self._factory = sessionmaker(engine)

    def begin(self):
        return self._factory()


def _get_database():
    global _database
    if _database is None:
        _database = _Database()
    return _database


def instance_of_the_module():
    with _get_database().begin() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit
