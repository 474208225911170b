"""What a watch adds to each request, in calls: time is measured in benchmarks/watch.py."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

import outlive
from outlive.recorder import hooks
from tests.databases import MEMORY
from tests.shelf import Author, fill

OURS = str(Path(outlive.__file__).parent)


def request(engine: Engine) -> None:
    """Get, update, commit, close."""
    with Session(engine) as session:
        author = session.get(Author, 1)
        assert author is not None
        author.name += "!"
        session.commit()


def calls_of(engine: Engine, *, watched: bool) -> int:
    """Functions of ours that one more request calls."""
    count = 0

    def profile(frame: FrameType, what: str, argument: Any) -> None:
        nonlocal count
        count += what == "call" and frame.f_code.co_filename.startswith(OURS)

    with outlive.watch() if watched else nullcontext():
        request(engine)
        sys.setprofile(profile)
        try:
            request(engine)
        finally:
            sys.setprofile(None)
    return count


def test_a_request_makes_few_more_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "makers", {})  # those of test runs within this one
    with MEMORY.engine() as engine:
        with engine.begin() as connection:
            fill(connection)
        watched, without = calls_of(engine, watched=True), calls_of(engine, watched=False)

    assert 0 < watched - without < 55
