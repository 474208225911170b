"""Advice: "``session.merge(cached)`` is safe for a cached object".

Deleted rows rise again, and ``load=False`` takes changes for committed values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, delete, func, inspect, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session

from tests.advice.orders import Item, Order, async_session, with_async_engine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine


def cached(engine: Engine) -> Item:
    with Session(engine) as session:
        return session.get(Item, 1)


def test_a_row_that_was_deleted_meanwhile_is_inserted_again(engine: Engine) -> None:
    item = cached(engine)
    with Session(engine) as session, session.begin():
        session.execute(delete(Item).where(Item.id == 1))

    with Session(engine) as session, session.begin():
        session.merge(item)

    with Session(engine) as session:
        assert "lamp" == session.get(Item, 1).name


def test_without_load_a_changed_object_is_refused(engine: Engine) -> None:
    item = cached(engine)
    item.name = "torch"

    with Session(engine) as session, pytest.raises(InvalidRequestError, match="marked as 'dirty'"):
        session.merge(item, load=False)


def test_without_load_a_changed_object_whose_key_is_there_counts_as_committed(engine: Engine) -> None:
    item = cached(engine)
    item.name = "torch"

    with Session(engine) as session:
        present = session.get(Item, 1)
        merged = session.merge(item, load=False)

        assert merged is present
        assert ("torch", False) == (merged.name, inspect(merged).modified)
        session.commit()

    with Session(engine) as session:
        assert "lamp" == session.get(Item, 1).name


@with_async_engine
async def test_in_async_code_a_deleted_row_is_inserted_again_too(engine: AsyncEngine) -> None:
    async with async_session(engine) as session:
        item = await session.get(Item, 1)
    async with async_session(engine) as session, session.begin():
        await session.execute(delete(Item).where(Item.id == 1))

    async with async_session(engine) as session, session.begin():
        await session.merge(item)

    async with async_session(engine) as session:
        assert 2 == await session.scalar(select(func.count(Item.id)).where(Item.order_id == Order.id))
