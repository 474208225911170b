from __future__ import annotations

import json

import pytest
from sqlalchemy.orm import Session

from outlive import explain
from tests.databases import Database, sqlite
from tests.diagnosis.failing import error_of
from tests.shelf import Author


@pytest.fixture
def database(tmp_path) -> Database:
    return sqlite("sqlite", str(tmp_path / "test.db"))


@pytest.fixture
def task():
    celery = pytest.importorskip("celery")

    def work(value):
        raise AssertionError("never reached")

    return celery.Celery(broker="memory://").task(work, shared=False)


def sent(task, value_of):
    def program(engine):
        with Session(engine) as session:
            author = session.get(Author, 1)
        task.delay(value_of(author))

    return program


@pytest.mark.parametrize("value_of", [lambda author: author, lambda author: {"authors": [author]}])
def test_an_argument_of_a_task(task, value_of, database):
    explanation = explain(error_of(sent(task, value_of), database))

    assert ("object-sent-to-queue", "Author", (1,)) == (
        explanation.hazard,
        explanation.entity,
        explanation.identity_key,
    )
    assert "tests/diagnosis/test_queues.py" == explanation.where[0].place.filename
    assert "session.get(Author, 1)" in explanation.remedies[0]


def test_an_argument_that_is_not_mapped(task, database):
    assert explain(error_of(sent(task, lambda author: object()), database)) is None


def test_json_without_a_queue(database):
    def program(engine):
        with Session(engine) as session:
            json.dumps(session.get(Author, 1))

    assert explain(error_of(program, database)) is None
