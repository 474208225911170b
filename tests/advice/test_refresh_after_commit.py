"""Advice: "``refresh(obj)`` after the commit".  Relationships only if loaded by the query, or named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session, selectinload

from tests.advice.orders import DETACHED, NEEDS_AWAIT, Item, Order, async_session, failure_of, since, with_async_engine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

loads_lazy_relationships_by_name = since("2.0.4", why="refresh() loads a lazy relationship that is named")


@contextmanager
def selects(engine: Engine) -> Iterator[list[str]]:
    """The SELECT statements that the engine sends in the block."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith("SELECT"):
            sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_columns_come_back(engine: Engine) -> None:
    with Session(engine) as session:
        order = session.get(Order, 1)
        session.commit()
        session.refresh(order)

    assert "A-1" == order.number


def test_a_relationship_does_not(engine: Engine) -> None:
    with Session(engine) as session:
        order = session.get(Order, 1)
        session.commit()
        session.refresh(order)

    assert DETACHED == failure_of(lambda: order.items)


def test_a_relationship_comes_back_that_its_query_loaded(engine: Engine) -> None:
    with Session(engine) as session:
        order = session.scalars(select(Order).options(selectinload(Order.items))).one()
        session.commit()
        session.refresh(order)

    assert 2 == len(order.items)


@loads_lazy_relationships_by_name
def test_a_relationship_comes_back_that_is_named(engine: Engine) -> None:
    with Session(engine) as session:
        order = session.get(Order, 1)
        session.commit()
        session.refresh(order, ["items"])

    assert 2 == len(order.items)


def test_a_relationship_is_dropped_that_had_been_loaded_lazily(engine: Engine) -> None:
    with Session(engine) as session:
        order = session.get(Order, 1)

        assert 2 == len(order.items)

        session.refresh(order)

    assert DETACHED == failure_of(lambda: order.items)


def test_it_costs_one_select_per_object(engine: Engine) -> None:
    with Session(engine) as session:
        items = session.scalars(select(Item)).all()
        session.commit()
        with selects(engine) as sent:
            for item in items:
                session.refresh(item)

    assert len(items) == len(sent)


@with_async_engine
async def test_in_async_code_columns_come_back_and_a_relationship_does_not(engine: AsyncEngine) -> None:
    async with async_session(engine) as session:
        order = await session.get(Order, 1)
        await session.commit()
        await session.refresh(order)

        assert "A-1" == order.number
        assert NEEDS_AWAIT == failure_of(lambda: order.items)


@loads_lazy_relationships_by_name
@with_async_engine
async def test_in_async_code_a_named_relationship_comes_back(engine: AsyncEngine) -> None:
    async with async_session(engine) as session:
        order = await session.get(Order, 1)
        await session.commit()
        await session.refresh(order, ["items"])

        assert 2 == len(order.items)
