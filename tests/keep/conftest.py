"""The store, filled, on each database of the matrix."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests import store
from tests.databases import Database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine


@pytest.fixture
def engine(sync_database: Database) -> Iterator[Engine]:
    with sync_database.engine() as engine:
        with engine.begin() as connection:
            store.create(connection)
        with Session(engine) as session:
            store.fill(session)
        yield engine


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


@pytest.fixture
def tell(async_database: Database) -> Callable[[Callable[[AsyncEngine], Awaitable[None]]], None]:
    """Run a story on a filled store, in a loop of its own."""
    from sqlalchemy.ext.asyncio import AsyncSession  # noqa: PLC0415  fails without greenlet

    async def on_a_store(story: Callable[[AsyncEngine], Awaitable[None]]) -> None:
        async with async_database.async_engine() as engine:
            async with engine.begin() as connection:
                await connection.run_sync(store.create)
            async with AsyncSession(engine) as session:
                await session.run_sync(store.fill)
            await story(engine)

    return lambda story: asyncio.run(on_a_store(story))
