from __future__ import annotations

from typing import Any, assert_type

from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session

import outlive.asyncio
from outlive import Reference, load_all, reference


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)


class RushOrder(Order):
    pass


class Item(Base):
    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True)


def make(order: Order) -> None:
    assert_type(reference(order), Reference[Order])
    assert_type(Reference(Order, (1,), version=2), Reference[Order])
    assert_type(reference(order).dumps(), str)
    assert_type(reference(order).class_, type[Order])
    assert_type(reference(order).identity, tuple[Any, ...])


def read(text: str) -> None:
    assert_type(Reference.loads(text, Order), Reference[Order])
    assert_type(Reference.loads(text, Base), Reference[Base])
    assert_type(Reference.loads(text, Base.registry), Reference[Any])


def load(
    session: Session, scoped: scoped_session[Session], ref: Reference[Order], refs: list[Reference[Order]]
) -> None:
    assert_type(ref.load(session), Order)
    assert_type(ref.load(scoped, version="ignore"), Order)
    assert_type(load_all(session, refs), list[Order])
    assert_type(load_all(scoped, (ref for ref in refs), missing="skip", version="ignore"), list[Order])


def a_reference_to_a_subclass_is_one_to_the_class(session: Session, rush: RushOrder, item: Item) -> None:
    refs: list[Reference[Base]] = [reference(rush), reference(item)]
    assert_type(load_all(session, refs), list[Base])


async def in_async_code(
    session: AsyncSession, scoped: async_scoped_session[AsyncSession], refs: set[Reference[Order]]
) -> None:
    for ref in refs:
        assert_type(await outlive.asyncio.load(session, ref), Order)
        assert_type(await outlive.asyncio.load(scoped, ref, version="ignore"), Order)
    assert_type(await outlive.asyncio.load_all(session, refs), list[Order])
    assert_type(await outlive.asyncio.load_all(scoped, refs, missing="skip", version="ignore"), list[Order])
