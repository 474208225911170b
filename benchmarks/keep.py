"""What Keep costs beside what people write by hand, on a database in memory or on PostgreSQL.

    python benchmarks/keep.py                        # every row, SQLite in memory
    python benchmarks/keep.py --database postgresql  # at OUTLIVE_TEST_POSTGRES, in a schema of its own
    python benchmarks/keep.py snapshot               # rows whose name begins so
    python benchmarks/keep.py --repeats 25 --json figures.json

Each row measures two ways to the same end, in turn in each round, so that a busy minute falls on both.  Each way begins
with objects of its own; the garbage collector is off while time is taken.  The table has the fastest round of each:
other programs can only add to it.  It is CPU time of this process, which they disturb less than the clock; except where
what is spared are round trips to PostgreSQL, there it is the clock.  Compare the ratio between machines and versions,
not the milliseconds.

The program ends with 1 if a bound is missed, unless ``--quick`` was given, whose figures mean nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import pickle
import platform
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from importlib.metadata import version
from inspect import isawaitable
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import pydantic
from sqlalchemy import Engine, ForeignKey, String, create_engine, event, insert, inspect, make_url, orm, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

from outlive import asyncio as outlive_asyncio
from outlive import audit, ensure_loaded, load_all, reattach_all, reference, refresh_all, sessionmaker, snapshot

DRIVERS = {"sqlite": ("sqlite", "sqlite+aiosqlite"), "postgresql": ("postgresql+psycopg", "postgresql+asyncpg")}
SERVER = os.environ.get("OUTLIVE_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/test")
ORDERS, ARTICLES, QUICK = 1_000, 10_000, 20
"""Objects of a row: those that come from a database, those that are only turned into something else."""


class Base(DeclarativeBase):
    """A shop of ordinary classes: a handful of columns, both directions of a relationship."""


class Customer(Base):
    """A target of many orders."""

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    city: Mapped[str] = mapped_column(String(50))


class Order(Base):
    """What is loaded and read anew."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(String(20))
    total: Mapped[int]
    note: Mapped[str | None] = mapped_column(String(100))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    customer: Mapped[Customer] = relationship()
    items: Mapped[list[Item]] = relationship(back_populates="order", order_by="Item.id")


class Item(Base):
    """Two of each order."""

    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    quantity: Mapped[int]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    order: Mapped[Order] = relationship(back_populates="items")


class Article(Base):
    """Six columns of six types."""

    __tablename__ = "article"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    weight: Mapped[float]
    sold: Mapped[bool]
    made_at: Mapped[datetime]
    price: Mapped[Decimal]


class ArticleOut(pydantic.BaseModel, from_attributes=True):
    """All of it."""

    id: int
    name: str
    weight: float
    sold: bool
    made_at: datetime
    price: Decimal


@dataclass(frozen=True, slots=True)
class Shop:
    """Where to measure, and with how many objects."""

    engine: Engine
    async_engine: AsyncEngine
    orders: int
    articles: int
    repeats: int


@dataclass(frozen=True, slots=True)
class Measured:
    """A row of the table.

    Attributes:
        name: What was measured, beside what.
        figures: Of ours and of theirs, one per round.
        bound: What the ratio must be.
        at_least: Whether ours has to be so many times as fast; else it may cost so many times as much.
        unit: Of the figures.
    """

    name: str
    figures: Sequence[Sequence[float]]
    bound: float
    at_least: bool
    unit: str = "ms"

    @property
    def ratio(self) -> float:
        ours, theirs = map(min, self.figures)
        return theirs / ours if self.at_least else ours / theirs

    @property
    def holds(self) -> bool:
        return self.ratio >= self.bound if self.at_least else self.ratio <= self.bound


Timed: TypeAlias = Callable[[], "Awaitable[object] | object"]
Way: TypeAlias = Callable[[], AbstractAsyncContextManager[Timed]]
"""Prepares, and yields what is to be timed."""


# One function per row.


async def sessionmaker_beside_sqlalchemys(shop: Shop) -> Measured:
    """Small requests: get, change, commit, close."""
    ours = request_way(shop, sessionmaker(shop.engine))
    theirs = request_way(shop, orm.sessionmaker(shop.engine))
    return Measured(
        "sessionmaker beside SQLAlchemy's, requests", await measure(shop, ours, theirs), 1.05, at_least=False
    )


async def refresh_all_beside_a_loop(shop: Shop) -> Measured:
    """What people write."""
    ours = sync_way(shop, refresh_all)
    theirs = sync_way(shop, refresh_each)
    return Measured(
        "refresh_all beside a loop of refresh", await measure(shop, ours, theirs, round_trips=True), 18, at_least=True
    )


async def refresh_all_beside_a_loop_async(shop: Shop) -> Measured:
    """What people write in async code."""
    ours = async_way(shop, outlive_asyncio.refresh_all)
    theirs = async_way(shop, refresh_each_async)
    return Measured(
        "refresh_all beside a loop of refresh, async",
        await measure(shop, ours, theirs, round_trips=True),
        50,
        at_least=True,
    )


async def refresh_all_beside_one_select(shop: Shop) -> Measured:
    """The least that anybody can do: it loses changes, and loaded relationships."""
    ours = sync_way(shop, refresh_all)
    theirs = sync_way(shop, select_anew)
    return Measured(
        "refresh_all beside SELECT ... IN, populate_existing", await measure(shop, ours, theirs), 1.4, at_least=False
    )


async def ensure_loaded_beside_selectinload(shop: Shop) -> Measured:
    """A collection: query and ``ensure_loaded``, beside one query that loads all."""
    ours = query_way(shop, lambda session: query_and_load(session, Order.items))
    theirs = query_way(shop, lambda session: session.scalars(select(Order).options(selectinload(Order.items))).all())
    return Measured(
        "ensure_loaded beside selectinload, one-to-many", await measure(shop, ours, theirs), 1.3, at_least=False
    )


async def ensure_loaded_beside_selectinload_of_a_reference(shop: Shop) -> Measured:
    """A many-to-one, many objects of which lead to the same target."""
    ours = query_way(shop, lambda session: query_and_load(session, Order.customer))
    theirs = query_way(shop, lambda session: session.scalars(select(Order).options(selectinload(Order.customer))).all())
    return Measured(
        "ensure_loaded beside selectinload, many-to-one", await measure(shop, ours, theirs), 1.3, at_least=False
    )


async def ensure_loaded_beside_selectinload_async(shop: Shop) -> Measured:
    """A collection in async code."""
    ours = async_query_way(shop, query_and_load_async)
    theirs = async_query_way(shop, lambda session: session.scalars(select(Order).options(selectinload(Order.items))))
    return Measured("ensure_loaded beside selectinload, async", await measure(shop, ours, theirs), 1.3, at_least=False)


async def audit_beside_unloaded(shop: Shop) -> Measured:
    """What SQLAlchemy has for one object: names without a cause, and with them some that can be read."""
    ours = sync_way(shop, lambda session, _: audit(session))
    theirs = sync_way(shop, unloaded_each)
    return Measured("audit of a session beside unloaded", await measure(shop, ours, theirs), 1, at_least=False)


async def audit_of_objects_beside_unloaded(shop: Shop) -> Measured:
    """The same of a list, each object of which has to be asked whether it is mapped."""
    ours = sync_way(shop, lambda _, orders: audit(orders))
    theirs = sync_way(shop, unloaded_each)
    return Measured("audit of a list beside unloaded", await measure(shop, ours, theirs), 1, at_least=False)


async def reattach_all_beside_a_loop(shop: Shop) -> Measured:
    """What people write for cached objects."""
    ours = cached_way(shop, reattach_all)
    theirs = cached_way(shop, merge_each)
    figures = await measure(shop, ours, theirs, round_trips=True)
    return Measured("reattach_all beside a loop of merge", figures, 8, at_least=True)


async def reattach_all_beside_merge_all(shop: Shop) -> Measured:
    """SQLAlchemy 2.1's own word for it, which sends a SELECT for each object; before 2.1 the loop once more."""
    ours = cached_way(shop, reattach_all)
    theirs = cached_way(shop, merge_all)
    figures = await measure(shop, ours, theirs, round_trips=True)
    return Measured("reattach_all beside merge_all", figures, 8, at_least=True)


async def reattach_all_of_changed_objects_beside_a_loop(shop: Shop) -> Measured:
    """When no copy is like its row: half of the time is SQLAlchemy's merge, in ours too."""
    ours = cached_way(shop, reattach_all, changed=True)
    theirs = cached_way(shop, merge_each, changed=True)
    figures = await measure(shop, ours, theirs, round_trips=True)
    return Measured("reattach_all beside a loop of merge, all changed", figures, 5, at_least=True)


async def reattach_all_beside_a_loop_async(shop: Shop) -> Measured:
    """What people write for cached objects in async code."""
    ours = async_cached_way(shop, outlive_asyncio.reattach_all)
    theirs = async_cached_way(shop, merge_each_async)
    figures = await measure(shop, ours, theirs, round_trips=True)
    return Measured("reattach_all beside a loop of merge, async", figures, 8, at_least=True)


async def load_all_beside_get(shop: Shop) -> Measured:
    """What people write for keys that a message has brought."""
    ours = cached_way(shop, load_references)
    theirs = cached_way(shop, get_each)
    figures = await measure(shop, ours, theirs, round_trips=True)
    return Measured("load_all beside a loop of get", figures, 10, at_least=True)


async def load_all_beside_get_async(shop: Shop) -> Measured:
    """What people write for keys that a message has brought in async code."""
    ours = async_cached_way(shop, load_references_async)
    theirs = async_cached_way(shop, get_each_async)
    figures = await measure(shop, ours, theirs, round_trips=True)
    return Measured("load_all beside a loop of get, async", figures, 10, at_least=True)


async def snapshot_beside_pydantic(shop: Shop) -> Measured:
    """``from_attributes`` of the same columns."""
    ours = detached_way(shop, snapshot)
    theirs = detached_way(shop, validate_each)
    return Measured("snapshot beside pydantic from_attributes", await measure(shop, ours, theirs), 2.5, at_least=True)


async def snapshot_beside_dict(shop: Shop) -> Measured:
    """The least that anybody can do: a copy of ``__dict__``, SQLAlchemy's state included."""
    ours = detached_way(shop, snapshot)
    theirs = detached_way(shop, lambda articles: [dict(article.__dict__) for article in articles])
    return Measured("snapshot beside a copy of __dict__", await measure(shop, ours, theirs), 4, at_least=False)


async def snapshot_into_pydantic(shop: Shop) -> Measured:
    """A schema as shape, which says what is not loaded, beside pydantic alone, which loads it or takes a default."""
    ours = detached_way(shop, lambda articles: snapshot(articles, ArticleOut))
    theirs = detached_way(shop, validate_each)
    return Measured(
        "snapshot into pydantic beside from_attributes", await measure(shop, ours, theirs), 2, at_least=False
    )


async def snapshot_pickled(shop: Shop) -> Measured:
    """The bytes that cross a process boundary."""
    articles = detached_articles(shop)
    sizes = [[len(pickle.dumps(taken)) / 2**20] for taken in (snapshot(articles), articles)]
    return Measured("snapshot pickled beside the objects", sizes, 1, at_least=False, unit="MiB")


ROWS: tuple[Callable[[Shop], Awaitable[Measured]], ...] = (
    sessionmaker_beside_sqlalchemys,
    refresh_all_beside_a_loop,
    refresh_all_beside_a_loop_async,
    refresh_all_beside_one_select,
    ensure_loaded_beside_selectinload,
    ensure_loaded_beside_selectinload_of_a_reference,
    ensure_loaded_beside_selectinload_async,
    audit_beside_unloaded,
    audit_of_objects_beside_unloaded,
    reattach_all_beside_a_loop,
    reattach_all_beside_merge_all,
    reattach_all_of_changed_objects_beside_a_loop,
    reattach_all_beside_a_loop_async,
    load_all_beside_get,
    load_all_beside_get_async,
    snapshot_beside_pydantic,
    snapshot_beside_dict,
    snapshot_into_pydantic,
    snapshot_pickled,
)


# By hand.


def refresh_each(session: Session, orders: Sequence[Order]) -> None:
    for order in orders:
        session.refresh(order)


async def refresh_each_async(session: AsyncSession, orders: Sequence[Order]) -> None:
    for order in orders:
        await session.refresh(order)


def select_anew(session: Session, orders: Sequence[Order]) -> None:
    keys = [order.id for order in orders]
    session.scalars(select(Order).where(Order.id.in_(keys)).execution_options(populate_existing=True)).all()


def query_and_load(session: Session, attribute: Any) -> Sequence[Order]:
    orders = session.scalars(select(Order)).all()
    ensure_loaded(session, orders, attribute)
    return orders


async def query_and_load_async(session: AsyncSession) -> Sequence[Order]:
    orders = (await session.scalars(select(Order))).all()
    await outlive_asyncio.ensure_loaded(session, orders, Order.items)
    return orders


def unloaded_each(session: Session, orders: Sequence[Order]) -> list[set[str]]:  # noqa: ARG001  as the other ways
    return [inspect(order).unloaded for order in orders]


def merge_each(session: Session, orders: Sequence[Order]) -> Sequence[Order]:
    with session.no_autoflush:
        return [session.merge(order) for order in orders]


def merge_all(session: Session, orders: Sequence[Order]) -> Sequence[Order]:
    if version("sqlalchemy").startswith("2.0."):
        return merge_each(session, orders)
    return session.merge_all(orders)


async def merge_each_async(session: AsyncSession, orders: Sequence[Order]) -> Sequence[Order]:
    with session.no_autoflush:
        return [await session.merge(order) for order in orders]


def load_references(session: Session, orders: Sequence[Order]) -> Sequence[Order]:
    return load_all(session, [reference(order) for order in orders])


async def load_references_async(session: AsyncSession, orders: Sequence[Order]) -> Sequence[Order]:
    return await outlive_asyncio.load_all(session, [reference(order) for order in orders])


def get_each(session: Session, orders: Sequence[Order]) -> Sequence[Order | None]:
    return [session.get(Order, order.id) for order in orders]


async def get_each_async(session: AsyncSession, orders: Sequence[Order]) -> Sequence[Order | None]:
    return [await session.get(Order, order.id) for order in orders]


def validate_each(articles: Sequence[Article]) -> Sequence[ArticleOut]:
    return [ArticleOut.model_validate(article) for article in articles]


# What is measured, and how.


def request_way(shop: Shop, factory: orm.sessionmaker[Session]) -> Way:
    """A request for each order."""

    def requests() -> None:
        for number in range(1, shop.orders + 1):
            with factory() as session:
                order = session.get(Order, number)
                assert order is not None
                order.total += 1
                session.commit()

    @asynccontextmanager
    async def way() -> AsyncGenerator[Timed]:
        yield requests

    return way


def sync_way(shop: Shop, work: Callable[[Session, Sequence[Order]], object]) -> Way:
    """Work on loaded orders."""

    @asynccontextmanager
    async def way() -> AsyncGenerator[Timed]:
        with Session(shop.engine) as session:
            orders = session.scalars(select(Order)).all()
            yield lambda: work(session, orders)

    return way


def async_way(shop: Shop, work: Callable[[AsyncSession, Sequence[Order]], Awaitable[object]]) -> Way:
    """Work on loaded orders in async code."""

    @asynccontextmanager
    async def way() -> AsyncGenerator[Timed]:
        async with AsyncSession(shop.async_engine) as session:
            orders = (await session.scalars(select(Order))).all()
            yield lambda: work(session, orders)

    return way


def query_way(shop: Shop, work: Callable[[Session], object]) -> Way:
    """Work that begins with a query."""

    @asynccontextmanager
    async def way() -> AsyncGenerator[Timed]:
        with Session(shop.engine) as session:
            session.connection()
            yield lambda: work(session)

    return way


def async_query_way(shop: Shop, work: Callable[[AsyncSession], Awaitable[object]]) -> Way:
    """Work that begins with a query in async code."""

    @asynccontextmanager
    async def way() -> AsyncGenerator[Timed]:
        async with AsyncSession(shop.async_engine) as session:
            await session.connection()
            yield lambda: work(session)

    return way


def cached_way(shop: Shop, work: Callable[[Session, Sequence[Order]], object], *, changed: bool = False) -> Way:
    """Work on detached orders in a new session."""
    orders = detached_orders(shop, changed=changed)

    @asynccontextmanager
    async def way() -> AsyncGenerator[Timed]:
        with Session(shop.engine) as session:
            session.connection()
            yield lambda: work(session, orders)

    return way


def async_cached_way(shop: Shop, work: Callable[[AsyncSession, Sequence[Order]], Awaitable[object]]) -> Way:
    """Work on detached orders in a new session, in async code."""
    orders = detached_orders(shop)

    @asynccontextmanager
    async def way() -> AsyncGenerator[Timed]:
        async with AsyncSession(shop.async_engine) as session:
            await session.connection()
            yield lambda: work(session, orders)

    return way


def detached_orders(shop: Shop, *, changed: bool = False) -> Sequence[Order]:
    with Session(shop.engine) as session:
        orders = session.scalars(select(Order)).all()
    if changed:
        for order in orders:
            order.status = "changed"
    return orders


def detached_way(shop: Shop, work: Callable[[Sequence[Article]], object]) -> Way:
    """Work on detached articles, as they come out of a query."""
    articles = detached_articles(shop)

    @asynccontextmanager
    async def way() -> AsyncGenerator[Timed]:
        yield lambda: work(articles)

    return way


def detached_articles(shop: Shop) -> Sequence[Article]:
    with Session(shop.engine) as session:
        return session.scalars(select(Article)).all()


async def measure(shop: Shop, *ways: Way, round_trips: bool = False) -> list[list[float]]:
    """Milliseconds of each way, one per round; a first round does not count, in it statements are compiled."""
    clock = time.perf_counter if round_trips and shop.engine.dialect.name == "postgresql" else time.process_time
    figures: list[list[float]] = [[] for _ in ways]
    for turn in range(shop.repeats + 1):
        for way, spent in zip(ways, figures, strict=True):
            async with way() as timed:
                milliseconds = await taken(timed, clock)
            if turn:
                spent.append(milliseconds)
    return figures


async def taken(timed: Timed, clock: Callable[[], float]) -> float:
    gc.collect()
    gc.disable()
    try:
        start = clock()
        kept = timed()
        if isawaitable(kept):
            kept = await kept
        return (clock() - start) * 1000
    finally:
        gc.enable()


# Databases.


@contextmanager
def engines(database: str) -> Generator[tuple[Engine, AsyncEngine]]:
    """Engines of both kinds, for a database of this run alone."""
    sync_driver, async_driver = DRIVERS[database]
    if database == "sqlite":
        yield create_engine(f"{sync_driver}://"), create_async_engine(f"{async_driver}://")
        return
    url, schema = make_url(SERVER), f"benchmark_{uuid4().hex}"
    sync_engine = create_engine(url.set(drivername=sync_driver))
    async_engine = create_async_engine(url.set(drivername=async_driver))
    for engine in (sync_engine, async_engine.sync_engine):

        @event.listens_for(engine, "connect")
        def choose_schema(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute(f"SET search_path TO {schema}")
            cursor.close()
            connection.commit()

    with sync_engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    try:
        yield sync_engine, async_engine
    finally:
        with sync_engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        sync_engine.dispose()


def fill(session: Session, shop: Shop) -> None:
    """Orders of two items each, ten of each customer; articles."""
    Base.metadata.create_all(session.connection())
    customers = [{"id": n, "name": f"customer {n}", "city": "London"} for n in range(1, shop.orders // 10 + 2)]
    orders = [
        {"id": n, "status": "new", "total": n, "note": None, "customer_id": n // 10 + 1}
        for n in range(1, shop.orders + 1)
    ]
    made_at = datetime(2026, 1, 1)
    articles = [
        {"name": f"article {n}", "weight": n / 3, "sold": n % 2 == 0, "made_at": made_at, "price": Decimal(n)}
        for n in range(shop.articles)
    ]
    items = [{"name": f"item {n}", "quantity": n, "order_id": order["id"]} for order in orders for n in (1, 2)]
    session.execute(insert(Customer), customers)
    session.execute(insert(Order), orders)
    session.execute(insert(Item), items)
    session.execute(insert(Article), articles)
    session.commit()


async def run(shop: Shop, rows: Sequence[str]) -> list[Measured]:
    with Session(shop.engine) as session:
        fill(session, shop)
    if shop.engine.dialect.name == "sqlite":
        async with AsyncSession(shop.async_engine) as other:
            await other.run_sync(fill, shop)
    try:
        return [await row(shop) for row in ROWS if row.__name__.startswith(tuple(rows) or "")]
    finally:
        await shop.async_engine.dispose()


def table(measured: Sequence[Measured]) -> str:
    cells = [["", "ours", "theirs", "ratio", "bound", ""]]
    for row in measured:
        bound = f"{'>=' if row.at_least else '<='} {row.bound:g}"
        figures = (f"{min(values):.2f} {row.unit}" for values in row.figures)
        cells.append([row.name, *figures, f"{row.ratio:.2f}", bound, "" if row.holds else "missed"])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; 1 if a bound is missed."""
    asked = parser().parse_args(arguments)
    orders, articles, repeats = (QUICK, QUICK, 1) if asked.quick else (ORDERS, ARTICLES, asked.repeats)
    header = {
        "outlive": version("outlive"),
        "sqlalchemy": version("sqlalchemy"),
        "python": platform.python_version(),
        "database": asked.database,
        "orders": orders,
        "articles": articles,
        "repeats": repeats,
    }
    print(", ".join(f"{name} {value}" for name, value in header.items()))
    with engines(asked.database) as (engine, async_engine):
        measured = asyncio.run(run(Shop(engine, async_engine, orders, articles, repeats), asked.rows))
    print(table(measured))
    if asked.json:
        figures = {**header, "rows": [{**asdict(row), "ratio": row.ratio} for row in measured]}
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0 if asked.quick or all(row.holds for row in measured) else 1


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("rows", nargs="*", metavar="ROW", help="rows whose names begin so (default: all)")
    made.add_argument("--database", choices=DRIVERS, default="sqlite", help="default: sqlite, in memory")
    made.add_argument("--repeats", type=int, choices=range(1, 100), default=7, metavar="N", help="default: 7")
    made.add_argument("--quick", action="store_true", help="few objects, one round: does it run?")
    made.add_argument("--json", type=Path, metavar="FILE", help="write every single figure")
    return made


if __name__ == "__main__":
    sys.exit(main())
