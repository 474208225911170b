"""Brokers and workers that die under work: nothing is lost, and nothing is done twice in silence."""

from __future__ import annotations

import gc
import os
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from outlive import NotSentError
from tests import brokers
from tests.integrations import queue_runs
from tests.integrations.queue_orders import ORDERS_BEFORE, Order
from tests.integrations.queue_runs import Shop

# Clients of a broker that dies drop their sockets.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")

ORDERS = int(os.environ.get("OUTLIVE_TEST_ORDERS", "80"))
PUBLISHERS = 8
OUTAGE = 2
"""Seconds; RabbitMQ takes some more to start."""
SHIPPED = select(func.sum(Order.shipped))
STALE = re.compile(r"^sqlalchemy\.orm\.exc\.StaleDataError: ", re.MULTILINE)


@pytest.fixture(scope="module")
def rabbitmq() -> Iterator[brokers.Broker]:
    with brokers.rabbitmq() as broker:
        yield broker


@pytest.fixture(scope="module")
def redis() -> Iterator[brokers.Broker]:
    with brokers.redis() as broker:
        yield broker


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> brokers.Broker:
    return request.getfixturevalue(request.param)


@pytest.fixture
def shop(
    request: pytest.FixtureRequest, broker: brokers.Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    pytest.importorskip(request.param)
    with queue_runs.shop(request.param, broker.address, tmp_path, monkeypatch) as shop:
        yield shop
    gc.collect()  # of the sockets, while their warnings are ignored


class Publishers:
    """Threads that each place orders, with a task for each, and send again what was not sent."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.sent = self.not_sent = 0
        self.lock = threading.Lock()

    def place_order(self) -> None:
        with Session(self.shop.engine, expire_on_commit=False) as session:
            order = Order(status="new")
            session.add(order)
            self.shop.tasks.send_on_commit(session, order, 0.05)
            try:
                session.commit()
            except NotSentError:
                self.count(not_sent=1)
                self.send_again(order)
        self.count(sent=1)

    def send_again(self, order: Order) -> None:
        def is_sent() -> bool:
            try:
                self.shop.tasks.send(order, 0.05)
            except Exception:  # whatever the client of the broker raises
                return False
            return True

        assert queue_runs.until(is_sent, every=0.5)

    def count(self, *, sent: int = 0, not_sent: int = 0) -> None:
        with self.lock:
            self.sent += sent
            self.not_sent += not_sent


RUNNING = pytest.mark.parametrize(
    ("shop", "broker", "pool"),
    [
        ("celery", "rabbitmq", "prefork"),
        ("celery", "rabbitmq", "threads"),
        ("celery", "redis", "prefork"),
        ("celery", "redis", "threads"),
        ("dramatiq", "rabbitmq", "processes"),
    ],
    indirect=["shop", "broker"],
)


def work_is_done(shop: Shop, pool: str) -> bool:
    """Whether a worker leaves nothing behind; it may have taken messages that it gives back."""
    with queue_runs.worker(shop, pool):
        assert queue_runs.until(lambda: shop.tasks.waiting() == 0)
        time.sleep(0.5)
    return shop.tasks.waiting() == 0


@RUNNING
def test_a_broker_that_dies_under_work(shop: Shop, broker: brokers.Broker, pool: str) -> None:
    publishers = Publishers(shop)
    with ThreadPoolExecutor(PUBLISHERS) as threads, queue_runs.worker(shop, pool):
        work = [threads.submit(publishers.place_order) for _ in range(ORDERS)]
        assert queue_runs.until(lambda: publishers.sent > ORDERS / 3)
        in_queue = publishers.sent - shop.asked(SHIPPED)
        broker.kill()
        time.sleep(OUTAGE)
        broker.start()
        for one in work:
            one.result()
    # As a supervisor would: Celery's own worker may end with its broker, or take no more messages of the next one.
    assert queue_runs.until(lambda: work_is_done(shop, pool)), shop.log.read_text("utf-8")
    refused = len(STALE.findall(shop.log.read_text("utf-8")))
    lost = ORDERS - shop.asked(SHIPPED)
    figures = f"{in_queue} in the queue, {publishers.not_sent} not sent, {refused} refused, {lost} lost"
    print(f"{ORDERS} orders, {figures}")

    assert in_queue > 0
    # kombu takes a message out of Redis before it writes there who has it: 5.7, kombu.transport.redis, _brpop_read.
    assert 0 <= lost <= broker.address.startswith("redis")
    if lost:
        send_what_waits(shop)
        assert queue_runs.until(lambda: work_is_done(shop, pool))
    assert ORDERS == shop.asked(select(func.count()).where(Order.shipped == 1))
    assert 0 == shop.asked(select(func.count()).where(Order.shipped > 1))


def send_what_waits(shop: Shop) -> None:
    with Session(shop.engine) as session:
        for order in session.scalars(select(Order).where(Order.shipped == 0, Order.id > ORDERS_BEFORE)):
            shop.tasks.send(order)


@RUNNING
def test_workers_that_die_in_a_task(shop: Shop, pool: str, tmp_path: Path) -> None:
    """The first one before it commits, the second one after that; a third one goes on."""
    for before_commit in (True, False):
        mark = tmp_path / f"{before_commit}"
        with queue_runs.worker(shop, pool) as process:
            shop.tasks.send(shop.saved(Order(status="new")), 0, str(mark), before_commit)
            assert queue_runs.until(mark.exists)
            if pool != "prefork":  # where a task has a process of its own
                process.wait(timeout=queue_runs.WAIT)
    time.sleep(shop.tasks.VISIBLE_AFTER)
    with queue_runs.worker(shop, pool):
        assert shop.wait_for(SHIPPED, 2)
        assert shop.logged("has version 2, the reference has version 1")

    assert 2 == shop.asked(select(func.count()).where(Order.shipped == 1))


@pytest.mark.parametrize(("shop", "broker"), [("celery", "redis")], indirect=True)
def test_with_an_early_acknowledgement_the_task_is_lost_and_nothing_is_half_done(shop: Shop, tmp_path: Path) -> None:
    first, second = (shop.saved(Order(status="new")) for _ in range(2))
    with queue_runs.worker(shop) as process:
        shop.tasks.ship_acknowledged_early.delay(first, str(tmp_path / "mark"))
        process.wait(timeout=queue_runs.WAIT)
    time.sleep(shop.tasks.VISIBLE_AFTER)
    with queue_runs.worker(shop):
        shop.tasks.send(second)
        assert shop.wait_for(SHIPPED, 1)
        assert 0 == shop.tasks.waiting()

    assert 1 == shop.asked(select(Order.shipped).where(Order.id == second.id))
