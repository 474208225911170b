"""The application that real workers run: ``celery -A tests.integrations.celery_worker worker``.

The environment says where its broker, its results and its database are.
"""

from __future__ import annotations

import os
import time
from typing import Any

import celery
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session, object_session, sessionmaker

from outlive.integrations.celery import delay_on_commit, explain_failures, protect, task_session
from tests.integrations import queue_orders
from tests.integrations.queue_orders import Base, Letter, Order

VISIBLE_AFTER = 2
"""Seconds until a worker that starts takes over what Redis has given to one that is gone; RabbitMQ knows at once."""


def application() -> Any:
    made = celery.Celery("orders", broker=os.environ["ORDERS_BROKER"], backend=os.environ["ORDERS_RESULTS"])
    made.conf.update(
        task_default_queue=os.environ["ORDERS_QUEUE"],
        result_expires=60,
        broker_connection_retry_on_startup=True,
        # Of RabbitMQ, and of Redis.
        broker_transport_options={"confirm_publish": True, "visibility_timeout": VISIBLE_AFTER},
        worker_prefetch_multiplier=1,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        task_publish_retry_policy={"max_retries": 3},
    )
    return made


engine = create_engine(os.environ["ORDERS_DATABASE"])
SessionLocal = sessionmaker(engine)
app = application()
protect(app, Base, mode="reference", session=SessionLocal)
explain_failures()

# A pool that the workers of the prefork pool inherit: they must not use these connections.
with engine.connect() as connection:
    connection.exec_driver_sql("select 1")


@app.task(shared=False)
def statuses(orders: list[Order], letter: Letter) -> dict[str, Any]:
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    is_own = all(object_session(order) is task_session() for order in orders)
    return {"statuses": [order.status for order in orders], "text": letter.text, "own": is_own, "asked": len(asked)}


@app.task(shared=False)
def backend_of(_: None = None) -> int:
    """The connection to the database, by the number that PostgreSQL has given it."""
    time.sleep(0.05)
    return int(task_session().connection().exec_driver_sql("select pg_backend_pid()").scalar_one())


@app.task(shared=False)
def meet(order: Order) -> list[Any]:
    """A number of its session, and whether it was the same all the time that others ran."""
    session = task_session()
    time.sleep(0.5)
    return [id(session), object_session(order) is session is task_session()]


@app.task(shared=False)
def fail_after(order: Order) -> None:
    order.status = "lost"
    task_session().flush()
    raise ZeroDivisionError


@app.task(shared=False, bind=True, max_retries=3)
def ship_at_third_attempt(self: Any, order: Order) -> list[Any]:
    before = order.status
    order.status = "shipped"
    task_session().flush()
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return [before, self.request.retries]


@app.task(shared=False, acks_late=True, reject_on_worker_lost=True)
def ship(order: Order, seconds: float = 0, mark: str | None = None, before_commit: bool = True) -> None:
    queue_orders.ship(task_session(), order, seconds, mark, before_commit)


@app.task(shared=False)
def ship_acknowledged_early(order: Order, mark: str) -> None:
    queue_orders.ship(task_session(), order, 0, mark, before_commit=True)


@app.task(shared=False)
def find(key: int) -> Order | None:
    return task_session().get(Order, key)


@app.task(shared=False)
def read_after_close() -> str:
    with SessionLocal() as session:
        order = session.get(Order, 1)
        session.commit()
    return order.status


def send_on_commit(session: Session, order: Order, seconds: float) -> None:
    delay_on_commit(session, ship, order, seconds)


def send(order: Order, *more: object) -> Any:
    return ship.delay(order, *more)


def waiting() -> int:
    """How many messages wait for a worker, or were taken and not acknowledged by one that is gone."""
    name = os.environ["ORDERS_QUEUE"]
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        if connection.transport.driver_type == "redis":
            return int(channel.client.llen(name) + channel.client.hlen("unacked"))
        return int(channel.queue_declare(name, passive=True).message_count)


def close() -> None:
    with app.connection_for_write() as connection:
        for name in (os.environ["ORDERS_QUEUE"], os.environ["ORDERS_QUEUE"] + ".reply"):
            connection.default_channel.queue_delete(name)
    app.close()
    engine.dispose()
