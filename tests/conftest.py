"""Fixtures for all rooms: the databases of the test matrix."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import databases, servers
from tests.databases import Database

# Whether a change passes is not left to luck; everywhere else Hypothesis looks for new examples.
# Nor is how busy the machine is: no test is timed.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.load_profile("unhurried")
if os.environ.get("OUTLIVE_REQUIRE_SERVICES") == "1":
    hypothesis.settings.load_profile("steady")


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """The address of an empty schema: many tests have tables of the same name."""
    with servers.postgresql_schema() as url:
        yield url


@pytest.fixture(scope="session")
def mariadb() -> Iterator[str]:
    """The address of this process's own database."""
    with servers.mariadb_database() as url:
        yield url
        servers.drop_filled_mariadb()


@pytest.fixture
def mariadb_url(mariadb: str) -> str:
    """The address of an empty database."""
    servers.empty_mariadb(mariadb)
    return mariadb


@pytest.fixture(params=databases.SYNC)
def sync_database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    return chosen(request, tmp_path)


@pytest.fixture(params=(*databases.SYNC, "pymysql"))
def every_database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """MariaDB differs: no RETURNING of an UPDATE, transactions that read what they have read, texts that are equal."""
    return chosen(request, tmp_path)


@pytest.fixture(params=databases.ASYNC)
def async_database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """Tests that provoke ``MissingGreenlet`` also need ``databases.UNAWAITED`` and ``databases.let_go``."""
    return chosen(request, tmp_path)


@pytest.fixture(params=(*databases.ASYNC, "asyncmy"))
def every_async_database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    return chosen(request, tmp_path)


def chosen(request: pytest.FixtureRequest, folder: Path) -> Database:
    driver = request.param
    if "sqlite" in driver:
        return databases.sqlite(driver, str(folder / "test.db"))
    if driver in {"pymysql", "asyncmy"}:
        return databases.mariadb(driver, request.getfixturevalue("mariadb_url"))
    return databases.postgresql(driver, request.getfixturevalue("postgresql_url"))
