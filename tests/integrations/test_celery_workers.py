"""Real workers, processes and threads, behind RabbitMQ and Redis; their rows are in PostgreSQL."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from outlive import InvalidReferenceError, LiveObjectError, MissingRowsError, Reference, reference
from tests import servers
from tests.integrations import queue_runs
from tests.integrations.queue_orders import Letter, Order
from tests.integrations.queue_runs import Shop

celery = pytest.importorskip("celery")
# Celery 5.3 with the newest client of Redis.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")


@pytest.fixture(scope="module", params=["rabbitmq-prefork", "redis-threads"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    broker, pool = request.param.split("-")
    address = servers.RABBITMQ if broker == "rabbitmq" else servers.REDIS
    folder = tmp_path_factory.mktemp(broker)
    with (
        pytest.MonkeyPatch.context() as environment,
        queue_runs.shop("celery", address, folder, environment) as shop,
        queue_runs.worker(shop, pool),
    ):
        yield shop


@pytest.fixture
def order(running: Shop) -> Order:
    """A new one, detached."""
    return running.saved(Order(status="new"))


def result(sent: Any) -> Any:
    return sent.get(timeout=queue_runs.WAIT)


def test_objects_arrive_loaded_with_one_select_for_each_class(running: Shop) -> None:
    with Session(running.engine) as session:
        orders = session.scalars(select(Order).where(Order.id <= 10)).all()
        letter = session.get(Letter, 1)
        told = result(running.tasks.statuses.delay(orders, letter=letter))

    assert {"statuses": ["new"] * 10, "text": "letter 0", "own": True, "asked": 0} == told


def test_a_live_result_goes_back_as_a_reference(running: Shop, order: Order) -> None:
    assert reference(order) == result(running.tasks.find.delay(order.id))


def test_a_chain_hands_it_on(running: Shop, order: Order) -> None:
    tasks = running.tasks
    told = result(celery.chain(tasks.find.s(order.id), tasks.ship_at_third_attempt.s()).delay())

    assert ["new", 2] == told


def test_a_chord_hands_them_on(running: Shop, order: Order) -> None:
    tasks = running.tasks
    letter = Reference(Letter, (1,))
    told = result(celery.chord([tasks.find.s(order.id)] * 2, tasks.statuses.s(letter=letter)).delay())

    assert ["new", "new"] == told["statuses"]


def test_a_retry_reads_what_is_committed(running: Shop, order: Order) -> None:
    assert ["new", 2] == result(running.tasks.ship_at_third_attempt.delay(order))
    with Session(running.engine) as session:
        assert "shipped" == session.get(Order, order.id).status


def test_a_task_that_raises_is_rolled_back(running: Shop, order: Order) -> None:
    with pytest.raises(ZeroDivisionError):
        result(running.tasks.fail_after.delay(order))
    with Session(running.engine) as session:
        assert "new" == session.get(Order, order.id).status


def test_a_message_that_is_delivered_when_the_row_is_gone(running: Shop, order: Order) -> None:
    sent = reference(order)
    with Session(running.engine) as session:
        session.delete(session.get(Order, order.id))
        session.commit()

    with pytest.raises(MissingRowsError, match=rf"no row for Order \({order.id},\)"):
        result(running.tasks.ship.delay(sent))


def test_a_message_that_is_delivered_twice_is_not_done_twice_where_rows_have_versions(
    running: Shop, order: Order
) -> None:
    result(running.tasks.ship.delay(order))
    with pytest.raises(StaleDataError, match="has version 2, the reference has version 1"):
        result(running.tasks.ship.delay(order))

    with Session(running.engine) as session:
        assert 1 == session.get(Order, order.id).shipped


def test_a_forged_message_fails_its_task_and_says_why(running: Shop) -> None:
    stranger = celery.Celery("stranger", broker=os.environ["ORDERS_BROKER"], set_as_current=False)
    stranger.conf.task_default_queue = os.environ["ORDERS_QUEUE"]
    text = json.dumps({"reference": 1, "class": "os:system", "key": [1]})
    sent = stranger.send_task(running.tasks.ship.name, [{"__type__": "outlive.reference", "__value__": text}])
    stranger.close()

    with pytest.raises(InvalidReferenceError, match="no mapped class is 'os:system'"):
        result(running.tasks.app.AsyncResult(sent.id))


def test_a_live_object_does_not_reach_the_broker(running: Shop) -> None:
    with pytest.raises(LiveObjectError):
        running.tasks.ship.delay(Order(status="new"))


def test_the_log_of_the_worker_has_the_explanation(running: Shop) -> None:
    running.tasks.read_after_close.delay()

    assert running.logged("`Order.status` was read on a detached `Order (1,)`")


def test_processes_of_a_pool_have_connections_of_their_own(running: Shop) -> None:
    with running.tasks.SessionLocal() as session:
        shared = session.connection().exec_driver_sql("select pg_backend_pid()").scalar_one()
    found = {result(sent) for sent in [running.tasks.backend_of.delay() for _ in range(8)]}

    assert shared not in found  # of how many processes, is the broker's choice


def test_greenlets_have_sessions_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("gevent") is None:
        pytest.skip("no gevent to run tasks in")
    with queue_runs.shop("celery", servers.REDIS, tmp_path, monkeypatch) as shop, queue_runs.worker(shop, "gevent"):
        order = shop.saved(Order(status="new"))
        told = [result(sent) for sent in [shop.tasks.meet.delay(order) for _ in range(2)]]

    assert [True, True] == [is_own for _, is_own in told]
    assert 2 == len({number for number, _ in told})
