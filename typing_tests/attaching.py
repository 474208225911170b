from __future__ import annotations

from typing import assert_type

from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session

import outlive.asyncio
from outlive import reattach, reattach_all


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)


def one(session: Session, scoped: scoped_session[Session], order: Order) -> None:
    assert_type(reattach(session, order), Order)
    assert_type(reattach(scoped, order, missing="insert"), Order)
    assert_type(reattach(session, order, missing="skip"), Order | None)


def many(session: Session, scoped: scoped_session[Session], orders: list[Order]) -> None:
    assert_type(reattach_all(session, orders), list[Order])
    assert_type(reattach_all(scoped, (order for order in orders), missing="skip"), list[Order])
    assert_type(reattach_all(session, {order.id: order for order in orders}.values(), missing="insert"), list[Order])


async def in_async_code(
    session: AsyncSession, scoped: async_scoped_session[AsyncSession], order: Order, orders: list[Order]
) -> None:
    assert_type(await outlive.asyncio.reattach(session, order), Order)
    assert_type(await outlive.asyncio.reattach(scoped, order, missing="skip"), Order | None)
    assert_type(await outlive.asyncio.reattach_all(session, orders), list[Order])
    assert_type(await outlive.asyncio.reattach_all(scoped, orders, missing="insert"), list[Order])
