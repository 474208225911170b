"""Functions, methods and context managers around the session."""

from contextlib import closing, contextmanager

from sqlalchemy.orm import scoped_session


def _load(book_id):
    with SessionLocal() as session:
        book = session.get(Book, book_id)
        session.commit()
        return book


def _load_keeping(book_id):
    with Session(engine, expire_on_commit=False) as session:
        book = session.get(Book, book_id)
        session.commit()
        return book


def _title_of(book):
    return book.title


def _save(session):
    session.commit()


def _save_and_refresh(session, book):
    session.commit()
    session.refresh(book)


def _finish(session):
    session.commit()
    session.close()


def returned_by_a_helper():
    book = _load(1)
    print(book.title)  # finding: book.title expired at the commit


def returned_by_a_helper_that_keeps():
    book = _load_keeping(1)
    print(book.title)  # quiet: expire_on_commit=False


def read_by_a_helper():
    book = _load(1)
    return _title_of(book)  # finding: Book.title expired at the commit


def read_by_a_helper_of_what_is_loaded():
    book = _load_keeping(1)
    return _title_of(book)  # quiet: expire_on_commit=False


def helper_commits():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _save(session)
    print(book.title)  # finding: book.title expired at the commit


def helper_commits_and_refreshes():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        _save_and_refresh(session, book)
    print(book.title)  # quiet: refreshed by the helper


def helper_commits_and_closes():
    session = SessionLocal()
    book = session.get(Book, 1)
    _finish(session)
    print(book.title)  # finding: book.title expired at the commit


def helper_commits_another_session():
    with SessionLocal() as session, SessionLocal() as other:
        book = session.get(Book, 1)
        _save(other)
    print(book.title)  # quiet: the other session committed


@contextmanager
def _scope():
    session = SessionLocal()
    try:
        yield session
        session.commit()
    except Exception:
        session.rollback()
        raise
    finally:
        session.close()


@contextmanager
def _reading():
    session = SessionLocal()
    try:
        yield session
    finally:
        session.close()


def context_manager_commits():
    with _scope() as session:
        book = session.get(Book, 1)
        print(book.title)  # quiet: still inside
    print(book.title)  # finding: book.title expired at the commit


def context_manager_only_closes():
    with _reading() as session:
        book = session.get(Book, 1)
    print(book.title)  # quiet: close keeps what is loaded


def closed_by_contextlib():
    with closing(SessionLocal()) as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit


def session_of_unknown_origin(session):
    book = session.get(Book, 1)
    session.commit()
    session.close()
    print(book.title)  # quiet: nobody knows whether that factory expires


class _Shop:
    def __init__(self):
        self.session = SessionLocal()

    def sell(self, book_id):
        book = self.session.get(Book, book_id)
        self.session.commit()
        return book.title  # quiet: the session is open

    def sell_and_close(self, book_id):
        book = self.session.get(Book, book_id)
        self.session.commit()
        self.session.close()
        return book.title  # finding: book.title expired at the commit


def method_of_an_open_session():
    _Shop().sell(1)


def method_that_closes():
    _Shop().sell_and_close(1)


class _KeepingSession(Session):
    def __init__(self, *args, **kwargs):
        kwargs.setdefault("expire_on_commit", False)
        super().__init__(*args, **kwargs)


def own_session_class():
    with _KeepingSession(engine) as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.title)  # quiet: a subclass may decide otherwise


def scoped_session_removed():
    Shop = scoped_session(SessionLocal)
    book = Shop.get(Book, 1)
    Shop.commit()
    Shop.remove()
    print(book.title)  # finding: book.title expired at the commit


def scoped_session_still_there():
    Shop = scoped_session(SessionLocal)
    book = Shop.get(Book, 1)
    Shop.commit()
    print(book.title)  # quiet: the session is open
    Shop.remove()


def _books():
    with SessionLocal() as session:
        for book in session.scalars(select(Book)):
            yield book
            session.commit()


def generator_is_paused_before_its_commit():
    for book in _books():
        print(book.title)  # quiet: the generator waits inside the block, before its commit


def read_later_by_a_closure():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()

        def title():
            return book.title  # quiet: called while the session is open

        print(title())


def tuple_of_objects():
    def load():
        with SessionLocal() as session:
            book, author = session.get(Book, 1), session.get(Author, 1)
            session.commit()
            return book, author

    book, author = load()
    print(author is not None)  # quiet: no attribute is read
    print(book.title)  # finding: book.title expired at the commit


def _new_book(title):
    return Book(title=title, author_id=1)


def made_by_a_function_without_a_session():
    book = _new_book("Made elsewhere")
    with SessionLocal() as session:
        session.add(book)
        session.commit()
    print(book.title)  # finding: book.title expired at the commit
