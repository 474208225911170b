"""Objects of one session that another one is to take in."""

import gc
from contextlib import contextmanager

from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import object_session


def add():
    with SessionLocal() as session, SessionLocal() as other:
        author = session.get(Author, 1)
        other.add(author)  # finding: `other.add` takes a mapped Author that another session holds


def add_all():
    with SessionLocal() as session, SessionLocal() as other:
        author = session.get(Author, 1)
        other.add_all([author])  # finding: `other.add_all` takes a mapped Author


def add_after_rollback_of_its_own_session():
    with SessionLocal() as session, SessionLocal() as other:
        author = session.get(Author, 1)
        session.rollback()
        other.add(author)  # finding: `other.add` takes a mapped Author


def add_of_a_pending_object():
    with SessionLocal() as session, SessionLocal() as other:
        author = Author(name="Octavia")
        session.add(author)
        other.add(author)  # finding: `other.add` takes a mapped Author


def new_object_that_points_at_it():
    with SessionLocal() as session, SessionLocal() as other:
        author = session.get(Author, 1)
        book = Book(title="Lavinia", author=author)
        other.add(book)  # finding: takes a mapped Author that another session holds, through `Book.author`


def new_object_that_has_it_in_a_list():
    with SessionLocal() as session, SessionLocal() as other:
        book = session.get(Book, 1)
        other.add(Author(name="Octavia", books=[book]))  # finding: `other.add` takes a mapped Book


def assigned_to_a_pending_object():
    with SessionLocal() as session, SessionLocal() as other:
        author = session.get(Author, 1)
        book = Book(title="Lavinia")
        other.add(book)
        book.author = author  # finding: `book.author` takes a mapped Author


def assigned_to_a_persistent_object():
    with SessionLocal() as session, SessionLocal() as other:
        author = session.get(Author, 1)
        book = other.get(Book, 2)
        book.author = author  # finding: `book.author` takes a mapped Author


def appended():
    with SessionLocal() as session, SessionLocal() as other:
        book = session.get(Book, 1)
        author = other.get(Author, 1)
        author.books.append(book)  # finding: `author.books.append` takes a mapped Book


def _keep(session, book):
    session.add(book)
    session.commit()


def added_by_a_helper():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        with SessionLocal() as other:
            _keep(other, Book(title="Lavinia", author=author))  # finding: `_keep` takes a mapped Author


def _note(author):
    with SessionLocal() as other:
        other.add(Book(title="Lavinia", author=author))
        other.commit()


def helper_with_a_session_of_its_own():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        _note(author)  # finding: `_note` takes a mapped Author


@contextmanager
def _scope():
    session = SessionLocal()
    try:
        yield session
        session.commit()
    finally:
        session.close()


def two_scopes():
    with _scope() as session:
        author = session.get(Author, 1)
        with _scope() as other:
            other.add(Book(title="Lavinia", author=author))  # finding: `other.add` takes a mapped Author


async def add_async():
    async with AsyncSessionLocal() as session, AsyncSessionLocal() as other:
        author = await session.get(Author, 1)
        other.add(author)  # finding: `other.add` takes a mapped Author


async def new_object_that_points_at_it_async():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        async with AsyncSessionLocal() as other:
            other.add(Book(title="Lavinia", author=author))  # finding: `other.add` takes a mapped Author
            await other.commit()


def own_session():
    with SessionLocal() as session, SessionLocal() as other:
        author = session.get(Author, 1)
        other.add(Author(name="Octavia"))  # quiet: a new object
        session.add(author)  # quiet: it is in there already
        session.add(Book(title="Lavinia", author=author))  # quiet: the same session


def key_instead():
    with SessionLocal() as session, SessionLocal() as other:
        author = session.get(Author, 1)
        other.add(Book(title="Lavinia", author_id=author.id))  # quiet: a number has no session
        other.commit()


def merged():
    with SessionLocal() as session, SessionLocal() as other:
        author = session.get(Author, 1)
        other.add(Book(title="Lavinia", author=other.merge(author)))  # quiet: a copy of its own
        other.merge(Book(title="Malafrena", author=author))  # quiet: merge copies what it leads to


def detached():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with SessionLocal() as other:
        other.add(author)  # quiet: nobody holds it any longer


def closed_meanwhile():
    session = SessionLocal()
    author = session.get(Author, 1)
    session.close()
    with SessionLocal() as other:
        other.add(Book(title="Lavinia", author=author))  # quiet: its session is closed


def expunged():
    with SessionLocal() as session, SessionLocal() as other:
        author = session.get(Author, 1)
        session.expunge(author)
        other.add(author)  # quiet: its session has let it go


def transient_again():
    with SessionLocal() as session, SessionLocal() as other:
        author = Author(name="Octavia")
        session.add(author)
        session.rollback()
        other.add(author)  # quiet: the rollback has put it out


def new_object_of_nobody():
    with SessionLocal() as session, SessionLocal() as other:
        author = session.get(Author, 1)
        book = Book(title="Lavinia", author=author)
        print(book in session, book in other)  # quiet: pointing at an object takes nobody in


def not_assigned_any_longer():
    with SessionLocal() as session, SessionLocal() as other:
        author = session.get(Author, 1)
        book = Book(title="Lavinia", author=author)
        book.author = None
        other.add(book)  # quiet: it points at nothing


def expected():
    with SessionLocal() as session, SessionLocal() as other:
        author = session.get(Author, 1)
        try:
            other.add(author)  # quiet: somebody expects it
        except InvalidRequestError:
            other.merge(author)


def _find(book_id):
    return SessionLocal().get(Book, book_id)


def session_that_nobody_holds():
    book = _find(1)
    gc.collect()
    with SessionLocal() as other:
        other.add(book)  # quiet: its session is gone



def session_that_the_object_has():
    with SessionLocal() as session, SessionLocal() as other:
        author = session.get(Author, 1)
        own = object_session(author) or other
        own.add(author)  # quiet: its own session
        session.commit()
