"""The same with an async driver."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_scoped_session,
    async_sessionmaker,
)
from sqlalchemy.orm import Session

from tests.shelf import Author


async def one(session: AsyncSession | async_scoped_session[AsyncSession], *options: Any) -> Author:
    return (await session.scalars(select(Author).options(*options))).one()


async def commit(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = await one(session)
        await session.commit()  # expires
        return author.name  # fails


async def commit_and_close(engine: AsyncEngine):
    async with AsyncSession(engine) as session:  # leaves
        author = await one(session)
        await session.commit()  # expires
    return author.name  # fails


async def close_by_hand(engine: AsyncEngine):
    session = AsyncSession(engine)
    author = await one(session)
    await session.commit()  # expires
    await session.close()  # leaves
    return author.name  # fails


async def end_of_a_begin_block(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        async with session.begin():  # expires
            author = await one(session)
        return author.name  # fails


async def end_of_a_factorys_begin(engine: AsyncEngine):
    async with async_sessionmaker(engine).begin() as session:  # expires, leaves
        author = await one(session)
    return author.name  # fails


async def rollback(engine: AsyncEngine):
    async with AsyncSession(engine, expire_on_commit=False) as session:
        author = await one(session)
        await session.rollback()  # expires
        return author.name  # fails


async def flush_of_an_update(engine: AsyncEngine):
    async with AsyncSession(engine, expire_on_commit=False) as session:
        author = await one(session)
        author.name = "Octavia"
        await session.flush()  # expires
        return author.changed_at  # fails


async def expire(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = await one(session)
        session.expire(author, ["name"])  # expires
        return author.name  # fails


async def expired_within_run_sync(engine: AsyncEngine):
    def work(session: Session) -> Author:
        author = session.scalars(select(Author)).one()
        session.commit()  # expires
        return author

    async with AsyncSession(engine) as session:
        author = await session.run_sync(work)
        return author.name  # fails


async def relationship_of_an_expunged_object(engine: AsyncEngine):
    async with AsyncSession(engine) as session:
        author = await one(session)
        session.expunge(author)  # leaves
        return author.books  # fails


async def scoped_session_removed(engine: AsyncEngine):
    registry = async_scoped_session(async_sessionmaker(engine), scopefunc=asyncio.current_task)
    author = await one(registry)
    await registry.commit()  # expires
    await registry.remove()  # leaves
    return author.name  # fails


async def in_another_task(engine: AsyncEngine):
    async def work() -> Author:
        async with AsyncSession(engine) as session:  # leaves
            author = await one(session)
            await session.commit()  # expires
        return author

    author = await asyncio.create_task(work())
    return author.name  # fails


async def gathered(engine: AsyncEngine):
    async def work() -> Author:
        async with AsyncSession(engine) as session:  # leaves
            author = await one(session)
            await session.commit()  # expires
        return author

    authors = await asyncio.gather(work(), work())
    return authors[1].name  # fails


ASYNC = [
    commit,
    commit_and_close,
    close_by_hand,
    end_of_a_begin_block,
    end_of_a_factorys_begin,
    rollback,
    flush_of_an_update,
    expire,
    expired_within_run_sync,
    relationship_of_an_expunged_object,
    scoped_session_removed,
    in_another_task,
    gathered,
]
