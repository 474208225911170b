"""An order with a version counter, and a letter without one: what the tasks of the tests work on."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


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
    read: Mapped[int] = mapped_column(default=0)


def fill(engine: Engine) -> None:
    """Ten of each."""
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Order(status="new") for _ in range(10)] + [Letter(text=f"letter {n}") for n in range(10)])
        session.commit()
