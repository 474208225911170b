"""Shops on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests import databases
from tests.databases import Database
from tests.integrations.web.shop import Shop, shop_on

MakeShop: TypeAlias = Callable[..., Shop]
SERVERS = ("psycopg", "asyncpg")


def make_shop(request: pytest.FixtureRequest, folder: Path) -> Iterator[MakeShop]:
    with ExitStack() as shops:

        def make(name: str = "shop", **options: Any) -> Shop:
            return shops.enter_context(shop_on(*both(request, folder / f"{name}.db"), **options))

        yield make


def both(request: pytest.FixtureRequest, path: Path) -> tuple[Database, Database]:
    """The database through the driver of the test, and through a sync one."""
    driver = request.param
    if "sqlite" in driver:
        return databases.sqlite(driver, str(path)), databases.sqlite("sqlite", str(path))
    schema = request.getfixturevalue("postgresql_url")
    return databases.postgresql(driver, schema), databases.postgresql("psycopg", schema)


@pytest.fixture(params=(*databases.SYNC, *databases.ASYNC))
def shop_anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeShop]:
    yield from make_shop(request, tmp_path)


@pytest.fixture(params=("sqlite", "aiosqlite"))
def small_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeShop]:
    """For what does not depend on the database."""
    yield from make_shop(request, tmp_path)


@pytest.fixture(params=SERVERS)
def big_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeShop]:
    """On a server, where a deferred constraint fails at the commit."""
    yield from make_shop(request, tmp_path)
