"""Databases of servers, and what is in them.

``OUTLIVE_TEST_POSTGRES``, ``OUTLIVE_TEST_MARIADB``, ``OUTLIVE_TEST_REDIS`` and ``OUTLIVE_TEST_RABBITMQ`` are addresses
of servers.  Without one, its tests are skipped with a reason; ``OUTLIVE_REQUIRE_SERVICES=1`` makes them fail instead.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

POSTGRESQL = os.environ.get("OUTLIVE_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/test")
MARIADB = os.environ.get("OUTLIVE_TEST_MARIADB", "mariadb://root@127.0.0.1:3306/test")
REDIS = os.environ.get("OUTLIVE_TEST_REDIS", "redis://127.0.0.1:6379/0")
RABBITMQ = os.environ.get("OUTLIVE_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/%2F")


def unavailable(reason: str) -> None:
    """Skip, or fail where services are required."""
    if os.environ.get("OUTLIVE_REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def fill(session: Session, models: tuple[Any, ...]) -> None:
    """Create the tables of these modules, and let each fill them."""
    for model in models:
        model.Base.metadata.create_all(session.connection())
        model.fill(session)


def require_broker(address: str) -> None:
    """Skip, or fail, unless a server answers."""
    kombu = pytest.importorskip("kombu")
    if address.startswith("redis"):
        pytest.importorskip("redis")
    try:
        with kombu.Connection(address, connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=1, timeout=5)
    except kombu.exceptions.OperationalError as error:
        unavailable(f"no message broker at {address}: {error}")


@contextmanager
def postgresql_schema() -> Iterator[str]:
    """The address of a schema of its own, dropped at the end."""
    psycopg = pytest.importorskip("psycopg")
    try:
        connection = psycopg.connect(POSTGRESQL, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        unavailable(f"no PostgreSQL at {POSTGRESQL}: {str(error).splitlines()[0]}")
    schema = f"outlive_{uuid4().hex}"
    with connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        try:
            # What a test has committed need not outlive the machine.
            yield f"{POSTGRESQL}?options=-csearch_path%3D{schema}%20-csynchronous_commit%3Doff"
        finally:
            connection.execute("SET lock_timeout = '20s'")  # an engine that a test has left open
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


@dataclass(frozen=True)
class PrivatePostgreSQL:
    """A server of a test's own, which it may crash."""

    folder: Path
    port: int

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[PrivatePostgreSQL]:
        folder = Path(tempfile.mkdtemp(prefix="outlive-postgres."))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            server = cls(folder, free.getsockname()[1])
        try:
            if os.geteuid() == 0:
                shutil.chown(folder, "postgres")
            server.run("initdb", "--no-sync", "-A", "trust", "-U", "root", "-D", "data")
            server.run("pg_ctl", "-w", "-D", "data", "-l", "log", "-o", server.options, "start")
            yield server
        finally:
            with suppress(subprocess.CalledProcessError):
                server.run("pg_ctl", "-m", "immediate", "-D", "data", "stop")
            shutil.rmtree(folder)

    @property
    def address(self) -> str:
        return f"postgresql://root@127.0.0.1:{self.port}/postgres?options=-csearch_path%3Dpublic"

    @property
    def options(self) -> str:
        return f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"

    def crash(self) -> None:
        """End it as a loss of power would, and start it again."""
        self.run("pg_ctl", "-m", "immediate", "-D", "data", "stop")
        self.run("pg_ctl", "-w", "-D", "data", "-l", "log", "-o", self.options, "start")

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of PostgreSQL, which refuses to be run by root."""
        found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))
        if not found and shutil.which(program) is None:
            unavailable(f"no {program} of PostgreSQL on this machine")
        user = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
        command = [*user, str(found[-1]) if found else program, *arguments]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def mariadb_database() -> Iterator[str]:
    """The address of a database of its own, dropped at the end."""
    pymysql = pytest.importorskip("pymysql")
    server = make_url(MARIADB)
    try:
        connection = pymysql.connect(
            host=server.host,
            port=server.port or 3306,
            user=server.username,
            password=server.password or "",
            ssl_disabled=True,
        )
    except pymysql.err.OperationalError as error:
        unavailable(f"no MariaDB at {MARIADB}: {error}")
    name = f"outlive_{uuid4().hex}"
    with connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        try:
            yield server.set(drivername="mariadb", database=name).render_as_string(hide_password=False)
        finally:
            cursor.execute("SET SESSION lock_wait_timeout = 20")  # an engine that a test has left open
            cursor.execute(f"DROP DATABASE {name}")


def empty_mariadb(address: str) -> None:
    """Drop what a test has left in a database."""
    with mariadb_session(address) as session:
        drop_tables(session, session.scalars(text("SHOW TABLES")).all())


@dataclass(frozen=True)
class FilledMariaDB:
    """A database with the rows of some modules.

    MariaDB takes almost a second to create the tables, for which it waits for the disk.  So they serve many tests: what
    one has changed is put right before the next.
    """

    address: str
    tables: dict[str, tuple[object, list[Any]]]
    """Each with a mark of its content, and the rows."""

    @classmethod
    @contextmanager
    def of(cls, models: tuple[Any, ...]) -> Iterator[FilledMariaDB]:
        with mariadb_database() as address:
            with mariadb_session(address) as session:
                fill(session, models)
                marks = marks_of(session)
                rows = {name: session.execute(text(f"SELECT * FROM `{name}`")).all() for name in marks}
            yield cls(address, {name: (mark, [tuple(row) for row in rows[name]]) for name, mark in marks.items()})

    def put_right(self) -> None:
        with mariadb_session(self.address) as session:
            found = marks_of(session)
            drop_tables(session, found.keys() - self.tables.keys())
            for name, (mark, rows) in self.tables.items():
                if mark != found[name]:
                    session.execute(text(f"TRUNCATE `{name}`"))
                    for row in rows:
                        places = ", ".join(["%s"] * len(row))
                        session.connection().exec_driver_sql(f"INSERT INTO `{name}` VALUES ({places})", row)
            session.commit()


_filled: dict[tuple[Any, ...], tuple[FilledMariaDB, ExitStack]] = {}


def filled_mariadb(models: tuple[Any, ...]) -> str:
    """The address of a database of this process with the rows of these modules."""
    if models not in _filled:
        stack = ExitStack()
        _filled[models] = stack.enter_context(FilledMariaDB.of(models)), stack
    database, _ = _filled[models]
    database.put_right()
    return database.address


def drop_filled_mariadb() -> None:
    for _, stack in _filled.values():
        stack.close()
    _filled.clear()


def marks_of(session: Session) -> dict[str, tuple[object, object]]:
    """For each table a checksum of its rows, and the key that is next."""
    keys = text("SELECT table_name, auto_increment FROM information_schema.tables WHERE table_schema = DATABASE()")
    next_keys = dict(session.execute(keys).all())
    if not next_keys:
        return {}
    checksums = session.execute(text(f"CHECKSUM TABLE {', '.join(map('`{}`'.format, next_keys))}")).all()
    return {name: (checksum, next_keys[name]) for name, (_, checksum) in zip(next_keys, checksums, strict=True)}


def drop_tables(session: Session, names: Iterable[str]) -> None:
    for name in names:
        session.execute(text(f"DROP TABLE `{name}`"))


@contextmanager
def mariadb_session(address: str) -> Iterator[Session]:
    url = make_url(address).set(drivername="mariadb+pymysql")
    engine = create_engine(url, poolclass=NullPool, connect_args={"ssl_disabled": True})
    with Session(engine) as session:
        # A test that has left a transaction open is not waited for.
        session.execute(text("SET SESSION lock_wait_timeout = 20, foreign_key_checks = 0"))
        yield session
