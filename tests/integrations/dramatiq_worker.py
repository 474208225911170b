"""The actors that a real worker runs: ``dramatiq tests.integrations.dramatiq_worker``."""

from __future__ import annotations

import os

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.middleware import CurrentMessage
from dramatiq.results import Results
from dramatiq.results.backends.redis import RedisBackend
from sqlalchemy import create_engine
from sqlalchemy.orm import object_session, sessionmaker

from outlive.integrations.dramatiq import protect, task_session
from tests.integrations.queue_orders import Base, Order

engine = create_engine(os.environ["ORDERS_DATABASE"])
SessionLocal = sessionmaker(engine)
broker = RabbitmqBroker(url=os.environ["ORDERS_BROKER"])
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
def ship(order: Order) -> None:
    order.shipped += 1


@dramatiq.actor(max_retries=0, **options)
def find(key: int) -> Order:
    return task_session().get(Order, key)
