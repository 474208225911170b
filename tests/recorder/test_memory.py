"""What a watch keeps in memory, in bytes."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

import outlive
from tests.databases import MEMORY
from tests.shelf import Author, fill

OBJECTS, SESSIONS = 500, 200


@pytest.fixture
def engine() -> Iterator[Engine]:
    with MEMORY.engine() as engine:
        with engine.begin() as connection:
            fill(connection)
            connection.execute(insert(Author), [{"name": str(number)} for number in range(OBJECTS - 1)])
        yield engine


def added(work: Callable[[], object], *, times: int) -> float:
    """How much more is in use after the work, and what it returns, because somebody watches; for each time."""
    used = {}
    for is_watched in (False, True):
        with outlive.watch() if is_watched else nullcontext():
            work()  # what is made once
            gc.collect()
            tracemalloc.start()
            before, _ = tracemalloc.get_traced_memory()
            kept = work()
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            del kept
        used[is_watched] = after - before
    return (used[True] - used[False]) / times


def test_an_object_that_expired_and_left(engine: Engine) -> None:
    def work() -> object:
        with Session(engine) as session:
            authors = session.scalars(select(Author)).all()
            session.commit()
        return authors

    assert added(work, times=OBJECTS) < 600


def test_a_session(engine: Engine) -> None:
    def work() -> object:
        sessions = [Session(engine) for _ in range(SESSIONS)]
        for session in sessions:
            session.get(Author, 1)
            session.commit()
            session.close()
        return sessions

    assert added(work, times=SESSIONS) < 2_000
