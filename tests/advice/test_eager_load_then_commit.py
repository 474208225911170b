"""Advice: "``selectinload``, then ``commit()``, then return: ``order.items`` is safe".  Not by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, inspect, select
from sqlalchemy.orm import Session, joinedload, selectinload

from tests.advice.orders import DETACHED, NEEDS_AWAIT, Order, async_session, failure_of, with_async_engine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine


@pytest.mark.parametrize("load", [selectinload, joinedload])
@pytest.mark.parametrize("attribute", ["items", "number", "id"])
def test_commit_expires_what_was_loaded_eagerly(engine: Engine, load: type[selectinload], attribute: str) -> None:
    with Session(engine) as session:
        order = session.scalars(select(Order).options(load(Order.items))).unique().one()
        session.commit()

        assert attribute in inspect(order).unloaded

    assert DETACHED == failure_of(lambda: getattr(order, attribute))


def test_it_holds_with_expire_on_commit_false(engine: Engine) -> None:
    with Session(engine, expire_on_commit=False) as session:
        order = session.scalars(select(Order).options(selectinload(Order.items))).one()
        session.commit()

    assert 2 == len(order.items)


def test_it_holds_for_what_was_taken_before_the_commit(engine: Engine) -> None:
    with Session(engine) as session:
        order = session.scalars(select(Order).options(selectinload(Order.items))).one()
        names = sorted(item.name for item in order.items)
        session.commit()

    assert ["bulb", "lamp"] == names


@with_async_engine
async def test_in_async_code_it_fails_even_before_close(engine: AsyncEngine) -> None:
    async with async_session(engine) as session:
        order = (await session.scalars(select(Order).options(selectinload(Order.items)))).one()
        await session.commit()

        assert NEEDS_AWAIT == failure_of(lambda: order.items)
    assert DETACHED == failure_of(lambda: order.items)


@with_async_engine
async def test_in_async_code_it_holds_with_expire_on_commit_false(engine: AsyncEngine) -> None:
    async with async_session(engine, expire_on_commit=False) as session:
        order = (await session.scalars(select(Order).options(selectinload(Order.items)))).one()
        await session.commit()

    assert 2 == len(order.items)
