"""A shop that loses no task: what is to be sent is a row, committed together with the work.

    celery -A shop worker       # does the work
    python -m shop              # the relay: publishes what is in the outbox

OUTBOX_DATABASE and OUTBOX_BROKER say where.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Any
from uuid import uuid4

from celery import Celery
from sqlalchemy import JSON, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from outlive.integrations.celery import protect, task_session


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    shipped: Mapped[int] = mapped_column(default=0)


class Outbox(Base):
    """A task that is to be sent."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[str] = mapped_column(default=lambda: str(uuid4()))
    task: Mapped[str]
    args: Mapped[list[Any]] = mapped_column(JSON)


class Done(Base):
    """A task that was done: its message may come twice, the work is committed once."""

    __tablename__ = "done"

    task_id: Mapped[str] = mapped_column(primary_key=True)


engine = create_engine(os.environ.get("OUTBOX_DATABASE", "postgresql+psycopg://localhost/shop"))
SessionLocal = sessionmaker(engine)

app = Celery("shop", broker=os.environ.get("OUTBOX_BROKER", "amqp://"))
app.conf.broker_transport_options = {"confirm_publish": True}  # RabbitMQ says that it has each message
app.conf.task_default_queue = os.environ.get("OUTBOX_QUEUE", "shop")
protect(app, Base, session=SessionLocal)


@app.task(bind=True, acks_late=True, reject_on_worker_lost=True)
def ship(self: Any, order_id: int) -> None:
    session = task_session()
    if session.get(Done, self.request.id):
        return
    # Of two at the same time, one meets the primary key.
    session.add(Done(task_id=self.request.id))
    session.get(Order, order_id).shipped += 1


def send(session: Session, task: Any, *args: Any) -> None:
    """Send a task with the commit of a session."""
    session.add(Outbox(task=task.name, args=list(args)))


def place_order() -> int:
    with SessionLocal.begin() as session:
        order = Order()
        session.add(order)
        session.flush()
        send(session, ship, order.id)
        return order.id


def publish(limit: int = 100) -> int:
    """Publish the oldest tasks; several relays may do so at the same time."""
    with SessionLocal.begin() as session:
        query = select(Outbox).order_by(Outbox.id).limit(limit).with_for_update(skip_locked=True)
        rows = session.scalars(query).all()
        for row in rows:
            app.send_task(row.task, row.args, task_id=row.task_id)
            session.delete(row)
        return len(rows)


def main() -> None:
    while True:
        try:
            published = publish()
        except Exception:  # the broker or the database is away: what was not committed is still in the outbox
            logging.exception("the relay tries again")
            published = 0
        if not published:
            time.sleep(0.5)


if __name__ == "__main__":
    main()
