"""A Celery application with a few tasks, for tests of what crosses to a task and back."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import celery
from celery.contrib.testing.worker import start_worker

from outlive.integrations.celery import task_session
from tests.shelf import Author, Book

TASKS = {}


def task(function: Any) -> Any:
    TASKS[function.__name__] = function
    return function


@task
def name_of(author: Author, prefix: str = "") -> str:
    return prefix + author.name


@task
def give(value: object) -> object:
    return value


@task
def find(key: int) -> Author | None:
    return task_session().get(Author, key)


@task
def rename(author: Author, name: str) -> int:
    author.name = name
    return author.id


@task
def rename_and_return(key: int, name: str) -> Author:
    author = task_session().get_one(Author, key)
    author.name = name
    return author


@task
def titles(books: list[Book | None]) -> list[str | None]:
    return [book and book.title for book in books]


@task
def count(values: list[object]) -> int:
    return len(values)


def make(broker: str = "memory://", backend: str | None = "cache+memory://", **settings: Any) -> Any:
    """An application with the tasks."""
    app = celery.Celery("shop", broker=broker, backend=backend, set_as_current=False)
    app.conf.update(accept_content=["json", "pickle"], task_ignore_result=backend is None, **settings)
    for name, function in TASKS.items():
        app.task(function, name=name, shared=False)

    @app.task(name="rename_and_retry", bind=True, shared=False, max_retries=3, default_retry_delay=0)
    def rename_and_retry(self: Any, author: Author, name: str) -> str:
        before = author.name
        author.name = name
        if self.request.retries < 2:
            raise self.retry()
        return before

    with warnings.catch_warnings(action="ignore"):
        app.finalize()  # It takes in the shared tasks of other tests, some of the same name.
    return app


@contextmanager
def working(app: Any) -> Iterator[Any]:
    """With a worker in a thread."""
    with start_worker(app, perform_ping_check=False):
        yield app


def waiting(app: Any) -> int:
    """How many messages are in the queue."""
    with app.connection_for_read() as connection:
        return int(connection.default_channel.queue_declare(app.conf.task_default_queue, passive=False).message_count)
