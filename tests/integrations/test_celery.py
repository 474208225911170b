"""Explanations in the log of a Celery worker, which runs in a thread and takes its messages from memory."""

from __future__ import annotations

import io
import logging
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import DetachedInstanceError

import outlive
from tests.databases import MEMORY
from tests.shelf import Author, fill

celery = pytest.importorskip("celery")
testing = pytest.importorskip("celery.contrib.testing.worker")

from outlive.integrations.celery import explain_failures  # noqa: E402


@pytest.fixture(scope="module")
def app() -> Iterator[Any]:
    """An application whose worker runs."""
    app = celery.Celery("shop", broker="memory://", backend="cache+memory://")
    app.task(greet, name="greet", shared=False)
    app.task(find, name="find", shared=False)
    with warnings.catch_warnings(action="ignore"):
        app.finalize()  # It takes in the shared tasks of other tests, some of the same name.
    with testing.start_worker(app, perform_ping_check=False):
        yield app


class Log(logging.StreamHandler[io.StringIO]):
    """What the worker writes."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.is_written = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        if record.exc_info:
            self.is_written.set()

    def text(self) -> str:
        """All of it, after a failure: the worker answers before it writes."""
        assert self.is_written.wait(timeout=10)
        return self.stream.getvalue()


@pytest.fixture
def log() -> Iterator[Log]:
    """Of a worker whose failures are explained."""
    handler, logger = Log(), logging.getLogger("celery.app.trace")
    logger.addHandler(handler)
    explain_failures()
    yield handler
    logger.removeHandler(handler)
    celery.signals.task_failure.disconnect(dispatch_uid="outlive.integrations.celery")


def greet() -> str:
    """Read an object whose session is closed."""
    return find().name


def find() -> Author:
    """An expired and detached object, as the result."""
    with MEMORY.engine() as engine:
        with engine.begin() as connection:
            fill(connection)
        with Session(engine) as session:
            author = session.scalars(select(Author)).one()
            session.commit()
        return author


def failure_of(app: Any, name: str) -> Any:
    result = app.tasks[name].delay()
    result.get(timeout=10, propagate=False)
    return result


def test_the_log_explains_why_a_task_has_failed(app: Any, log: Log) -> None:
    explain_failures()

    result = failure_of(app, "greet")

    assert isinstance(result.result, DetachedInstanceError)
    assert log.text().count("`Author.name` was read on a detached `Author (1,)`.") == 1


def test_primary_keys_are_left_out_if_wanted(app: Any, log: Log) -> None:
    explain_failures(redact=True)

    failure_of(app, "greet")

    assert "`Author.name` was read on a detached `Author (...)`." in log.text()


def test_an_object_as_the_result_of_a_task(app: Any, log: Log) -> None:
    failure_of(app, "find")

    assert "`Author (1,)` was the result of a task." in log.text()
    assert "Return the primary key" in log.text()


def test_while_somebody_watches_the_result_explains_it_too(app: Any, log: Log) -> None:
    with outlive.watch():
        result = failure_of(app, "greet")

    assert result.traceback.count("expired here by the commit") == 1
    assert log.text().count("expired here by the commit") == 1
