"""Advice: "``session.expire(obj, ["price"])`` triggers a single-column reload".  In async code it raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from tests.advice.orders import NEEDS_AWAIT, Order, async_session, failure_of, with_async_engine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine


def test_in_sync_code_expire_triggers_the_reload(engine: Engine) -> None:
    with Session(engine) as session:
        order = session.get(Order, 1)
        session.connection().execute(update(Order.__table__).values(price=12))
        session.expire(order, ["price"])

        assert 12 == order.price


@with_async_engine
async def test_in_async_code_the_read_raises(engine: AsyncEngine) -> None:
    async with async_session(engine) as session:
        order = await session.get(Order, 1)
        session.expire(order, ["price"])

        assert "A-1" == order.number
        assert NEEDS_AWAIT == failure_of(lambda: order.price)


@with_async_engine
async def test_in_async_code_refresh_reloads_the_column(engine: AsyncEngine) -> None:
    async with async_session(engine) as session:
        order = await session.get(Order, 1)
        await (await session.connection()).execute(update(Order.__table__).values(price=12, number="A-2"))
        await session.refresh(order, ["price"])

        assert (12, "A-1") == (order.price, order.number)
