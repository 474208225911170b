"""What a flush of our sessions asks of objects before it begins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from outlive import sessionmaker
from tests import corners
from tests.corners import Town
from tests.databases import MEMORY
from tests.store import statements


@pytest.fixture
def engine() -> Iterator[Engine]:
    with MEMORY.engine(corners) as engine:
        yield engine


def test_a_composite_value_with_a_deferred_column_is_not_loaded_for_it(engine: Engine):
    with sessionmaker(engine)() as session:
        town = session.get(Town, 1)
        town.label = "city"
        with statements(engine) as sent:
            session.flush()

    assert ["UPDATE"] == [statement.split()[0] for statement in sent]


def test_an_object_that_was_only_touched_needs_no_connection(engine: Engine):
    with sessionmaker(engine)() as session:
        town = session.get(Town, 1)
        session.commit()
        town.label = town.label
        with statements(engine) as sent:
            session.flush()

    assert [] == sent
