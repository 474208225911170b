"""Dramatiq: guard and references in memory, then with a real worker behind RabbitMQ and rows in PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, delete, select
from sqlalchemy.orm import Session, object_session, sessionmaker

from outlive import LiveObjectError, Reference, reference
from tests import servers
from tests.integrations import queue_runs
from tests.integrations.queue_orders import Base, Order, fill
from tests.integrations.queue_runs import Shop

dramatiq = pytest.importorskip("dramatiq")

from dramatiq.brokers.stub import StubBroker  # noqa: E402
from dramatiq.results import Results  # noqa: E402
from dramatiq.results.backends.stub import StubBackend  # noqa: E402

from outlive.integrations.dramatiq import protect, send_on_commit, task_session  # noqa: E402

# Before SQLAlchemy 2.0.4; the counter is compared all the same.
pytestmark = pytest.mark.filterwarnings("ignore:Dialect sqlite.*rowcount")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'orders.db'}")
    fill(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def broker(engine: Engine) -> Iterator[Any]:
    before = dramatiq.get_encoder(), dramatiq.broker.global_broker
    broker = StubBroker()
    dramatiq.set_broker(broker)  # that of groups and pipelines
    protect(broker, Base, mode="reference", session=sessionmaker(engine))
    broker.add_middleware(Results(backend=StubBackend()))
    yield broker
    broker.close()
    dramatiq.set_encoder(before[0])
    dramatiq.broker.global_broker = before[1]


@pytest.fixture
def order(engine: Engine) -> Order:
    """A detached one."""
    with Session(engine) as session:
        return session.get(Order, 1)


def actor(broker: Any, function: Any, **options: Any) -> Any:
    return dramatiq.actor(function, broker=broker, store_results=True, max_retries=0, **options)


def run(broker: Any, *messages: Any) -> list[Any]:
    """What actors return for messages that have been sent."""
    worker = dramatiq.Worker(broker, worker_timeout=10, worker_threads=2)
    worker.start()
    try:
        backend = broker.get_results_backend()
        return [message.get_result(backend=backend, block=True, timeout=5000) for message in messages]
    finally:
        worker.stop()


@pytest.mark.parametrize("mode", ["raise", "reference"])
@pytest.mark.parametrize(
    "way", ["send", "keyword", "delayed", "pipeline", "group", "pipeline in a group", "group in a group"]
)
def test_no_way_to_send_lets_an_object_pass(broker: Any, mode: Any, way: str) -> None:
    protect(broker, Base, mode=mode)
    give = actor(broker, lambda value: value, actor_name="give")
    new = Order(status="new")
    ways = {
        "send": lambda: give.send([new]),
        "keyword": lambda: give.send(value={"a": new}),
        "delayed": lambda: give.send_with_options(args=(new,), delay=1000),
        "pipeline": (give.message(1) | give.message(new)).run,
        "group": dramatiq.group([give.message(1), give.message(new)]).run,
        "pipeline in a group": dramatiq.group([give.message(1), give.message(1) | give.message(new)]).run,
        "group in a group": dramatiq.group([give.message(1), dramatiq.group([give.message(new)])]).run,
    }

    with pytest.raises(LiveObjectError, match=r"is Order \(transient, not flushed\).*session.add\(\) it"):
        ways[way]()

    assert [] == [message for queue in broker.queues.values() for message in queue.queue]


def test_an_object_arrives_loaded_in_the_session_of_its_message(broker: Any, order: Order) -> None:
    def look(order: Order, more: dict[str, Order]) -> list[object]:
        return [order.status, more["same"] is order, object_session(order) is task_session()]

    assert [["new", True, True]] == run(broker, actor(broker, look).send(order, {"same": order}))


def test_the_objects_of_a_group_arrive(broker: Any, order: Order) -> None:
    status = actor(broker, lambda order: order.status, actor_name="status")
    sent = dramatiq.group([status.message(order), status.message(order) | status.message_with_options(args=())]).run()

    assert ["new"] == run(broker, sent.children[0])


def test_a_pipeline_hands_an_object_on(broker: Any) -> None:
    find = actor(broker, lambda key: task_session().get(Order, key), actor_name="find")
    status = actor(broker, lambda order: order.status, actor_name="status")
    pipe = (find.message(1) | status.message()).run()

    assert [Reference(Order, (1,), version=1), "new"] == run(broker, *pipe.messages)


def test_a_call_in_the_same_process_is_no_boundary(broker: Any, engine: Engine, order: Order) -> None:
    give = actor(broker, lambda value: value, actor_name="give")
    calls = actor(broker, lambda key: give(Order(status=str(key))).status, actor_name="calls")

    assert order is give(order)
    assert ["7"] == run(broker, calls.send(7))


def test_work_is_committed_and_what_raises_is_rolled_back(broker: Any, engine: Engine, order: Order) -> None:
    def ship(order: Order, fails: bool) -> None:
        order.shipped += 1
        if fails:
            raise ZeroDivisionError

    with Session(engine) as session:
        second = session.get(Order, 2)
    ship_it = actor(broker, ship)
    with pytest.raises(Exception, match="ZeroDivisionError"):
        run(broker, ship_it.send(order, False), ship_it.send(second, True))

    with Session(engine) as session:
        assert [1, 0] == [session.get(Order, key).shipped for key in (1, 2)]


def test_a_row_that_is_gone_is_skipped_if_wanted(
    broker: Any, engine: Engine, order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    protect(broker, Base, mode="reference", session=sessionmaker(engine), missing="skip")
    with engine.begin() as connection:
        connection.execute(delete(Order).where(Order.id == 1))
    with caplog.at_level(logging.WARNING):
        told = run(broker, actor(broker, lambda order: "ran", actor_name="ship").send(order))

    assert [None] == told
    assert "was skipped: no row for Order (1,)" in caplog.text


def test_what_a_stranger_has_written_fails_the_message(broker: Any) -> None:
    give = actor(broker, lambda value: "ran", actor_name="give")
    tagged = {"__type__": "outlive.reference", "__value__": '{"reference":1,"class":"os:system","key":[1]}'}
    message = give.message(7)
    forged = message.encode().replace(b"[7]", b"[%s]" % str(tagged).replace('"', '\\"').replace("'", '"').encode())
    broker.queues["default"].put(forged)

    with pytest.raises(Exception, match="no mapped class is 'os:system'"):
        run(broker, message)


def test_after_the_commit(broker: Any, engine: Engine) -> None:
    status = actor(broker, lambda order: order.status, actor_name="status")
    with Session(engine) as session:
        new = Order(status="brand new")
        session.add(new)
        send_on_commit(session, status, new)
        session.rollback()
        session.add(new)
        send_on_commit(session, status, new)
        assert 0 == broker.queues["default"].qsize()
        session.commit()

    assert 1 == broker.queues["default"].qsize()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """An application with a worker, of two processes with two threads each."""
    folder = tmp_path_factory.mktemp("dramatiq")
    with (
        pytest.MonkeyPatch.context() as environment,
        queue_runs.shop("dramatiq", servers.RABBITMQ, folder, environment) as shop,
        queue_runs.worker(shop),
    ):
        yield shop


def result(message: Any) -> Any:
    return message.get_result(block=True, timeout=20000)


@pytest.fixture
def saved(running: Shop) -> Order:
    return running.saved(Order(status="new"))


def test_a_worker_loads_what_it_gets(running: Shop, saved: Order) -> None:
    assert [["new", True]] * 2 == result(running.tasks.statuses.send([saved, saved]))
    assert reference(saved) == result(running.tasks.find.send(saved.id))


def test_a_retry_reads_what_is_committed(running: Shop, saved: Order) -> None:
    assert "new" == result(running.tasks.ship_at_third_attempt.send(saved))


def test_a_message_that_is_delivered_twice_is_not_done_twice_where_rows_have_versions(
    running: Shop, saved: Order
) -> None:
    result(running.tasks.ship.send(saved))
    with pytest.raises(Exception, match="has version 2, the reference has version 1"):
        result(running.tasks.ship.send(saved))

    assert 1 == running.asked(select(Order.shipped).where(Order.id == saved.id))


def test_a_message_that_is_delivered_when_the_row_is_gone(running: Shop, saved: Order) -> None:
    with running.engine.begin() as connection:
        connection.execute(delete(Order).where(Order.id == saved.id))

    with pytest.raises(Exception, match=rf"no row for Order \({saved.id},\)"):
        result(running.tasks.ship.send(saved))
