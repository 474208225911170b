"""Small programs that fail; the line that does is marked ``# fails``."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any

from sqlalchemy import Engine, delete, event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, defer, lazyload, raiseload, selectinload

from outlive.lifecycle.states import State
from tests.shelf import Author, Book


@dataclass(frozen=True)
class Failing:
    """A program, and what an explanation of its failure has to name."""

    program: Callable[..., Any]
    hazard: str
    entity: str | None = None
    identity_key: tuple[object, ...] | None = None
    attribute: str | None = None
    state: State | None = None

    def __str__(self) -> str:
        return self.program.__name__

    @property
    def line(self) -> str:
        """The marked line, as an explanation prints it."""
        lines, first = inspect.getsourcelines(self.program)
        [marked] = [number for number, line in enumerate(lines, first) if "# fails" in line]
        return f"{os.path.relpath(inspect.getsourcefile(self.program))}:{marked}"


def column_after_commit_and_close(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author)).one()
        session.commit()
    return author.name  # fails


def key_after_commit_and_close(engine: Engine):
    with Session(engine) as session:
        author = Author(name="Octavia")
        session.add(author)
        session.commit()
    return author.id  # fails


def column_after_rollback_and_close(engine: Engine):
    with Session(engine, expire_on_commit=False) as session:
        author = session.scalars(select(Author)).one()
        session.rollback()
    return author.name  # fails


def eager_relationship_after_rollback_and_close(engine: Engine):
    with Session(engine, expire_on_commit=False) as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.rollback()
    return author.books  # fails


def column_after_expire_and_close(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author)).one()
        session.expire(author, ["name"])
    return author.name  # fails


def eager_relationship_after_expire_and_close(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.expire(author, ["books"])
    return author.books  # fails


def column_set_by_sql_after_close(engine: Engine):
    with Session(engine, expire_on_commit=False) as session:
        author = session.scalars(select(Author)).one()
        author.name = "Le Guin"
        session.commit()
    return author.changed_at  # fails


def relationship_after_close(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author)).one()
    return author.books  # fails


def relationship_after_expunge(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author)).one()
        session.expunge(author)
        return author.books  # fails


def relationship_of_what_a_relationship_loaded(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author).options(selectinload(Author.works))).one()
    return author.works[0].author  # fails


def relationship_after_commit_and_close(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author)).one()
        session.commit()
    return author.books  # fails


def relationship_of_a_new_object_after_close(engine: Engine):
    with Session(engine) as session:
        author = Author(name="Octavia")
        session.add(author)
        session.flush()
        session.expunge(author)
    return author.books  # fails


def eager_relationship_after_commit_and_close(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.commit()
    return author.books  # fails


def relationship_that_the_mapping_loads_after_commit_and_close(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author)).one()
        session.commit()
    return author.works  # fails


def relationship_whose_eager_mapping_the_query_switched_off(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author).options(lazyload(Author.works))).one()
        session.commit()
    return author.works  # fails


def deferred_column_after_close(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author)).one()
    return author.biography  # fails


def column_that_the_query_defers_after_close(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author).options(defer(Author.name))).one()
    return author.name  # fails


def relationship_that_the_mapping_forbids(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author)).one()
        return author.drafts  # fails


def relationship_that_the_query_forbids(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author).options(raiseload(Author.books))).one()
        return author.books  # fails


def column_that_the_mapping_forbids(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author)).one()
        return author.secret  # fails


def refresh_of_a_detached_object(engine: Engine):
    with Session(engine) as session:
        author = session.get(Author, 1)
    with Session(engine) as session:
        session.refresh(author)  # fails


def refresh_of_a_deleted_object(engine: Engine):
    with Session(engine) as session:
        book = session.get(Book, 1)
        session.delete(book)
        session.commit()
        session.refresh(book)  # fails


def relationship_of_a_deleted_object(engine: Engine):
    with Session(engine) as session:
        book = session.get(Book, 1)
        session.delete(book)
        session.commit()
        return book.author  # fails


def expire_of_a_detached_object(engine: Engine):
    with Session(engine) as session:
        author = session.get(Author, 1)
    with Session(engine) as session:
        session.expire(author)  # fails


def expunge_of_a_detached_object(engine: Engine):
    with Session(engine) as session:
        author = session.get(Author, 1)
    with Session(engine) as session:
        session.expunge(author)  # fails


def refresh_of_an_object_of_another_session(engine: Engine):
    with Session(engine) as first, Session(engine) as second:
        author = first.get(Author, 1)
        second.refresh(author)  # fails


def refresh_of_a_pending_object(engine: Engine):
    with Session(engine) as session:
        author = Author(name="Octavia")
        session.add(author)
        session.refresh(author)  # fails


def delete_of_a_transient_object(engine: Engine):
    with Session(engine) as session:
        session.delete(Author(id=1))  # fails


def add_to_a_second_session(engine: Engine):
    with Session(engine) as first, Session(engine) as second:
        author = first.get(Author, 1)
        second.add(author)  # fails


def add_of_an_object_related_to_one_of_another_session(engine: Engine):
    with Session(engine) as first, Session(engine) as second:
        author = first.get(Author, 1)
        second.add(Book(title="Lavinia", author=author))  # fails


def delete_in_a_second_session(engine: Engine):
    with Session(engine) as first, Session(engine) as second:
        author = first.get(Author, 1)
        second.delete(author)  # fails


def add_beside_an_object_of_the_same_row(engine: Engine):
    with Session(engine) as session:
        author = session.get(Author, 1)
    with Session(engine) as session:
        same = session.get(Author, 1)
        session.add(author)  # fails
        return same


def add_of_an_object_related_to_one_of_the_same_row(engine: Engine):
    with Session(engine) as session:
        author = session.get(Author, 1)
        book = Book(title="Lavinia")
    with Session(engine) as session:
        same = session.get(Author, 1)
        book.author = author
        session.add(book)  # fails
        return same


def read_of_a_deleted_row(engine: Engine):
    with Session(engine) as session:
        book = session.get(Book, 1)
        session.execute(delete(Book).execution_options(synchronize_session=False))
        session.expire(book)
        return book.title  # fails


def refresh_of_a_deleted_row(engine: Engine):
    with Session(engine) as session:
        book = session.get(Book, 1)
        session.execute(delete(Book).execution_options(synchronize_session=False))
        session.refresh(book)  # fails


def flush_of_a_deleted_row(engine: Engine):
    with Session(engine) as session:
        book = session.get(Book, 1)
        session.execute(delete(Book).execution_options(synchronize_session=False))
        book.title = "Lavinia"
        session.flush()  # fails


def flush_of_several_deleted_rows(engine: Engine):
    with Session(engine) as session:
        books = session.scalars(select(Book)).all()
        session.execute(delete(Book).execution_options(synchronize_session=False))
        for book in books:
            book.title = "Lavinia"
        session.commit()  # fails


def use_after_a_failed_flush(engine: Engine):
    with Session(engine) as session:
        session.add(Author(id=1, name="again"))
        with suppress(IntegrityError):
            session.flush()
        session.get(Author, 1)  # fails


def read_in_an_after_commit_hook(engine: Engine):
    with Session(engine) as session:
        author = session.get(Author, 1)

        @event.listens_for(session, "after_commit")
        def log(session: Session) -> None:
            print(author.books)  # fails

        session.commit()


def use_from_two_threads(engine: Engine):
    errors: list[BaseException] = []
    with Session(engine) as session:

        def work() -> None:
            try:
                session.close()  # fails
            except Exception as error:
                errors.append(error)

        # At this moment the session is asking the pool for a connection.
        @event.listens_for(session, "after_begin")
        def meanwhile(*_: object) -> None:
            thread = Thread(target=work)
            thread.start()
            thread.join()

        session.execute(select(Author))
    raise errors[0]


def clear(engine: Engine):
    with Session(engine) as session:
        session.clear()  # fails


def misspelt(engine: Engine):
    with Session(engine) as session:
        session.expire_al()  # fails


DETACHED, PERSISTENT = State.DETACHED, State.PERSISTENT
EXPIRED, LOST, LAZY = "read-after-commit-and-close", "eager-load-lost-at-commit", "lazy-read-after-close"
BLOCKED, FOREIGN, DELETED = "read-blocked-by-raiseload", "refresh-of-foreign-object", "row-deleted-meanwhile"
ONE = ("Author", (1,))

SYNC = [
    Failing(column_after_commit_and_close, EXPIRED, *ONE, "name", DETACHED),
    Failing(key_after_commit_and_close, EXPIRED, "Author", (2,), "id", DETACHED),
    Failing(column_after_rollback_and_close, "read-after-rollback", *ONE, "name", DETACHED),
    Failing(eager_relationship_after_rollback_and_close, "read-after-rollback", *ONE, "books", DETACHED),
    Failing(column_after_expire_and_close, "expire-then-read", *ONE, "name", DETACHED),
    Failing(eager_relationship_after_expire_and_close, "expire-then-read", *ONE, "books", DETACHED),
    Failing(column_set_by_sql_after_close, EXPIRED, *ONE, "changed_at", DETACHED),
    Failing(relationship_after_close, LAZY, *ONE, "books", DETACHED),
    Failing(relationship_after_expunge, LAZY, *ONE, "books", DETACHED),
    Failing(relationship_of_what_a_relationship_loaded, LAZY, "Book", (1,), "author", DETACHED),
    Failing(relationship_after_commit_and_close, LAZY, *ONE, "books", DETACHED),
    Failing(relationship_of_a_new_object_after_close, LAZY, "Author", (2,), "books", DETACHED),
    Failing(eager_relationship_after_commit_and_close, LOST, *ONE, "books", DETACHED),
    Failing(relationship_that_the_mapping_loads_after_commit_and_close, LOST, *ONE, "works", DETACHED),
    Failing(relationship_whose_eager_mapping_the_query_switched_off, LAZY, *ONE, "works", DETACHED),
    Failing(deferred_column_after_close, LAZY, *ONE, "biography", DETACHED),
    Failing(column_that_the_query_defers_after_close, LAZY, *ONE, "name", DETACHED),
    # Their sessions have closed when the explanation is asked for, and nothing tells what was before.
    Failing(relationship_that_the_mapping_forbids, BLOCKED, *ONE, "drafts", None),
    Failing(relationship_that_the_query_forbids, BLOCKED, *ONE, "books", None),
    Failing(column_that_the_mapping_forbids, BLOCKED, *ONE, "secret", None),
    Failing(refresh_of_an_object_of_another_session, FOREIGN, *ONE, None, None),
    Failing(refresh_of_a_pending_object, FOREIGN, "Author", None, None, None),
    Failing(delete_of_a_transient_object, FOREIGN, "Author", None, None, None),
    Failing(refresh_of_a_detached_object, FOREIGN, *ONE, None, DETACHED),
    Failing(refresh_of_a_deleted_object, FOREIGN, "Book", (1,), None, DETACHED),
    Failing(relationship_of_a_deleted_object, LAZY, "Book", (1,), "author", DETACHED),
    Failing(expire_of_a_detached_object, FOREIGN, *ONE, None, DETACHED),
    Failing(expunge_of_a_detached_object, FOREIGN, *ONE, None, DETACHED),
    Failing(add_to_a_second_session, "object-in-two-sessions", *ONE, None, PERSISTENT),
    Failing(add_of_an_object_related_to_one_of_another_session, "object-in-two-sessions", *ONE, None, PERSISTENT),
    Failing(delete_in_a_second_session, "object-in-two-sessions", *ONE, None, PERSISTENT),
    Failing(add_beside_an_object_of_the_same_row, "two-objects-for-one-row", *ONE, None, DETACHED),
    Failing(add_of_an_object_related_to_one_of_the_same_row, "two-objects-for-one-row", *ONE, None, DETACHED),
    Failing(read_of_a_deleted_row, DELETED, "Book", (1,), "title", PERSISTENT),
    Failing(refresh_of_a_deleted_row, DELETED, "Book", (1,), None, PERSISTENT),
    Failing(flush_of_a_deleted_row, "stale-row-count", "Book", (1,), None, PERSISTENT),
    Failing(flush_of_several_deleted_rows, "stale-row-count", "Book", None, None, PERSISTENT),
    Failing(use_after_a_failed_flush, "session-needs-rollback"),
    Failing(read_in_an_after_commit_hook, "sql-during-commit", *ONE, "books", PERSISTENT),
    Failing(use_from_two_threads, "session-shared-by-tasks"),
    Failing(clear, "no-such-session-method"),
    Failing(misspelt, "no-such-session-method"),
]
