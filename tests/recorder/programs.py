"""Programs with plain factories; comments mark where a value ``expires``, its object ``leaves``, and what ``fails``."""

from __future__ import annotations

import gc
import threading
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine, event, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session, selectinload, sessionmaker

from tests.shelf import Author, Book


def one(session: Session, *options: Any) -> Author:
    return session.scalars(select(Author).options(*options)).one()


def commit_and_close(engine: Engine):
    with Session(engine) as session:  # leaves
        author = one(session)
        session.commit()  # expires
    return author.name  # fails


def commit_in_a_helper(engine: Engine):
    def finish(session: Session) -> None:
        session.commit()  # expires

    session = Session(engine)
    author = one(session)
    finish(session)
    session.close()  # leaves
    return author.name  # fails


def end_of_a_begin_block(engine: Engine):
    session = Session(engine)
    with session.begin():  # expires
        author = one(session)
    session.close()  # leaves
    return author.name  # fails


def end_of_a_factorys_begin(engine: Engine):
    with sessionmaker(engine).begin() as session:  # expires, leaves
        author = one(session)
    return author.name  # fails


def the_commit_before_the_last(engine: Engine):
    with Session(engine) as session:  # leaves
        author = one(session)
        session.commit()
        author.name = "Octavia"
        session.flush()
        session.commit()  # expires
    return author.name  # fails


def rollback(engine: Engine):
    with Session(engine, expire_on_commit=False) as session:  # leaves
        author = one(session)
        session.rollback()  # expires
    return author.name  # fails


def rollback_of_a_savepoint(engine: Engine):
    with Session(engine, expire_on_commit=False) as session:  # leaves
        author = one(session)
        savepoint = session.begin_nested()
        author.name = "Octavia"
        session.flush()
        savepoint.rollback()  # expires
    return author.name  # fails


def block_that_raises(engine: Engine):
    session = Session(engine, expire_on_commit=False)
    with suppress(ValueError), session.begin():  # expires
        author = one(session)
        raise ValueError
    session.close()  # leaves
    return author.name  # fails


def flush_of_an_update(engine: Engine):
    with Session(engine, expire_on_commit=False) as session:  # leaves
        author = one(session)
        author.name = "Octavia"
        session.flush()  # expires
    return author.changed_at  # fails


def the_second_of_two_flushes(engine: Engine):
    with Session(engine, expire_on_commit=False) as session:  # leaves
        author = one(session)
        author.name = "Octavia"
        session.flush()
        author.name = "Joanna"
        session.flush()  # expires
    return author.changed_at  # fails


def expire_within_a_flush(engine: Engine):
    with Session(engine, expire_on_commit=False) as session:  # leaves
        author = one(session)

        @event.listens_for(session, "after_flush")
        def after_flush(*_: object) -> None:
            session.expire(author)  # expires

        author.books[0].title = "Kindred"
        session.flush()
    return author.name  # fails


def refresh_that_flushes(engine: Engine):
    with Session(engine, expire_on_commit=False) as session:  # leaves
        author = one(session)
        book = author.books[0]
        author.name = "Octavia"
        session.refresh(book)  # expires
    return author.changed_at  # fails


def rollback_of_what_left_while_it_was_committed(engine: Engine):
    with Session(engine) as session:  # leaves
        author = one(session)

        @event.listens_for(session, "after_commit", once=True)
        def after_commit(_: Session) -> None:
            session.expunge(author)

        session.commit()
        session.add(author)
        session.rollback()  # expires
    return author.name  # fails


def flush_whose_rollback_fails(engine: Engine):
    def fail(_: object) -> None:
        raise ConnectionError

    with Session(engine, expire_on_commit=False) as session:  # leaves
        author = one(session)
        session.commit()
        author.name = None
        event.listen(engine, "rollback", fail, once=True)
        with suppress(ConnectionError, IntegrityError):
            session.flush()  # expires
    return author.name  # fails


def flush_whose_rollback_fails_after_one_that_does_not(engine: Engine):
    def fail(_: object) -> None:
        raise ConnectionError

    with Session(engine) as session:  # leaves
        author = one(session)
        session.rollback()
        author.name = None
        event.listen(engine, "rollback", fail, once=True)
        with suppress(ConnectionError, IntegrityError):
            session.flush()  # expires
    return author.name  # fails


def autoflush(engine: Engine):
    with Session(engine, expire_on_commit=False) as session:  # leaves
        author = one(session)
        author.name = "Octavia"
        session.scalars(select(Book)).all()  # expires
    return author.changed_at  # fails


def update_in_sql(engine: Engine):
    with Session(engine, expire_on_commit=False) as session:  # leaves
        author = one(session)
        session.execute(update(Author).values(name=func.upper(Author.name)))
        author.name  # noqa: B018  reloads
        session.execute(update(Author).values(name=func.lower(Author.name)))  # expires
    return author.name  # fails


def expire_of_one_attribute(engine: Engine):
    with Session(engine) as session:  # leaves
        author = one(session)
        session.expire(author, ["name"])  # expires
    return author.name  # fails


def expire_all(engine: Engine):
    with Session(engine) as session:  # leaves
        author = one(session)
        session.expire_all()  # expires
    return author.name  # fails


def refresh_of_a_lazily_loaded_relationship(engine: Engine):
    with Session(engine) as session:  # leaves
        author = one(session)
        author.books  # noqa: B018  loads
        session.refresh(author)  # expires
    return author.books  # fails


def eager_relationship(engine: Engine):
    with Session(engine) as session:  # leaves
        author = one(session, selectinload(Author.books))
        session.commit()  # expires
    return author.books  # fails


def relationship_of_an_expunged_object(engine: Engine):
    with Session(engine) as session:
        author = one(session)
        session.expunge(author)  # leaves
        return author.books  # fails


def relationship_after_expunge_all(engine: Engine):
    with Session(engine) as session:
        author = one(session)
        session.expunge_all()  # leaves
        return author.books  # fails


def deferred_column_of_a_deleted_object(engine: Engine):
    with Session(engine) as session:
        session.execute(text("delete from book"))
        author = one(session)
        session.delete(author)
        session.commit()  # leaves
        return author.biography  # fails


def collected_session(engine: Engine):
    session = Session(engine)  # leaves
    author = one(session)
    session.commit()  # expires
    del session
    gc.collect()
    return author.name  # fails


def scoped_session_removed(engine: Engine):
    registry = scoped_session(sessionmaker(engine))
    author = one(registry())
    registry.commit()  # expires
    registry.remove()  # leaves
    return author.name  # fails


def session_closed_twice(engine: Engine):
    session = Session(engine)
    author = one(session)
    session.commit()  # expires
    session.close()  # leaves
    session.close()
    return author.name  # fails


def in_another_thread(engine: Engine):
    authors = []

    def work() -> None:
        with Session(engine) as session:  # leaves
            authors.append(one(session))
            session.commit()  # expires

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return authors[0].name  # fails


def refresh_of_a_detached_object(engine: Engine):
    with Session(engine) as session:  # leaves
        author = one(session)
    with Session(engine) as session:
        session.refresh(author)  # fails


SYNC = [
    commit_and_close,
    commit_in_a_helper,
    end_of_a_begin_block,
    end_of_a_factorys_begin,
    the_commit_before_the_last,
    rollback,
    rollback_of_a_savepoint,
    block_that_raises,
    flush_of_an_update,
    the_second_of_two_flushes,
    expire_within_a_flush,
    refresh_that_flushes,
    flush_whose_rollback_fails,
    flush_whose_rollback_fails_after_one_that_does_not,
    rollback_of_what_left_while_it_was_committed,
    autoflush,
    update_in_sql,
    expire_of_one_attribute,
    expire_all,
    refresh_of_a_lazily_loaded_relationship,
    eager_relationship,
    relationship_of_an_expunged_object,
    relationship_after_expunge_all,
    deferred_column_of_a_deleted_object,
    collected_session,
    scoped_session_removed,
    session_closed_twice,
    in_another_thread,
    refresh_of_a_detached_object,
]
