"""A shop behind FastAPI, for sync and async sessions."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Engine, ForeignKey, UniqueConstraint, func
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

import outlive
from outlive.integrations.fastapi import SessionRoute, lifespan, session_dependency
from tests.databases import Database

ONE_REQUEST = httpx.Limits(max_keepalive_connections=0)
"""Per connection: uvicorn closes that of a request that has raised, and the client may not know yet."""

CLIENT = httpx.Client(timeout=60, limits=ONE_REQUEST)
"""A patient one: the machine may be busy."""


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    # Looked at when the transaction commits.
    __table_args__ = (UniqueConstraint("number", deferrable=True, initially="DEFERRED").ddl_if(dialect="postgresql"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    created: Mapped[datetime] = mapped_column(server_default=func.now())
    items: Mapped[list[Item]] = relationship()


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    name: Mapped[str]


class OrderOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int | None
    number: str
    created: datetime | None


class ItemOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    name: str


class FullOrder(OrderOut):
    items: list[ItemOut]


@dataclass
class Shop:
    """An application, its database, and both ways to get at the rows.

    Attributes:
        app: Without routes; those that are declared with ``app.get`` and the like are ``SessionRoute``s.
        engine: The application's.
        get_session: The dependency.
        rows: Another engine for the same database.
    """

    app: FastAPI
    engine: Engine | AsyncEngine
    get_session: Any
    rows: Engine

    @property
    def is_async(self) -> bool:
        return isinstance(self.engine, AsyncEngine)

    def numbers(self) -> list[str]:
        """Of the orders that are in the database."""
        with self.rows.connect() as connection:
            return list(connection.scalars(Order.__table__.select().with_only_columns(Order.number).order_by(Order.id)))

    @property
    def connections(self) -> int:
        """Those that are in use."""
        return self.engine.pool.checkedout()  # type: ignore[attr-defined]


def factory_for(engine: Engine | AsyncEngine) -> Any:
    return outlive.async_sessionmaker(engine) if isinstance(engine, AsyncEngine) else outlive.sessionmaker(engine)


@contextmanager
def shop_on(database: Database, rows: Database, **options: Any) -> Iterator[Shop]:
    """A shop whose sessions are async where the first database is that of an async driver."""
    pool = {name: options.pop(name, default) for name, default in (("pool_size", 5), ("pool_timeout", 30))}
    pool_class = AsyncAdaptedQueuePool if database.is_async else QueuePool
    engine = database.connect(poolclass=pool_class, max_overflow=0, **pool)
    app = FastAPI(lifespan=lifespan(engine))
    app.router.route_class = options.pop("route_class", SessionRoute)
    looking = rows.connect()
    Base.metadata.create_all(looking)
    try:
        yield Shop(app, engine, session_dependency(factory_for(engine), **options), looking)
    finally:
        looking.dispose()


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address of a server for an application."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="on", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the application did not start")
            time.sleep(0.005)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
