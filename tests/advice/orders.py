"""The orders and items of the published advice, on every database of the matrix."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
import sqlalchemy
from sqlalchemy import Connection, ForeignKey, func, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from tests.databases import Database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

DETACHED = "bhk3"
NEEDS_AWAIT = "xd2s"


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    price: Mapped[int] = mapped_column(default=0)
    note: Mapped[str | None] = mapped_column(deferred=True)
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    items: Mapped[list[Item]] = relationship(back_populates="order")


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    order: Mapped[Order] = relationship(back_populates="items")


def since(version: str, *, why: str) -> pytest.MarkDecorator:
    """Skip with an older SQLAlchemy."""
    return pytest.mark.skipif(numbers(sqlalchemy.__version__) < numbers(version), reason=f"{why} since {version}")


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdigit()]


def fill(connection: Connection) -> None:
    """Create the tables anew, with one order of two items."""
    Base.metadata.drop_all(connection)
    Base.metadata.create_all(connection)
    connection.execute(insert(Order), {"id": 1, "number": "A-1", "price": 10, "note": "fragile"})
    connection.execute(insert(Item), [{"name": "lamp", "order_id": 1}, {"name": "bulb", "order_id": 1}])


def with_async_engine(scenario: Callable[[AsyncEngine], Awaitable[None]]) -> Callable[[Database], None]:
    """Make a coroutine a test that runs on every async database."""

    def test(async_database: Database) -> None:
        async def run() -> None:
            async with async_database.async_engine() as engine:
                async with engine.begin() as connection:
                    await connection.run_sync(fill)
                await scenario(engine)

        asyncio.run(run())

    test.__name__ = scenario.__name__
    test.__module__ = scenario.__module__
    return test


def async_session(engine: AsyncEngine, **options: bool) -> AsyncSession:
    """``AsyncSession(engine, **options)``."""
    from sqlalchemy.ext.asyncio import AsyncSession  # noqa: PLC0415  fails without greenlet

    return AsyncSession(engine, **options)


def failure_of(read: Callable[[], object]) -> str | None:
    """SQLAlchemy's code of the error that a read raises, ``None`` if it raises none."""
    with warnings.catch_warnings():
        # A lazy load in async code drops the coroutine that it could not await.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        try:
            read()
        except SQLAlchemyError as exc:
            return exc.code
        finally:
            gc.collect()
    return None
