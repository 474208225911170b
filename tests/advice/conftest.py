"""Fixtures for the tests of the published advice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.advice.orders import fill
from tests.databases import Database


@pytest.fixture
def engine(sync_database: Database) -> Iterator[Engine]:
    with sync_database.engine() as engine:
        with engine.begin() as connection:
            fill(connection)
        yield engine
