"""A Celery application with a few tasks, for tests of what crosses to a task and back."""

from __future__ import annotations

import warnings
from typing import Any

import celery

from outlive.integrations.celery import task_session
from tests.shelf import Author

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
def rename_and_return(key: int, name: str) -> Author:
    author = task_session().get(Author, key)
    author.name = name
    return author


@task
def count(values: list[object]) -> int:
    return len(values)


def make(broker: str = "memory://", backend: str | None = "cache+memory://", **settings: Any) -> Any:
    """An application with the tasks."""
    app = celery.Celery("shop", broker=broker, backend=backend, set_as_current=False)
    app.conf.update(accept_content=["json", "pickle"], task_ignore_result=backend is None, **settings)
    for name, function in TASKS.items():
        app.task(function, name=name, shared=False)

    with warnings.catch_warnings(action="ignore"):
        app.finalize()  # It takes in the shared tasks of other tests, some of the same name.
    return app


def waiting(app: Any) -> int:
    """How many messages are in the queue."""
    with app.connection_for_read() as connection:
        return int(connection.default_channel.queue_declare(app.conf.task_default_queue, passive=False).message_count)
