"""Real workers, processes and threads, behind RabbitMQ and Redis; their rows are in PostgreSQL."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from outlive import InvalidReferenceError, LiveObjectError, MissingRowsError, Reference, reference
from tests import servers
from tests.integrations.queue_orders import Letter, Order, fill

celery = pytest.importorskip("celery")

ROOT = Path(__file__).parents[2]
WAIT = 20


@dataclass(frozen=True)
class Shop:
    """An application, the database of its tasks, and the log of its worker."""

    tasks: ModuleType
    engine: Engine
    log: Path
    pool: str

    def logged(self, text: str) -> bool:
        deadline = time.monotonic() + WAIT
        while text not in self.log.read_text("utf-8"):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def wait_for(self, query: Any, value: object) -> bool:
        """Whether the database comes to say so."""
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            with Session(self.engine) as session:
                if session.scalar(query) == value:
                    return True
            time.sleep(0.05)
        return False


@contextmanager
def worker(log: Path, pool: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that is ready."""
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO")
    name = ("-n", f"{uuid4().hex}@%h", "--pool", pool, "-c", "2")
    command = [sys.executable, "-m", "celery", "-A", "tests.integrations.celery_worker", "worker", *name, *quiet]
    with log.open("ab") as out:
        process = subprocess.Popen([*command, *options], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + WAIT
        while " ready." not in log.read_text("utf-8"):
            assert process.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < deadline, log.read_text("utf-8")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=WAIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def shop(broker: str, pool: str, folder: Path, environment: pytest.MonkeyPatch) -> Iterator[Shop]:
    """The application in this process, its database filled; no worker yet."""
    servers.require_broker(broker)
    with servers.postgresql_schema() as address, ExitStack() as stack:
        database = address.replace("postgresql://", "postgresql+psycopg://", 1)
        queue = f"outlive-{uuid4().hex}"
        settings = {"BROKER": broker, "RESULTS": servers.REDIS, "DATABASE": database, "QUEUE": queue}
        for name, value in settings.items():
            environment.setenv(f"ORDERS_{name}", value)
        engine = create_engine(database)
        stack.callback(engine.dispose)
        fill(engine)
        sys.modules.pop("tests.integrations.celery_worker", None)
        tasks = importlib.import_module("tests.integrations.celery_worker")
        stack.callback(tasks.engine.dispose)
        stack.callback(tasks.app.close)
        stack.callback(sys.modules.pop, "tests.integrations.celery_worker", None)
        log = folder / "worker.log"
        log.touch()
        yield Shop(tasks, engine, log, pool)
        with tasks.app.connection_for_write() as connection:
            for name in (queue, f"{queue}.reply"):
                connection.default_channel.queue_delete(name)


@pytest.fixture(scope="module", params=["rabbitmq-prefork", "redis-threads"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    broker, pool = request.param.split("-")
    servers.require_broker(servers.REDIS)
    address = servers.RABBITMQ if broker == "rabbitmq" else servers.REDIS
    folder = tmp_path_factory.mktemp(broker)
    with (
        pytest.MonkeyPatch.context() as environment,
        shop(address, pool, folder, environment) as made,
        worker(made.log, pool),
    ):
        yield made


@pytest.fixture
def order(running: Shop) -> Order:
    """A new one, detached."""
    return new(running, Order(status="new"))


def new(shop: Shop, row: Any) -> Any:
    with Session(shop.engine, expire_on_commit=False) as session:
        session.add(row)
        session.commit()
    return row


def result(sent: Any) -> Any:
    return sent.get(timeout=WAIT)


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


@pytest.mark.parametrize("before_commit", [True, False], ids=["before the commit", "after the commit"])
def test_a_process_that_is_killed_loses_nothing_and_does_nothing_twice(
    running: Shop, order: Order, tmp_path: Path, before_commit: bool
) -> None:
    if running.pool == "threads":
        pytest.skip("a thread cannot be killed alone")
    sent = running.tasks.ship.delay(order, str(tmp_path / "mark"), before_commit=before_commit)
    shipped = select(Order.shipped).where(Order.id == order.id)

    if before_commit:
        result(sent)
    else:
        with pytest.raises(StaleDataError, match="the reference has version 1"):
            result(sent)
    assert running.wait_for(shipped, 1)


@contextmanager
def own_redis(folder: Path) -> Iterator[tuple[str, Callable[[], subprocess.Popen[bytes]]]]:
    """The address of a server that writes down what it has, and what starts it."""
    port = 16000 + os.getpid() % 10000
    command = ["redis-server", "--port", str(port), "--dir", str(folder), "--appendonly", "yes", "--save", ""]
    with ExitStack() as stack:

        def start() -> subprocess.Popen[bytes]:
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            process = subprocess.Popen([*command, "--appendfsync", "always"], **quiet)
            stack.callback(process.wait)
            stack.callback(process.kill)
            time.sleep(0.2)
            return process

        if shutil.which("redis-server") is None:
            servers.unavailable("no redis-server to start")
        start()
        yield f"redis://127.0.0.1:{port}/0", start


def test_a_broker_that_is_restarted_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with own_redis(tmp_path) as (address, start), shop(address, "threads", tmp_path, monkeypatch) as made:
        redis = pytest.importorskip("redis").Redis.from_url(address)
        refs = [Reference(Letter, (key,)) for key in range(1, 11)]
        for ref in refs[:5]:
            made.tasks.read.delay(ref)
        redis.shutdown(nosave=True)
        time.sleep(0.2)
        start()
        with worker(made.log, "threads"):
            assert made.wait_for(select(func.sum(Letter.read)), 5)
            for ref in refs[5:]:
                made.tasks.read.delay(ref)
            assert made.wait_for(select(func.sum(Letter.read)), 10)
            time.sleep(0.2)
            assert made.wait_for(select(func.max(Letter.read)), 1)
