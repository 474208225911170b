"""Small programs that fail with an async driver; the line that does is marked ``# fails``."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, selectinload

from outlive.lifecycle.states import State
from tests.diagnosis.programs import Failing
from tests.shelf import Author, Book


async def column_after_commit(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = (await session.scalars(select(Author))).one()
        await session.commit()
        return author.name  # fails


async def key_of_a_new_object_after_commit(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = Author(name="Octavia")
        session.add(author)
        await session.commit()
        return author.id  # fails


async def column_after_rollback(engine: AsyncEngine):
    async with AsyncSession(engine, expire_on_commit=False) as session:
        author = (await session.scalars(select(Author))).one()
        await session.rollback()
        return author.name  # fails


async def column_after_expire_in_a_block_that_rolls_back(engine: AsyncEngine):
    async with AsyncSession(engine) as session, session.begin():
        author = (await session.scalars(select(Author))).one()
        session.expire(author, ["name"])
        return author.name  # fails


async def column_set_by_sql_after_flush(engine: AsyncEngine):
    async with AsyncSession(engine, expire_on_commit=False) as session:
        author = (await session.scalars(select(Author))).one()
        author.name = "Le Guin"
        await session.flush()
        return author.changed_at  # fails


async def relationship_that_nobody_loaded(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = (await session.scalars(select(Author))).one()
        return author.books  # fails


async def relationship_after_commit(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = (await session.scalars(select(Author))).one()
        await session.commit()
        return author.books  # fails


async def relationship_in_a_block_that_rolls_back(engine: AsyncEngine):
    async with AsyncSession(engine) as session, session.begin():
        author = (await session.scalars(select(Author))).one()
        return author.books  # fails


async def relationship_whose_read_flushes(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = (await session.scalars(select(Author))).one()
        session.add(Author(name="Octavia"))
        return author.books  # fails


async def relationship_of_what_a_relationship_loaded(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = (await session.scalars(select(Author).options(selectinload(Author.works)))).one()
        book = author.works[0]
        session.expunge(author)
        return book.author  # fails


async def relationship_of_a_new_object(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = Author(name="Octavia")
        session.add(author)
        await session.flush()
        return author.books  # fails


async def eager_relationship_after_commit(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = (await session.scalars(select(Author).options(selectinload(Author.books)))).one()
        await session.commit()
        return author.books  # fails


async def deferred_column(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = (await session.scalars(select(Author))).one()
        return author.biography  # fails


async def column_after_commit_and_close(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = (await session.scalars(select(Author))).one()
        await session.commit()
    return author.name  # fails


async def relationship_after_close(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = (await session.scalars(select(Author))).one()
    return author.books  # fails


async def plain_session_on_an_async_driver(engine: AsyncEngine):
    async with engine.connect() as connection:
        session = Session(connection.sync_connection)
        return session.scalars(select(Author)).one()  # fails


async def sync_session_called_directly(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = (await session.scalars(select(Author))).one()
        session.sync_session.refresh(author)  # fails


async def refresh_of_a_detached_object(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = await session.get(Author, 1)
    async with AsyncSession(engine) as session:
        await session.refresh(author)  # fails


async def add_to_a_second_session(engine: AsyncEngine):
    async with AsyncSession(engine) as first, AsyncSession(engine) as second:
        author = await first.get(Author, 1)
        second.add(author)  # fails


async def refresh_of_a_deleted_row(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        book = await session.get(Book, 1)
        await session.execute(delete(Book).execution_options(synchronize_session=False))
        await session.refresh(book)  # fails


async def flush_of_a_deleted_row(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        book = await session.get(Book, 1)
        await session.execute(delete(Book).execution_options(synchronize_session=False))
        book.title = "Lavinia"
        await session.commit()  # fails


async def use_after_a_failed_flush(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        session.add(Author(id=1, name="again"))
        with suppress(IntegrityError):
            await session.flush()
        await session.get(Author, 1)  # fails


async def one_session_in_two_tasks(engine: AsyncEngine):
    await engine.dispose()  # so that the session has to wait for a connection
    async with AsyncSession(engine) as session:

        async def count() -> int:
            return len((await session.scalars(select(Book))).all())  # fails

        results = await asyncio.gather(count(), count(), return_exceptions=True)
    raise next(result for result in results if isinstance(result, BaseException))


async def query(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        return session.query(Author)  # fails


DETACHED, PERSISTENT = State.DETACHED, State.PERSISTENT
EXPIRED, LAZY, LOST = "expired-read-in-async", "lazy-read-in-async", "eager-load-lost-at-commit"
ONE = ("Author", (1,))

ASYNC = [
    Failing(column_after_commit, EXPIRED, *ONE, "name", PERSISTENT),
    Failing(key_of_a_new_object_after_commit, EXPIRED, "Author", (2,), "id", PERSISTENT),
    Failing(column_after_rollback, "read-after-rollback", *ONE, "name", PERSISTENT),
    Failing(column_after_expire_in_a_block_that_rolls_back, "expire-then-read", *ONE, "name", PERSISTENT),
    Failing(column_set_by_sql_after_flush, EXPIRED, *ONE, "changed_at", PERSISTENT),
    Failing(relationship_that_nobody_loaded, LAZY, *ONE, "books", PERSISTENT),
    Failing(relationship_after_commit, LAZY, *ONE, "books", PERSISTENT),
    Failing(relationship_in_a_block_that_rolls_back, LAZY, *ONE, "books", PERSISTENT),
    Failing(relationship_whose_read_flushes, LAZY, *ONE, "books", PERSISTENT),
    Failing(relationship_of_what_a_relationship_loaded, LAZY, "Book", (1,), "author", PERSISTENT),
    Failing(relationship_of_a_new_object, LAZY, "Author", (2,), "books", PERSISTENT),
    Failing(eager_relationship_after_commit, LOST, *ONE, "books", PERSISTENT),
    Failing(deferred_column, LAZY, *ONE, "biography", PERSISTENT),
    Failing(column_after_commit_and_close, "read-after-commit-and-close", *ONE, "name", DETACHED),
    Failing(relationship_after_close, "lazy-read-after-close", *ONE, "books", DETACHED),
    Failing(plain_session_on_an_async_driver, "sql-outside-greenlet"),
    Failing(sync_session_called_directly, "sql-outside-greenlet"),
    Failing(refresh_of_a_detached_object, "refresh-of-foreign-object", *ONE, None, DETACHED),
    Failing(add_to_a_second_session, "object-in-two-sessions", *ONE, None, PERSISTENT),
    Failing(refresh_of_a_deleted_row, "row-deleted-meanwhile", "Book", (1,), None, PERSISTENT),
    Failing(flush_of_a_deleted_row, "stale-row-count", "Book", (1,), None, PERSISTENT),
    Failing(use_after_a_failed_flush, "session-needs-rollback"),
    Failing(one_session_in_two_tasks, "session-shared-by-tasks"),
    Failing(query, "no-such-session-method"),
]
