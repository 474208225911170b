"""A store with every kind of mapping that objects can have: for tests of what is kept.

Keys of one and of two columns, a UUID key, a version counter, values that the database computes, a deferred column, a
``composite()``, a self-referential and a many-to-many relationship, inheritance with tables of its own and without,
every loader strategy, an imperative mapping and one with ``MappedAsDataclass``.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID, uuid4

from sqlalchemy import JSON, Column, Engine, ForeignKey, Integer, Numeric, String, Table, event, func
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    MappedAsDataclass,
    Session,
    WriteOnlyMapped,
    composite,
    mapped_column,
    relationship,
)


class Base(DeclarativeBase):
    """The registry of the whole store."""


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Address:
    street: str | None
    city: str | None


product_tag = Table(
    "product_tag",
    Base.metadata,
    Column("product_id", ForeignKey("product.id"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id"), primary_key=True),
)


class Customer(Base):
    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    street: Mapped[str | None] = mapped_column(String(50))
    city: Mapped[str | None] = mapped_column(String(50))
    address: Mapped[Address] = composite("street", "city")
    settings: Mapped[dict[str, Any] | None] = mapped_column(MutableDict.as_mutable(JSON()))
    orders: Mapped[list[Order]] = relationship(back_populates="customer", order_by="Order.id")
    events: WriteOnlyMapped[Event] = relationship()
    visits: DynamicMapped[Visit] = relationship()


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()
    state: Mapped[str] = mapped_column(String(20), server_default="new")
    total: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    placed_at: Mapped[datetime | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    notes: Mapped[str | None] = mapped_column(String(200), deferred=True)
    secret: Mapped[str | None] = mapped_column(String(50), deferred=True, deferred_raiseload=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    customer: Mapped[Customer | None] = relationship(back_populates="orders")
    items: Mapped[list[Item]] = relationship(
        back_populates="order", order_by="Item.position", cascade="all, delete-orphan"
    )
    guarded_items: Mapped[list[Item]] = relationship(viewonly=True, lazy="raise")
    invoice: Mapped[Invoice | None] = relationship(back_populates="order", uselist=False)

    __mapper_args__: ClassVar = {"version_id_col": version}


class Item(Base):
    __tablename__ = "item"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    quantity: Mapped[int] = mapped_column(default=1)
    product_id: Mapped[UUID | None] = mapped_column(ForeignKey("product.id"))
    order: Mapped[Order] = relationship(back_populates="items")
    product: Mapped[Product | None] = relationship()


class Invoice(Base):
    __tablename__ = "invoice"

    id: Mapped[int] = mapped_column(primary_key=True)
    due: Mapped[date | None]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    order: Mapped[Order | None] = relationship(back_populates="invoice")


class Product(Base):
    __tablename__ = "product"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(String(50))
    price: Mapped[int] = mapped_column(default=10)
    colour: Mapped[Colour | None]
    picture: Mapped[bytes | None]
    tags: Mapped[list[Tag]] = relationship(secondary=product_tag, back_populates="products", order_by="Tag.name")


class Tag(Base):
    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    products: Mapped[list[Product]] = relationship(secondary=product_tag, back_populates="tags")


class Event(Base):
    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(String(50))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))


class Visit(Base):
    __tablename__ = "visit"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))


class Employee(Base):
    """Joined-table inheritance, and a hierarchy of its own rows."""

    __tablename__ = "employee"

    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(50))
    boss_id: Mapped[int | None] = mapped_column(ForeignKey("employee.id"))
    boss: Mapped[Employee | None] = relationship(back_populates="reports", remote_side="Employee.id")
    reports: Mapped[list[Employee]] = relationship(back_populates="boss", order_by="Employee.id")

    __mapper_args__: ClassVar = {"polymorphic_on": "type", "polymorphic_identity": "employee"}


class Manager(Employee):
    __tablename__ = "manager"

    id: Mapped[int] = mapped_column(ForeignKey("employee.id"), primary_key=True)
    budget: Mapped[int] = mapped_column(default=0)
    touched: Mapped[datetime | None] = mapped_column(onupdate=func.now())

    __mapper_args__: ClassVar = {"polymorphic_identity": "manager"}


class Engineer(Employee):
    """Of a single table with its parent."""

    language: Mapped[str | None] = mapped_column(String(20))

    __mapper_args__: ClassVar = {"polymorphic_identity": "engineer"}


class Shelf(Base):
    """Eager by its mapping, one strategy each."""

    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(20))
    by_selectin: Mapped[list[Box]] = relationship(lazy="selectin", viewonly=True)
    by_join: Mapped[list[Box]] = relationship(lazy="joined", viewonly=True)
    by_subquery: Mapped[list[Box]] = relationship(lazy="subquery", viewonly=True)
    at_once: Mapped[list[Box]] = relationship(lazy="immediate", viewonly=True)
    boxes: Mapped[list[Box]] = relationship(back_populates="shelf")


class Box(Base):
    __tablename__ = "box"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(20))
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shelf.id"))
    shelf: Mapped[Shelf | None] = relationship(back_populates="boxes")


class Coupon(MappedAsDataclass, Base, unsafe_hash=True):
    __tablename__ = "coupon"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    code: Mapped[str] = mapped_column(String(20))
    used_at: Mapped[datetime | None] = mapped_column(default=None, onupdate=func.now())


class Supplier:
    """Mapped imperatively."""

    def __init__(self, name: str) -> None:
        self.name = name


supplier = Table(
    "supplier",
    Base.metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(50)),
    Column("rank", Integer, server_default="0", onupdate=func.coalesce(1, 0)),
)
Base.registry.map_imperatively(Supplier, supplier)


def fill(session: Session, orders: int = 3) -> None:
    """One customer, orders of two items each, two products with two tags, a manager with three reports, two shelves.

    The database counts the keys, from 1 in the order of this text.
    """
    tags = [Tag(name="new"), Tag(name="sale")]
    products = [
        Product(
            id=UUID(int=n), name=f"product {n}", price=10 * n, colour=Colour.RED, picture=b"\x00\x01", tags=tags[:n]
        )
        for n in (1, 2)
    ]
    customer = Customer(name="Ada", street="Main Street", city="London", settings={"theme": "dark"})
    for number in range(1, orders + 1):
        order = Order(
            customer=customer,
            total=Decimal("12.50"),
            placed_at=datetime(2026, 11, 25, 12, tzinfo=UTC).replace(tzinfo=None),
            notes=f"note {number}",
            secret="hidden",
        )
        order.items = [Item(position=n, quantity=n, product=products[n - 1]) for n in (1, 2)]
    boss = Manager(name="Grace", budget=100)
    session.add_all([customer, boss, Coupon(code="TEN"), Supplier("ACME")])
    session.add_all(Engineer(name=f"engineer {n}", language="python", boss=boss) for n in (2, 3))
    session.add(Employee(name="clerk", boss=boss))
    for number in (1, 2):
        session.add(Shelf(label=f"shelf {number}", boxes=[Box(label=f"box {number}{n}") for n in (1, 2)]))
    session.add(Event(text="signed up", customer_id=None))
    session.commit()


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The SQL that the engine sends within the block, one string per statement."""
    sent: list[str] = []

    def listener(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(" ".join(statement.split()))

    event.listen(engine, "before_cursor_execute", listener)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", listener)
