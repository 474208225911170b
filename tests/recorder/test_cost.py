"""What a watch adds to each request, in calls: time is measured in benchmarks/watch.py."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from types import FrameType
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

import outlive
from tests.databases import MEMORY
from tests.shelf import Author, fill


def request(engine: Engine) -> None:
    """Get, update, commit, close."""
    with Session(engine) as session:
        author = session.get(Author, 1)
        assert author is not None
        author.name += "!"
        session.commit()


def calls_of(engine: Engine, *, watched: bool) -> int:
    """Python functions that one more request calls."""
    count = 0

    def profile(frame: FrameType, what: str, argument: Any) -> None:
        nonlocal count
        count += what == "call"

    with outlive.watch() if watched else nullcontext():
        request(engine)
        sys.setprofile(profile)
        try:
            request(engine)
        finally:
            sys.setprofile(None)
    return count


def test_a_request_makes_few_more_calls() -> None:
    with MEMORY.engine() as engine:
        with engine.begin() as connection:
            fill(connection)
        without = calls_of(engine, watched=False)

        assert 0 < calls_of(engine, watched=True) - without < 85
        assert calls_of(engine, watched=False) < without + 10  # nothing stays behind
