from __future__ import annotations

from typing import assert_type

from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, scoped_session

import outlive
import outlive.asyncio
from outlive import ensure_loaded, fresh, refresh_all


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str | None]
    items: Mapped[list[Item]] = relationship(back_populates="order")


class Item(Base):
    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    order: Mapped[Order] = relationship(back_populates="items")


def load(session: Session, scoped: scoped_session[Session], order: Order, orders: list[Order]) -> None:
    ensure_loaded(session, order, Order.note, Order.items)
    ensure_loaded(scoped, orders, (Order.items, Item.order, Order.note), Order.note)
    outlive.ensure_loaded(session, (one for one in orders), Order.items)


def refresh(session: Session, scoped: scoped_session[Session], order: Order, orders: set[Order]) -> None:
    assert_type(refresh_all(session, orders), list[Order])
    assert_type(refresh_all(session, order), list[Order])
    assert_type(refresh_all(scoped, orders, ["note", Order.items], {"nowait": True}), list[Order])
    refresh_all(session, orders, with_for_update=True, dirty="discard", missing="skip")


def read(session: Session, scoped: scoped_session[Session], order: Order, item: Item) -> None:
    assert_type(fresh(session, order, Order.id), int)
    assert_type(fresh(session, order, Order.note), str | None)
    assert_type(fresh(scoped, order, Order.items), list[Item])
    assert_type(fresh(session, item, Item.order), Order)


async def in_async_code(
    session: AsyncSession, scoped: async_scoped_session[AsyncSession], order: Order, orders: list[Order]
) -> None:
    await outlive.asyncio.ensure_loaded(session, orders, Order.note, (Order.items, Item.order))
    assert_type(await outlive.asyncio.refresh_all(session, orders, missing="skip"), list[Order])
    assert_type(await outlive.asyncio.refresh_all(scoped, order, [Order.note], True), list[Order])
    assert_type(await outlive.asyncio.fresh(session, order, Order.note), str | None)
    assert_type(await outlive.asyncio.fresh(scoped, order, Order.items), list[Item])
