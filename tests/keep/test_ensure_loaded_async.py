"""``ensure_loaded`` for an ``AsyncSession``: what is named is read without ``MissingGreenlet``."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import ArgumentError, MissingGreenlet, StatementError
from sqlalchemy.orm import Session

pytest.importorskip("greenlet")

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_scoped_session, async_sessionmaker

from outlive import MissingRowsError, ObjectStateError
from outlive.asyncio import ensure_loaded
from tests.databases import UNAWAITED, Tell, let_go
from tests.store import Customer, Employee, Item, Manager, Order, Product, statements


def test_what_is_named_is_readable_after_a_commit_and_after_the_close(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            orders = list(await session.scalars(select(Order).order_by(Order.id)))
            await session.commit()

            await ensure_loaded(
                session, orders, Order.id, Order.notes, Order.customer, (Order.items, Item.product, Product.tags)
            )

            within = told(orders)
        assert [(1, "note 1", None, 2, 1), (2, "note 2", None, 2, 1), (3, "note 3", None, 2, 1)] == within
        assert within == told(orders)

    def told(orders: list[Order]) -> list[Any]:
        return [
            (order.id, order.notes, order.customer and None, len(order.items), len(order.items[0].product.tags))
            for order in orders
            if order.items[0].product
        ]

    tell(story)


@pytest.mark.filterwarnings(UNAWAITED)
def test_what_is_not_named_is_not_loaded(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            order = await session.get(Order, 1)
            await ensure_loaded(session, order, Order.notes)

            with pytest.raises((MissingGreenlet, StatementError)) as caught:
                order.items  # noqa: B018
            let_go(caught.value)

    tell(story)


def test_each_step_costs_one_statement(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            people = list(await session.scalars(select(Employee)))
            with statements(engine.sync_engine) as sent:
                await ensure_loaded(session, people, Manager.budget, (Employee.reports, Employee.boss))

        assert 2 == len(sent)

    tell(story)


def test_changes_stay_and_nothing_is_flushed(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            order = await session.get(Order, 1)
            order.state = "paid"
            with statements(engine.sync_engine) as sent:
                await ensure_loaded(session, order, Order.items)

            assert ("paid", {order}) == (order.state, set(session.dirty))
        assert ["SELECT"] == [statement.split()[0] for statement in sent]

    tell(story)


def test_ten_thousand_objects(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            await session.execute(insert(Customer), [{"name": str(number)} for number in range(9_999)])
            customers = list(await session.scalars(select(Customer)))
            with statements(engine.sync_engine) as sent:
                await ensure_loaded(session, customers, Customer.orders)

            assert 3 == sum(len(customer.orders) for customer in customers)
        assert 10 == len(sent)

    tell(story)


def test_a_scoped_session_is_a_session(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        registry = async_scoped_session(async_sessionmaker(engine), asyncio.current_task)
        order = (await registry.scalars(select(Order).limit(1))).one()

        await ensure_loaded(registry, order, Order.items)

        assert 2 == len(order.items)
        await registry.remove()

    tell(story)


def test_objects_of_another_session_and_rows_that_are_gone_are_reported(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session, AsyncSession(engine) as other:
            order = await session.get(Order, 1)
            with pytest.raises(ObjectStateError, match="belongs to another session"):
                await ensure_loaded(other, order, Order.items)
            with pytest.raises(ArgumentError, match=r"Item\.product is no attribute of Order"):
                await ensure_loaded(session, order, Item.product)
            await session.run_sync(remove_orders)
            with pytest.raises(MissingRowsError, match=r"Order \(1,\)"):
                await ensure_loaded(session, order, Order.notes)

    tell(story)


def remove_orders(session: Session) -> None:
    session.execute(Item.__table__.delete())
    session.execute(Order.__table__.delete())


@pytest.mark.parametrize("session", [Session(), None])
def test_what_is_no_async_session_is_refused_with_the_remedy(session: Any):
    remedy = "use the same function of outlive" if session else "got NoneType"
    with pytest.raises(TypeError, match=f"expected an AsyncSession .*{remedy}"):
        asyncio.run(ensure_loaded(session, [], Order.items))
