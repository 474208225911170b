"""``delay_on_commit``: what is sent, and when."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from outlive import LiveObjectError, NotSentError
from tests.shelf import Author, Base, fill

celery = pytest.importorskip("celery")

from outlive.integrations.celery import delay_on_commit, protect  # noqa: E402
from tests.integrations import celery_shop  # noqa: E402


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'shelf.db'}")
    with engine.begin() as connection:
        fill(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def app() -> Iterator[Any]:
    app = celery_shop.make(task_default_queue=uuid4().hex)
    yield app
    app.close()


def received(app: Any) -> Any:
    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue(app.conf.task_default_queue)
        message = queue.get_nowait()
        message.ack()
        queue.close()
    return message.decode()[:2]


@pytest.mark.parametrize("is_protected", [True, False])
def test_a_task_and_a_signature_are_sent_after_the_commit(app: Any, engine: Engine, is_protected: bool) -> None:
    if is_protected:
        protect(app, Base)
    give = app.tasks["give"]
    with Session(engine) as session:
        delay_on_commit(session, give, 1)
        delay_on_commit(session, give.s(2).set(priority=3))
        delay_on_commit(session, app.signature("elsewhere"), key=3)
        assert 0 == celery_shop.waiting(app)
        session.commit()

    assert [[[1], {}], [[2], {}], [[], {"key": 3}]] == [received(app) for _ in range(3)]


def test_a_rollback_sends_nothing(app: Any, engine: Engine) -> None:
    with Session(engine) as session:
        delay_on_commit(session, app.tasks["give"], 1)
        session.rollback()
        session.commit()

    assert 0 == celery_shop.waiting(app)


@pytest.mark.parametrize("is_protected", [True, False])
def test_an_object_is_refused_where_it_is_asked_for(app: Any, engine: Engine, is_protected: bool) -> None:
    if is_protected:
        protect(app, Base)
    with Session(engine) as session:
        author = session.get(Author, 1)
        for ask in (
            lambda: delay_on_commit(session, app.tasks["give"], [author]),
            lambda: delay_on_commit(session, app.tasks["give"].s(author)),
        ):
            with pytest.raises(LiveObjectError, match="an argument of the task 'give'"):
                ask()
        session.commit()

    assert 0 == celery_shop.waiting(app)


def test_a_new_object_becomes_a_reference_after_the_commit(app: Any, engine: Engine) -> None:
    protect(app, Base, mode="reference")
    with Session(engine) as session:
        author = Author(name="Octavia")
        session.add(author)
        delay_on_commit(session, app.tasks["name_of"], author)
        author.name = "Octavia B."
        session.commit()
        key = author.id

    [ref], _ = received(app)
    assert (Author, (key,)) == (ref.class_, ref.identity)


def test_a_broker_that_is_gone_is_reported_by_the_commit(
    app: Any, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise celery.exceptions.OperationalError("no broker")

    monkeypatch.setattr(app.tasks["give"], "delay", fail)
    with Session(engine) as session:
        session.get(Author, 1).name = "Octavia"
        delay_on_commit(session, app.tasks["give"], 1)
        with pytest.raises(NotSentError, match="the transaction is committed, but 1 of 1"):
            session.commit()

    with Session(engine) as session:
        assert "Octavia" == session.get(Author, 1).name
