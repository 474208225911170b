from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, assert_type

import msgspec
import pydantic
from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

import outlive
from outlive import Snapshot, snapshot


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    items: Mapped[list[Item]] = relationship()


class Item(Base):
    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))


class OrderOut(pydantic.BaseModel):
    id: int


@dataclass
class OrderData:
    id: int


class OrderStruct(msgspec.Struct):
    id: int


def one(order: Order) -> None:
    assert_type(outlive.snapshot(order), Snapshot[Order])
    assert_type(snapshot(order, unloaded="omit"), Snapshot[Order])
    assert_type(snapshot(order, Order.id), Snapshot[Order])
    assert_type(snapshot(order, (Order.items, Item.id)), Snapshot[Order])
    assert_type(snapshot(order, [Order.id, Order.items, (Order.items, Item.id)]), Snapshot[Order])


def many(orders: Sequence[Order], iterator: Iterator[Order], session: Session) -> None:
    assert_type(snapshot(orders), list[Snapshot[Order]])
    assert_type(snapshot(iterator), list[Snapshot[Order]])
    assert_type(snapshot({1: Order()}.values()), list[Snapshot[Order]])
    assert_type(snapshot(session.scalars(select(Order))), list[Snapshot[Order]])
    assert_type(snapshot(orders, [Order.id], unloaded="omit"), list[Snapshot[Order]])


def into_a_schema(order: Order, orders: list[Order]) -> None:
    assert_type(snapshot(order, OrderOut), OrderOut)
    assert_type(snapshot(orders, OrderOut), list[OrderOut])
    assert_type(snapshot(order, OrderData), OrderData)
    assert_type(snapshot(orders, OrderData, unloaded="omit"), list[OrderData])
    assert_type(snapshot(order, OrderStruct), OrderStruct)


def what_it_can_do(snap: Snapshot[Order]) -> None:
    assert_type(snap.id, Any)
    assert_type(snap.to_dict(), dict[str, Any])
    assert_type(snap.to_json(), str)
    assert_type(snap == object(), bool)
    assert_type({snap}, set[Snapshot[Order]])
