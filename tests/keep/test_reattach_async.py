"""The same through an ``AsyncSession``, where a merge of its own can only be awaited object by object."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.orm.exc import StaleDataError

pytest.importorskip("greenlet")

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_scoped_session, async_sessionmaker

from outlive import MissingRowsError, ObjectStateError
from outlive import reattach as sync_reattach
from outlive.asyncio import reattach, reattach_all
from tests.databases import Tell
from tests.store import Coupon, Customer, Employee, Item, Manager, Order, Product, statements

pytestmark = pytest.mark.filterwarnings("ignore:Dialect sqlite.* does not support updated rowcount")


async def cached(engine: AsyncEngine, class_: type[Any], *options: Any) -> list[Any]:
    async with AsyncSession(engine) as session:
        keys = class_.__mapper__.primary_key
        return list((await session.scalars(select(class_).order_by(*keys).options(*options))).unique())


async def elsewhere(engine: AsyncEngine, *queries: Any) -> None:
    async with engine.begin() as connection:
        for query in queries:
            await connection.execute(query)


def test_cached_objects_come_back_and_can_be_read_without_await(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        orders = await cached(engine, Order, joinedload(Order.customer), selectinload(Order.items))
        async with AsyncSession(engine) as session:
            with statements(engine.sync_engine) as sent:
                found = await reattach_all(session, pickle.loads(pickle.dumps(orders)))

            assert [(1, "Ada", 2), (2, "Ada", 2), (3, "Ada", 2)] == [
                (order.id, order.customer.name, len(order.items)) for order in found
            ]
            assert 4 == len(sent)

    tell(story)


def test_pending_changes_are_carried_over_and_flushed(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        orders = await cached(engine, Order, selectinload(Order.items).selectinload(Item.product))
        orders[0].state = "paid"
        orders[0].items[0].product.name = "changed"
        orders[0].items.append(Item(position=3))
        async with AsyncSession(engine) as session:
            await reattach(session, orders[0])
            await session.commit()
            assert 3 == len((await session.scalars(select(Item).where(Item.order_id == 1))).all())
            assert "paid" == (await session.get(Order, 1)).state
            assert ["changed", "product 2"] == list(await session.scalars(select(Product.name).order_by(Product.id)))

    tell(story)


def test_an_object_of_another_session_stays_there(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as other, AsyncSession(engine) as session:
            boss = await other.get(Employee, 1)
            found = await reattach(session, boss)

            assert boss in other
            assert found in session
            assert (Manager, 100) == (type(found), found.budget)

    tell(story)


def test_a_row_that_is_gone_is_reported_inserted_or_left_out(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        coupons = await cached(engine, Coupon)
        await elsewhere(engine, delete(Coupon))
        async with AsyncSession(engine) as session:
            with pytest.raises(MissingRowsError):
                await reattach_all(session, coupons)
            assert [] == await reattach_all(session, coupons, missing="skip")
            assert None is await reattach(session, coupons[0], missing="skip")
            await reattach(session, coupons[0], missing="insert")
            await session.commit()
            assert ["TEN"] == list(await session.scalars(select(Coupon.code)))

    tell(story)


def test_a_child_that_is_gone_is_reported_or_left_out(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        orders = await cached(engine, Order, selectinload(Order.items))
        await elsewhere(engine, delete(Item).where(Item.order_id == 1, Item.position == 1))
        async with AsyncSession(engine) as session:
            with pytest.raises(MissingRowsError, match=r"Item \(1, 1\)"):
                await reattach_all(session, orders)
            found = await reattach_all(session, orders, missing="skip")
            assert [1, 2, 2] == [len(order.items) for order in found]

    tell(story)


def test_a_row_of_another_version_is_an_error(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        orders = await cached(engine, Order)
        await elsewhere(engine, update(Order).where(Order.id == 2).values(version=5))
        async with AsyncSession(engine) as session:
            with pytest.raises(StaleDataError, match=r"Order \(2,\) has version 5, the copy has version 1"):
                await reattach_all(session, orders)

    tell(story)


def test_what_the_session_has_expired_is_no_obstacle(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        customers = await cached(engine, Customer, selectinload(Customer.orders))
        async with AsyncSession(engine) as session:
            mine = await session.get(Customer, 1)
            await session.commit()
            [found] = await reattach_all(session, customers)

            assert (mine, "Ada", 3) == (found, found.name, len(found.orders))

    tell(story)


def test_a_scoped_session_is_taken(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        sessions = async_scoped_session(async_sessionmaker(engine), asyncio.current_task)
        [coupon] = await cached(engine, Coupon)

        assert await reattach(sessions, coupon) in sessions
        await sessions.remove()

    tell(story)


def test_bad_input_is_refused_as_in_sync_code():
    with pytest.raises(ObjectStateError):
        asyncio.run(reattach(AsyncSession(), Order()))
    with pytest.raises(TypeError, match=r"got AsyncSession: use the same function of outlive\.asyncio"):
        sync_reattach(AsyncSession(), Order())  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="got Session: use the same function of outlive"):
        asyncio.run(reattach(Session(), Order()))  # type: ignore[call-overload]
