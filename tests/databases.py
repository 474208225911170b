"""The databases that tests run on: each empty, and of one test alone; MariaDB's of one test process.

``OUTLIVE_TEST_POSTGRES`` and ``OUTLIVE_TEST_MARIADB`` are the addresses of servers.  Without one, its tests are skipped
with a reason; ``OUTLIVE_REQUIRE_SERVICES=1`` makes them fail instead.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import sqlalchemy
from sqlalchemy import Engine, create_engine, make_url

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

SERVER = os.environ.get("OUTLIVE_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/test")
MARIADB = os.environ.get("OUTLIVE_TEST_MARIADB", "mariadb://root@127.0.0.1:3306/test")
SYNC = ("sqlite", "psycopg")
VERSION = tuple(int(part) for part in sqlalchemy.__version__.split(".")[:3])
UNAWAITED = "ignore:coroutine '.*' was never awaited:RuntimeWarning"
"""A filter for what SQLAlchemy 2.1 leaves behind where it raises ``MissingGreenlet``."""
ASYNC = ("aiosqlite", "psycopg_async", "asyncpg")


@dataclass(frozen=True)
class Database:
    """Where to connect, and how."""

    url: str
    connect_args: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        engine = create_engine(self.url, connect_args=self.connect_args)
        try:
            yield engine
        finally:
            engine.dispose()

    @asynccontextmanager
    async def async_engine(self) -> AsyncIterator[AsyncEngine]:
        from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415  fails without greenlet

        engine = create_async_engine(self.url, connect_args=self.connect_args)
        try:
            yield engine
        finally:
            await engine.dispose()


@contextmanager
def postgresql_schema() -> Iterator[str]:
    """The address of a schema of its own, dropped at the end."""
    psycopg = pytest.importorskip("psycopg")
    try:
        connection = psycopg.connect(SERVER, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        unavailable(f"no PostgreSQL at {SERVER}: {str(error).splitlines()[0]}")
    schema = f"outlive_{uuid4().hex}"
    with connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        try:
            yield f"{SERVER}?options=-csearch_path%3D{schema}"
        finally:
            connection.execute("SET lock_timeout = '20s'")  # an engine that a test has left open
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


@contextmanager
def mariadb_database() -> Iterator[str]:
    """The address of a database of its own, dropped at the end."""
    pymysql = pytest.importorskip("pymysql")
    server = make_url(MARIADB)
    try:
        connection = pymysql.connect(
            host=server.host, port=server.port or 3306, user=server.username, password=server.password or ""
        )
    except pymysql.err.OperationalError as error:
        unavailable(f"no MariaDB at {MARIADB}: {error}")
    name = f"outlive_{uuid4().hex}"
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            yield server.set(drivername="mariadb+pymysql", database=name).render_as_string(hide_password=False)
        finally:
            cursor.execute(f"DROP DATABASE {name}")


def let_go(error: BaseException | None) -> None:
    """Free the coroutine that SQLAlchemy could not await, now, rather than with the garbage of a later test.

    It lives in the frames of the error, which form a cycle.
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def unavailable(reason: str) -> None:
    """Skip, or fail where services are required."""
    if os.environ.get("OUTLIVE_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def sqlite(driver: str, path: str) -> Database:
    """A file: a database in memory would be one connection for all sessions."""
    if driver == "sqlite":
        return Database(f"sqlite:///{path}")
    pytest.importorskip("greenlet")
    pytest.importorskip("aiosqlite")
    return Database(f"sqlite+aiosqlite:///{path}")


def postgresql(driver: str, schema: str) -> Database:
    """The schema of this process through one driver."""
    if driver != "psycopg":
        pytest.importorskip("greenlet")
    if driver == "asyncpg":
        pytest.importorskip("asyncpg")
        address, _, option = schema.partition("?options=-csearch_path%3D")
        settings = {"server_settings": {"search_path": option}}
        return Database(address.replace("postgresql://", "postgresql+asyncpg://", 1), settings)
    return Database(schema.replace("postgresql://", "postgresql+psycopg://", 1))
