"""The store, filled, on each database of the matrix."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests import store
from tests.databases import Database, Tell


@pytest.fixture
def engine(every_database: Database) -> Iterator[Engine]:
    with every_database.engine(store) as engine:
        yield engine


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


@pytest.fixture
def tell(every_async_database: Database) -> Tell:
    """Run a story on a filled store, in a loop of its own."""
    return lambda story: every_async_database.tell(story, store)
