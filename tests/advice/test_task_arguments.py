"""Advice: "never pass live instances to Celery".  json refuses without a reason, pickle ships them silently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from tests.advice.orders import DETACHED, Order, failure_of, fill

celery = pytest.importorskip("celery")
kombu = pytest.importorskip("kombu")


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        fill(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def app() -> Iterator[Any]:
    with celery.Celery("advice", broker="memory://", set_as_current=False) as app:
        yield app


@pytest.fixture
def ship(app: Any) -> Any:
    @app.task(name="advice.ship")
    def ship(order: object) -> None:
        raise AssertionError("no worker runs here")

    return ship


def received(app: Any) -> Any:
    """The first argument of the task in the queue, as a worker would get it."""
    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue(app.conf.task_default_queue)
        message = queue.get_nowait()
        message.accept = {"application/x-python-serialize"}
        message.ack()
        queue.close()
    return message.decode()[0][0]


def test_json_refuses_without_saying_why(engine: Engine, ship: Any) -> None:
    with Session(engine) as session, pytest.raises(kombu.exceptions.EncodeError) as caught:
        ship.delay(session.get(Order, 1))

    assert "Object of type Order is not JSON serializable" == str(caught.value)


def test_pickle_ships_it_and_the_worker_fails(engine: Engine, app: Any, ship: Any) -> None:
    with Session(engine) as session:
        order = session.get(Order, 1)
        session.commit()
        ship.apply_async([order], serializer="pickle")

    assert DETACHED == failure_of(lambda: received(app).number)


def test_pickle_ships_it_and_the_worker_reads_stale_data(engine: Engine, app: Any, ship: Any) -> None:
    with Session(engine) as session:
        ship.apply_async([session.get(Order, 1)], serializer="pickle")
    with Session(engine) as session, session.begin():
        session.get(Order, 1).price = 99

    assert 10 == received(app).price


def test_a_key_arrives(engine: Engine, app: Any, ship: Any) -> None:
    with Session(engine) as session:
        ship.delay(session.get(Order, 1).id)

    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue(app.conf.task_default_queue)
        message = queue.get_nowait()
        message.ack()
        queue.close()

    assert [1] == message.decode()[0]
