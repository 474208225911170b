"""Advice: "``expire_on_commit=False`` ends it".  It ends expiry by commit, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session, selectinload

from tests.advice.orders import DETACHED, NEEDS_AWAIT, Order, async_session, failure_of, since, with_async_engine

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine


class RefusedError(Exception):
    pass


def test_what_was_loaded_survives_a_commit(engine: Engine) -> None:
    with Session(engine, expire_on_commit=False) as session:
        order = session.scalars(select(Order).options(selectinload(Order.items))).one()
        session.commit()

    assert ("A-1", ["bulb", "lamp"]) == (order.number, sorted(item.name for item in order.items))


def test_it_does_not_survive_a_commit_by_default(engine: Engine) -> None:
    with Session(engine) as session:
        order = session.get(Order, 1)
        session.commit()

    assert DETACHED == failure_of(lambda: order.number)


def test_not_after_a_rollback(engine: Engine) -> None:
    with Session(engine, expire_on_commit=False) as session:
        order = session.get(Order, 1)
        session.rollback()

    assert DETACHED == failure_of(lambda: order.number)


def test_a_rollback_without_a_transaction_expires_nothing(engine: Engine) -> None:
    with Session(engine, expire_on_commit=False) as session:
        order = session.get(Order, 1)
        session.commit()
        session.rollback()

    assert "A-1" == order.number


def test_not_after_a_begin_block_that_raises(engine: Engine) -> None:
    with suppress(RefusedError), Session(engine, expire_on_commit=False) as session, session.begin():
        order = session.get(Order, 1)
        raise RefusedError

    assert DETACHED == failure_of(lambda: order.number)


def test_not_after_a_savepoint_rollback_of_a_changed_object(engine: Engine) -> None:
    with Session(engine, expire_on_commit=False) as session:
        order = session.get(Order, 1)
        with suppress(RefusedError), session.begin_nested():
            order.price = 12
            session.flush()
            raise RefusedError
        session.expunge(order)

    assert DETACHED == failure_of(lambda: order.number)


def test_a_savepoint_rollback_of_a_clean_object_expires_nothing(engine: Engine) -> None:
    with Session(engine, expire_on_commit=False) as session:
        order = session.get(Order, 1)
        with suppress(RefusedError), session.begin_nested():
            raise RefusedError
        session.expunge(order)

    assert "A-1" == order.number


def test_not_for_columns_that_an_update_computes_in_sql(engine: Engine) -> None:
    with Session(engine, expire_on_commit=False) as session:
        order = session.get(Order, 1)
        order.price = 12
        session.commit()

    assert 12 == order.price
    assert DETACHED == failure_of(lambda: order.changed_at)


def test_columns_that_an_insert_computes_in_sql_come_back_with_it(engine: Engine) -> None:
    with Session(engine, expire_on_commit=False) as session:
        order = Order(id=2, number="A-2")
        session.add(order)
        session.commit()

    assert order.changed_at is not None


@since("2.0.36", why="a bulk UPDATE expires what it computes in SQL")
@pytest.mark.parametrize("price", [12, Order.price + 2], ids=["value", "expression"])
def test_not_for_what_a_bulk_update_computes_in_sql(engine: Engine, price: object) -> None:
    with Session(engine, expire_on_commit=False) as session:
        order = session.get(Order, 1)
        session.execute(update(Order).values(price=price))
        session.commit()

    assert 12 == order.price
    assert DETACHED == failure_of(lambda: order.changed_at)


def test_not_for_what_a_bulk_update_sets_to_an_expression_that_python_cannot_evaluate(engine: Engine) -> None:
    with Session(engine, expire_on_commit=False) as session:
        order = session.get(Order, 1)
        session.execute(update(Order).values(price=func.abs(-12)))
        session.commit()

    assert DETACHED == failure_of(lambda: order.price)


def test_not_for_a_relationship_that_was_never_loaded(engine: Engine) -> None:
    with Session(engine, expire_on_commit=False) as session:
        order = session.get(Order, 1)
        session.commit()

    assert DETACHED == failure_of(lambda: order.items)


def test_not_for_a_deferred_column(engine: Engine) -> None:
    with Session(engine, expire_on_commit=False) as session:
        order = session.get(Order, 1)
        session.commit()

    assert DETACHED == failure_of(lambda: order.note)


@with_async_engine
async def test_in_async_code_it_ends_expiry_by_commit(engine: AsyncEngine) -> None:
    async with async_session(engine, expire_on_commit=False) as session:
        order = await session.get(Order, 1)
        await session.commit()

        assert "A-1" == order.number


@with_async_engine
async def test_in_async_code_not_after_a_rollback(engine: AsyncEngine) -> None:
    async with async_session(engine, expire_on_commit=False) as session:
        order = await session.get(Order, 1)
        await session.rollback()

        assert NEEDS_AWAIT == failure_of(lambda: order.number)


@with_async_engine
async def test_in_async_code_not_after_a_begin_block_that_raises(engine: AsyncEngine) -> None:
    async with async_session(engine, expire_on_commit=False) as session:
        with suppress(RefusedError):
            async with session.begin():
                order = await session.get(Order, 1)
                raise RefusedError

        assert NEEDS_AWAIT == failure_of(lambda: order.number)


@with_async_engine
async def test_in_async_code_not_for_columns_that_an_update_computes_in_sql(engine: AsyncEngine) -> None:
    async with async_session(engine, expire_on_commit=False) as session:
        order = await session.get(Order, 1)
        order.price = 12
        await session.commit()

        assert 12 == order.price
        assert NEEDS_AWAIT == failure_of(lambda: order.changed_at)


@with_async_engine
async def test_in_async_code_not_for_what_was_never_loaded(engine: AsyncEngine) -> None:
    async with async_session(engine, expire_on_commit=False) as session:
        order = await session.get(Order, 1)
        await session.commit()

        assert NEEDS_AWAIT == failure_of(lambda: order.items)
        assert NEEDS_AWAIT == failure_of(lambda: order.note)
