"""The databases that tests run on, each through one driver."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import pytest
import sqlalchemy
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.orm import Session

from tests import servers

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

T = TypeVar("T")
Tell: TypeAlias = "Callable[[Callable[[AsyncEngine], Awaitable[None]]], None]"
SYNC = ("sqlite", "psycopg")
ASYNC = ("aiosqlite", "psycopg_async", "asyncpg")
VERSION = tuple(int(part) for part in sqlalchemy.__version__.split(".")[:3])
UNAWAITED = "ignore:coroutine '.*' was never awaited:RuntimeWarning"
"""A filter for what SQLAlchemy 2.1 leaves behind where it raises ``MissingGreenlet``."""


@dataclass(frozen=True)
class Database:
    """Where to connect, and how."""

    url: str
    connect_args: dict[str, Any] = field(default_factory=dict)
    is_async: bool = False

    def connect(self, **options: Any) -> Engine | AsyncEngine:
        """An engine for this driver; the caller disposes of it."""
        from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415  fails without greenlet

        create = create_async_engine if self.is_async else create_engine
        return without_waiting_for_the_disk(create(self.url, connect_args=self.connect_args, **options))

    @contextmanager
    def engine(self, *models: Any) -> Iterator[Engine]:
        """With the tables of these modules, and the rows of their ``fill``."""
        url, to_fill = self._holding(models)
        engine = without_waiting_for_the_disk(create_engine(url, connect_args=self.connect_args))
        try:
            with Session(engine) as session:
                servers.fill(session, to_fill)
            yield engine
        finally:
            engine.dispose()

    @asynccontextmanager
    async def async_engine(self, *models: Any) -> AsyncIterator[AsyncEngine]:
        """The same in async code."""
        from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine  # noqa: PLC0415  fails without greenlet

        url, to_fill = self._holding(models)
        engine = without_waiting_for_the_disk(create_async_engine(url, connect_args=self.connect_args))
        try:
            async with AsyncSession(engine) as session:
                await session.run_sync(servers.fill, to_fill)
            yield engine
        finally:
            await engine.dispose()

    def tell(self, story: Callable[[AsyncEngine], Awaitable[T]], *models: Any) -> T:
        """Run a story with such an engine, in a loop of its own."""

        async def told() -> T:
            async with self.async_engine(*models) as engine:
                return await story(engine)

        return asyncio.run(told())

    def _holding(self, models: tuple[Any, ...]) -> tuple[URL, tuple[Any, ...]]:
        """Where the rows of modules are, and which are still to be filled in."""
        url = make_url(self.url)
        if models and url.get_backend_name() == "mariadb":
            return url.set(database=make_url(servers.filled_mariadb(models)).database), ()
        return url, models


MEMORY = Database("sqlite://")
"""Of one thread, gone with its engine."""


def without_waiting_for_the_disk(engine: T) -> T:
    """The engine, of either kind; what a test has committed need not outlive the machine."""
    sync_engine: Engine = getattr(engine, "sync_engine", engine)
    if sync_engine.dialect.name == "sqlite":

        @event.listens_for(sync_engine, "connect")
        def hurry(connection: Any, record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA synchronous = OFF")
            cursor.close()

    return engine


def let_go(error: BaseException | None) -> None:
    """Free the coroutine that SQLAlchemy could not await, now, rather than with the garbage of a later test.

    It lives in the frames of the error, which form a cycle.
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def sqlite(driver: str, path: str) -> Database:
    """A file: a database in memory would be one connection for all sessions."""
    if driver == "sqlite":
        return Database(f"sqlite:///{path}")
    pytest.importorskip("greenlet")
    pytest.importorskip("aiosqlite")
    return Database(f"sqlite+aiosqlite:///{path}", is_async=True)


def postgresql(driver: str, schema: str) -> Database:
    """A schema through one driver."""
    if driver != "psycopg":
        pytest.importorskip("greenlet")
    if driver == "asyncpg":
        pytest.importorskip("asyncpg")
        address, _, options = schema.partition("?options=-c")
        # An SSL context, which it makes to ask whether the server has SSL, takes longer than all else.
        settings = {"server_settings": dict(option.split("%3D") for option in options.split("%20-c")), "ssl": False}
        return Database(address.replace("postgresql://", "postgresql+asyncpg://", 1), settings, is_async=True)
    return Database(schema.replace("postgresql://", "postgresql+psycopg://", 1), is_async=driver == "psycopg_async")


def mariadb(driver: str, address: str) -> Database:
    """A database through one driver."""
    if driver == "asyncmy":
        pytest.importorskip("greenlet")
        pytest.importorskip("asyncmy")
    settings = {"ssl_disabled": True} if driver == "pymysql" else {}  # as above
    return Database(address.replace("mariadb://", f"mariadb+{driver}://", 1), settings, is_async=driver == "asyncmy")
