"""Objects become references on the way to a task, and objects of its session where they arrive."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, delete, event, update
from sqlalchemy.orm import Session, object_session, scoped_session, sessionmaker
from sqlalchemy.orm.exc import StaleDataError

from outlive import InvalidReferenceError, LiveObjectError, MissingRowsError, Reference, reference, snapshot
from tests import shelf
from tests.integrations.queue_orders import Base, Letter, Order, fill

celery = pytest.importorskip("celery")
kombu = pytest.importorskip("kombu")

from outlive.integrations.celery import protect, task_session  # noqa: E402

# Before SQLAlchemy 2.0.4; the counter is compared all the same.
pytestmark = pytest.mark.filterwarnings("ignore:Dialect sqlite.*rowcount")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'orders.db'}")
    fill(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def selects(engine: Engine) -> list[str]:
    """What the database was asked."""
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    return asked


@pytest.fixture
def app(engine: Engine) -> Iterator[Any]:
    app = celery.Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(task_always_eager=True, task_eager_propagates=True)
    protect(app, Base, mode="reference", session=sessionmaker(engine))
    yield app
    app.close()


@pytest.fixture
def orders(engine: Engine) -> list[Order]:
    """Detached ones."""
    with Session(engine) as session:
        return list(session.query(Order).order_by(Order.id))


def run(app: Any, function: Any, *args: object, **kwargs: object) -> Any:
    """What a task returns."""
    return sent(app, function, *args, **kwargs).get()


def sent(app: Any, function: Any, *args: object, **kwargs: object) -> Any:
    """A task, sent and done."""
    if function.__name__ == "<lambda>":
        function.__name__ = "function"  # Celery compiles its name
    task = app.task(function, shared=False, name=f"task-{uuid4().hex}")
    return task.delay(*args, **kwargs)


def policy(app: Any, engine: Engine, **options: Any) -> None:
    protect(app, Base, mode="reference", session=sessionmaker(engine), **options)


def test_an_object_arrives_loaded_in_the_session_of_the_task(app: Any, orders: list[Order]) -> None:
    def look(order: Order) -> list[object]:
        return [order.id, order.status, object_session(order) is task_session()]

    assert [1, "new", True] == run(app, look, orders[0])


def test_all_arguments_take_one_select_for_each_class(
    app: Any, engine: Engine, orders: list[Order], selects: list[str]
) -> None:
    with Session(engine) as session:
        letters = session.query(Letter).all()
    selects.clear()

    def count(orders: list[Order], more: dict[str, Any], *, letters: Any) -> int:
        return sum(order.shipped for order in orders) + len([letter.text for letter in letters]) + len(more)

    assert 11 == run(app, count, orders, {"one": [orders[0]]}, letters=tuple(letters))
    assert 2 == len(selects)


def test_the_same_row_is_the_same_object(app: Any, orders: list[Order]) -> None:
    def are_same(first: Order, second: list[Order]) -> bool:
        return first is second[0]

    assert run(app, are_same, orders[0], [orders[0]])


def test_a_reference_arrives_loaded_too(app: Any) -> None:
    def status(order: Order) -> str:
        return order.status

    assert "new" == run(app, status, Reference(Order, (1,)))


def test_work_is_committed(app: Any, engine: Engine, orders: list[Order]) -> None:
    def ship(order: Order) -> None:
        order.shipped += 1

    run(app, ship, orders[0])

    with Session(engine) as session:
        assert 1 == session.get(Order, 1).shipped


def test_work_is_rolled_back_by_an_exception(app: Any, engine: Engine, orders: list[Order]) -> None:
    def ship(order: Order) -> None:
        order.shipped += 1
        task_session().flush()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(app, ship, orders[0])

    with Session(engine) as session:
        assert 0 == session.get(Order, 1).shipped


def test_outside_of_a_task_there_is_no_session() -> None:
    with pytest.raises(LookupError, match="session=SessionLocal"):
        task_session()


@pytest.mark.parametrize("how", ["retry", "autoretry"])
def test_each_retry_has_a_session_and_objects_of_its_own(
    app: Any, engine: Engine, orders: list[Order], how: str
) -> None:
    seen: list[tuple[str, int]] = []

    def ship(self: Any, order: Order) -> str:
        seen.append((order.status, id(task_session())))
        held.append(task_session())
        order.status = "shipped"
        if self.request.retries < 2:
            raise self.retry(countdown=0) if how == "retry" else OSError
        return order.status

    held: list[Session] = []
    app.conf.task_eager_propagates = False
    options = {} if how == "retry" else {"autoretry_for": (OSError,), "default_retry_delay": 0, "retry_backoff": 0}
    task = app.task(ship, bind=True, name=f"ship-{how}", shared=False, max_retries=3, **options)

    assert "shipped" == task.delay(orders[0]).get()
    assert ["new"] * 3 == [status for status, _ in seen]
    assert 3 == len({number for _, number in seen})
    assert [False] * 3 == [bool(session.identity_map) or session.in_transaction() for session in held]


def test_a_result_goes_on_as_a_reference(app: Any, orders: list[Order]) -> None:
    def find(key: int) -> Order:
        return task_session().get(Order, key)

    def status(order: Order) -> list[object]:
        return [order.status, object_session(order) is task_session()]

    def statuses(orders: list[Order]) -> list[int]:
        return [order.id for order in orders]

    found, told, all_told = (app.task(function, shared=False) for function in (find, status, statuses))

    assert Reference(Order, (1,), version=1) == found.delay(1).get()
    assert ["new", True] == celery.chain(found.s(1), told.s()).delay().get()
    assert [1, 2] == celery.chord([found.s(1), found.s(2)], all_told.s()).delay().get()


def test_a_row_that_is_gone(app: Any, engine: Engine, orders: list[Order], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)  # a worker in another test's thread sets that of the root
    ran: list[object] = []

    def ship(order: Order | None, other: Order) -> None:
        ran.append((order, other.id))

    with engine.begin() as connection:
        connection.execute(delete(Order).where(Order.id == 1))
    with pytest.raises(MissingRowsError, match=r"no row for Order \(1,\)"):
        run(app, ship, orders[0], orders[1])
    policy(app, engine, missing="skip")
    assert "IGNORED" == sent(app, ship, orders[0], orders[1]).state
    assert "was skipped: no row for Order (1,)" in caplog.text
    assert [] == ran
    policy(app, engine, missing="none")
    run(app, ship, orders[0], orders[1])

    assert [(None, 2)] == ran


def test_a_row_that_has_changed(app: Any, engine: Engine, orders: list[Order]) -> None:
    def ship(order: Order) -> str:
        return order.status

    with engine.begin() as connection:
        connection.execute(update(Order).where(Order.id == 1).values(status="paid", version=2))
    with pytest.raises(StaleDataError, match=r"Order \(1,\) has version 2, the reference has version 1"):
        run(app, ship, orders[0])
    policy(app, engine, changed="skip")
    assert "IGNORED" == sent(app, ship, orders[0]).state
    policy(app, engine, changed="load")

    assert "paid" == run(app, ship, orders[0])


FORGED = {
    '{"reference":1,"class":"os:system","key":[1]}': "no mapped class is 'os:system'",
    '{"reference":1,"class":"tests.integrations.queue_orders:Order","key":["1"]}': "expected int",
    '{"reference":1,"class":"tests.integrations.queue_orders:Order","key":[1,2]}': "has a primary key of 1, not 2",
    '{"reference":1,"class":"tests.shelf:Author","key":[1]}': "no mapped class is 'tests.shelf.Author'",
    "": "truncated",
}


@pytest.mark.parametrize("text", FORGED)
def test_what_a_stranger_has_written_fails_the_task(app: Any, engine: Engine, text: str) -> None:
    def ship(order: Order) -> str:
        raise AssertionError("it does not run")

    def stranger_sends(value: object) -> Any:
        task = app.task(ship, name=uuid4().hex, shared=False)
        body = json.dumps([[{"__type__": "outlive.reference", "__value__": value}], {}])
        args, kwargs = kombu.serialization.loads(body, "application/json", "utf-8")
        app.conf.task_always_eager = False
        return task.apply(args, kwargs, throw=True)

    with pytest.raises(InvalidReferenceError, match=FORGED[text]):
        stranger_sends(text)
    with pytest.raises(InvalidReferenceError, match="the message is refused"):
        stranger_sends({"any": "thing"})


def test_data_of_a_web_form_does_not_become_a_reference(app: Any) -> None:
    payload = {"__type__": "outlive.reference", "__value__": reference.__name__}

    with pytest.raises(InvalidReferenceError, match="imitates outlive"):
        run(app, lambda form: form, {"deep": [payload]})


def test_an_object_that_cannot_be_referred_to_is_refused(app: Any, engine: Engine, orders: list[Order]) -> None:
    @dataclass
    class Parcel:
        order: Order

    for value, why in (
        (Order(status="new"), "transient, not flushed"),
        (Parcel(orders[0]), r"args\[0\].order"),
        ({orders[0]: 1}, "a key"),
    ):
        with pytest.raises(LiveObjectError, match=why):
            run(app, lambda order: None, value)
    with Session(engine) as session:
        order = session.get(Order, 1)
        order.status = "paid"
        with pytest.raises(LiveObjectError, match=r"dirty \(status\)\). .* Commit first"):
            run(app, lambda order: None, order)


def test_without_a_session_the_task_says_so(app: Any, orders: list[Order]) -> None:
    protect(app, Base, mode="reference")

    with pytest.raises(TypeError, match="session=SessionLocal"):
        run(app, lambda order: None, orders[0])


def test_a_scoped_session_is_that_of_the_task_and_is_removed(app: Any, engine: Engine, orders: list[Order]) -> None:
    scoped = scoped_session(sessionmaker(engine))
    protect(app, Base, mode="reference", session=scoped)

    assert run(app, lambda order: object_session(order) is scoped(), orders[0])
    assert not scoped.registry.has()


def test_a_snapshot_arrives_as_one(app: Any, orders: list[Order], selects: list[str]) -> None:
    selects.clear()

    def give(order: Any) -> Any:
        return [type(order).__name__, order.status, order]

    name, status, back = run(app, give, snapshot(orders[0]))
    assert ("Snapshot", "new", snapshot(orders[0])) == (name, status, back)
    assert [] == selects


def test_what_another_application_of_the_process_may_get_is_refused_here(app: Any, engine: Engine) -> None:
    other = celery.Celery("other", broker="memory://", backend="cache+memory://", set_as_current=False)
    other.conf.update(task_always_eager=True, task_eager_propagates=True)
    protect(other, shelf.Base, mode="reference", session=sessionmaker(engine))
    author = shelf.Author(id=1, name="Ursula")
    values = [snapshot(author), Reference(shelf.Author, (1,))]

    assert snapshot(author) == run(other, lambda value: value, values[0])
    for value in values:
        with pytest.raises(InvalidReferenceError, match=r"no mapped class is 'tests\.shelf\.Author'"):
            run(app, lambda value: value, {"deep": [value]})
    other.close()
