"""An order with a version counter, and a letter without one: what the tasks of the tests work on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

ORDERS_BEFORE = 10
"""How many are there when a test begins."""


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str]
    shipped: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  SQLAlchemy's way


class Letter(Base):
    __tablename__ = "letter"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


def fill(engine: Engine) -> None:
    """Ten of each."""
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all(
            [Order(status="new") for _ in range(ORDERS_BEFORE)] + [Letter(text=f"letter {n}") for n in range(10)]
        )
        session.commit()


def ship(
    session: Session, order: Order, seconds: float = 0, mark: str | None = None, before_commit: bool = True
) -> None:
    """Take some time to ship an order; and kill this process once, if there is no mark yet."""
    order.shipped += 1
    time.sleep(seconds)
    if mark is not None and not Path(mark).exists():
        Path(mark).touch()
        if not before_commit:
            session.commit()
        os.kill(os.getpid(), signal.SIGKILL)
