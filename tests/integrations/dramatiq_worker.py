"""The actors that a real worker runs: ``dramatiq tests.integrations.dramatiq_worker``."""

from __future__ import annotations

import logging
import os
from typing import Any

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.middleware import CurrentMessage
from dramatiq.results import Results
from dramatiq.results.backends.redis import RedisBackend
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, object_session, sessionmaker

from outlive.integrations import dramatiq as outlive_dramatiq
from outlive.integrations.dramatiq import protect, task_session
from tests.integrations import queue_orders
from tests.integrations.queue_orders import Base, Order

logging.getLogger("pika").setLevel(logging.CRITICAL)  # it writes a traceback for each attempt to connect
VISIBLE_AFTER = 0
before = dramatiq.get_encoder(), dramatiq.broker.global_broker
engine = create_engine(os.environ["ORDERS_DATABASE"])
SessionLocal = sessionmaker(engine)
broker = RabbitmqBroker(url=os.environ["ORDERS_BROKER"], confirm_delivery=True)
protect(broker, Base, mode="reference", session=SessionLocal)
broker.add_middleware(Results(backend=RedisBackend(url=os.environ["ORDERS_RESULTS"])))
broker.add_middleware(CurrentMessage())
dramatiq.set_broker(broker)
options = {"queue_name": os.environ["ORDERS_QUEUE"], "min_backoff": 10, "max_backoff": 20, "store_results": True}


@dramatiq.actor(max_retries=0, **options)
def statuses(orders: list[Order]) -> list[object]:
    return [[order.status, object_session(order) is task_session()] for order in orders]


@dramatiq.actor(max_retries=3, **options)
def ship_at_third_attempt(order: Order) -> str:
    before = order.status
    order.status = "shipped"
    task_session().flush()
    if CurrentMessage.get_current_message().options.get("retries", 0) < 2:
        raise OSError
    return before


@dramatiq.actor(max_retries=0, **options)
def ship(order: Order, seconds: float = 0, mark: str | None = None, before_commit: bool = True) -> None:
    queue_orders.ship(task_session(), order, seconds, mark, before_commit)


@dramatiq.actor(max_retries=0, **options)
def find(key: int) -> Order:
    return task_session().get(Order, key)


def send_on_commit(session: Session, order: Order, seconds: float) -> None:
    outlive_dramatiq.send_on_commit(session, ship, order, seconds)


def send(order: Order, *more: object) -> Any:
    return ship.send(order, *more)


def waiting() -> int:
    """How many messages wait for a worker."""
    return int(sum(broker.get_queue_message_counts(os.environ["ORDERS_QUEUE"])[:2]))


def close() -> None:
    for name in ("", ".DQ", ".XQ"):
        broker.channel.queue_delete(os.environ["ORDERS_QUEUE"] + name)
    broker.close()
    engine.dispose()
    dramatiq.set_encoder(before[0])
    dramatiq.broker.global_broker = before[1]
