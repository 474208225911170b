from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, assert_type

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

import outlive
from outlive import loader_options, reads
from outlive.keep.schemas import Reads


class Base(DeclarativeBase): ...


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int]
    children: Mapped[list[Order]] = relationship()

    @property
    def depth(self) -> int:
        return 1 + max((child.depth for child in self.children), default=0)


@dataclass
class OrderOut:
    id: int
    depth: Annotated[int, reads(Order.children, (Order.children, Order.id))]


def in_a_query(session: Session) -> None:
    query = select(Order).options(*loader_options(Order, OrderOut))
    assert_type(session.scalars(query).all(), Sequence[Order])
    query.options(*outlive.loader_options(Order, list[OrderOut] | None))


def behind_another_option() -> None:
    select(Order).options(selectinload(Order.children).options(*loader_options(Order, OrderOut)))


def with_get(session: Session) -> None:
    assert_type(session.get(Order, 1, options=loader_options(Order, OrderOut)), Order | None)


async def with_get_of_an_async_session(session: AsyncSession) -> None:
    assert_type(await session.get(Order, 1, options=loader_options(Order, OrderOut)), Order | None)


def a_declaration() -> None:
    assert_type(reads(), Reads)
    assert_type(reads(Order.id, (Order.children, Order.children)), Reads)
    reads("children")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    loader_options("Order", OrderOut)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
