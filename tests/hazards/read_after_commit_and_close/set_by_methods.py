"""What makes sessions, in fields that a method sets which is no constructor, and that is called from outside."""

from contextlib import contextmanager

_app = {}


def _managed(factory):
    @contextmanager
    def opened(read_only=True):
        with factory() as session:
            yield session
            if not read_only:
                session.commit()

    return opened


class _Store:
    def init_db(self):
        maker = sessionmaker(bind=engine)
        self.managed_session_maker = _managed(maker)

    def book(self):
        with self.managed_session_maker(read_only=False) as session:
            book = session.get(Book, 1)
        return book.title  # finding: book.title expired at the commit

    def book_that_is_only_read(self):
        with self.managed_session_maker() as session:
            book = session.get(Book, 1)
        return book.title  # quiet: nothing is committed


def _make_sessions(keeping):
    return sessionmaker(engine, expire_on_commit=not keeping)


class _Called:
    def __init__(self):
        self.sessions = None

    def connect(self):
        self.sessions = _make_sessions(False)

    def book(self):
        with self.sessions() as session:
            book = session.get(Book, 1)
            session.commit()
        return book.title  # missed: `not keeping` is not read


def _make_factory():
    return sessionmaker(engine)


class _CalledPlainly:
    def __init__(self):
        self.sessions = None

    def connect(self):
        self.sessions = _make_factory()

    def book(self):
        with self.sessions() as session:
            book = session.get(Book, 1)
            session.commit()
        return book.title  # finding: book.title expired at the commit


class _InTwoWays:
    def connect(self, keeping):
        if keeping:
            self.session_factory = sessionmaker(engine, expire_on_commit=False)
        else:
            self.session_factory = sessionmaker(engine)

    def book(self):
        with self.session_factory() as session:
            book = session.get(Book, 1)
            session.commit()
        return book.title  # quiet: one of its factories keeps


class _Given:
    def connect(self):
        self.session_factory = sessionmaker(engine)

    def use(self, factory):
        self.session_factory = factory

    def book(self):
        with self.session_factory() as session:
            book = session.get(Book, 1)
            session.commit()
        return book.title  # quiet: anybody can give it another factory


def _start():
    _app["store"] = _Store()
    _app["store"].init_db()
    _app["called"] = _Called()
    _app["called"].connect()
    _app["plainly"] = _CalledPlainly()
    _app["plainly"].connect()
    _app["ways"] = _InTwoWays()
    _app["ways"].connect(True)
    _app["given"] = _Given()
    _app["given"].use(sessionmaker(engine, expire_on_commit=False))


def made_into_a_context_manager(reading):
    _start()
    if reading:
        _app["store"].book_that_is_only_read()
    else:
        _app["store"].book()


def made_by_a_function(plainly):
    _start()
    _app["plainly" if plainly else "called"].book()


def made_in_two_ways():
    _start()
    _app["ways"].book()


def given_later():
    _start()
    _app["given"].book()
