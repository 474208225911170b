"""What type checkers make of ``watch``."""

from __future__ import annotations

from typing import assert_type

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

import outlive
from outlive import Explanation, Recording, Watch


def all_sessions() -> None:
    with outlive.watch() as watch:
        assert_type(watch, Watch)
    assert_type(watch.recording, Recording)
    assert_type(watch.recording.explanations, tuple[Explanation, ...])
    watch.stop()


def some_sessions(factory: sessionmaker[Session], engine: Engine) -> None:
    assert_type(outlive.watch(factory, engine, notes=False, queries=True, sample=0.01, size=100), Watch)
    outlive.watch(sampel=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def saved(recording: Recording) -> None:
    recording.save("recording.json")
    assert_type(Recording.load("recording.json"), Recording)
