"""What the Celery worker does: ``celery -A app.tasks worker``, with ``STOREFRONT_BROKER_URL``.

Without a broker the tasks run in the process that sends them.
"""

from __future__ import annotations

import logging
import os

from celery import Celery

from app.database import WorkerSession
from app.warehouse import find_order, find_product, mark_shipped

logger = logging.getLogger(__name__)

broker = os.environ.get("STOREFRONT_BROKER_URL")
celery = Celery("storefront", broker=broker or "memory://")
celery.conf.task_always_eager = broker is None


@celery.task
def send_parcel(order_id: int) -> None:
    order = mark_shipped(order_id)
    logger.info("order %s has left the house", order.id)  # mistake: OL101 read-after-commit-and-close


@celery.task
def cancel(order_id: int) -> None:
    order = find_order(order_id)
    with WorkerSession() as session:
        session.refresh(order)  # mistake: OL701 refresh-of-foreign-object
        if order.status == "open":
            order.status = "cancelled"
            session.commit()


@celery.task
def count_stock(product_id: int, counted: int) -> None:
    product = find_product(product_id)
    with WorkerSession() as session:
        session.merge(product)  # mistake: OL703 merge-result-ignored
        product.stock = counted
        session.commit()
