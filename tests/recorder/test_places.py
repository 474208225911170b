"""An explanation names the line that expired the value, the one that took the object away, and the one that failed."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

import outlive
from outlive import Explanation, explain
from tests.databases import UNAWAITED, Database, let_go
from tests.diagnosis.failing import async_error_of, error_of
from tests.recorder.programs import SYNC
from tests.shelf import Author, Book

try:
    from tests.recorder.async_programs import ASYNC
except ImportError:  # without greenlet
    ASYNC = []

WORDS = {
    "loads": "loaded here",
    "expires": "expired here",
    "leaves": ("detached here", "its session was made here"),
    "fails": "`",
}


def marked(program: Callable[..., Any]) -> dict[str, int]:
    """The lines of a program by what the comment on them says."""
    lines, first = inspect.getsourcelines(program)
    return {
        mark.strip(): number
        for number, line in enumerate(lines, first)
        if "# " in line
        for mark in line.partition("# ")[2].split(",")
        if mark.strip() in WORDS
    }


def told(program: Callable[..., Any], explanation: Explanation) -> dict[str, int]:
    """The lines of a program by what an explanation says of them."""
    found = {}
    for step in explanation.where:
        assert step.place.filename == os.path.relpath(inspect.getsourcefile(program))
        found |= {mark: step.place.line for mark, words in WORDS.items() if step.message.startswith(words)}
    return found


@pytest.mark.parametrize("program", SYNC, ids=lambda it: it.__name__)
def test_the_places(program: Callable[..., Any], sync_database: Database) -> None:
    with outlive.watch():
        explanation = explain(error_of(program, sync_database))

    assert marked(program) == told(program, explanation)


@pytest.mark.filterwarnings(UNAWAITED)
@pytest.mark.parametrize("program", ASYNC, ids=lambda it: it.__name__)
def test_the_places_in_async_code(program: Callable[..., Any], async_database: Database) -> None:
    with outlive.watch():
        error = async_error_of(program, async_database)
        explanation = explain(error)
        let_go(error)

    assert marked(program) == told(program, explanation)


def loaded_and_closed(engine: Engine):
    with Session(engine) as session:  # leaves
        author = session.scalars(select(Author)).one()  # loads
    return author.books  # fails


def got_by_key(engine: Engine):
    with Session(engine) as session:  # leaves
        author = session.get(Author, 1)  # loads
    return author.biography  # fails


@pytest.mark.parametrize("program", [loaded_and_closed, got_by_key], ids=lambda it: it.__name__)
def test_the_place_of_the_query(program: Callable[..., Any], sync_database: Database) -> None:
    with outlive.watch(queries=True):
        explanation = explain(error_of(program, sync_database))

    assert marked(program) == told(program, explanation)
    [remedy] = [it for it in explanation.remedies if "with the query" in it]
    assert f"test_places.py:{marked(program)['loads']}: `.options(" in remedy


def test_a_query_in_a_method_of_its_own(sync_database: Database) -> None:
    def authors(session: Session) -> Any:
        return session.scalars(select(Author))  # the rows come later

    def program(engine: Engine):
        with Session(engine) as session:
            result = authors(session)
            session.scalars(select(Book)).all()
            author = result.one()
        return author.books

    with outlive.watch(queries=True):
        explanation = explain(error_of(program, sync_database))

    [loaded] = [step.place.line for step in explanation.where if step.message == "loaded here"]
    assert inspect.getsourcelines(authors)[1] + 1 == loaded
