"""The same promises through an ``AsyncSession``, where an expired column fails while the session is still open."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import inspect, select, update
from sqlalchemy.orm import Session

from tests import store
from tests.databases import Database, Tell
from tests.store import Coupon, Order, statements

pytest.importorskip("greenlet")

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_scoped_session
from sqlalchemy.ext.asyncio import async_sessionmaker as sqlalchemys

from outlive import async_sessionmaker

# SQLAlchemy said so of every UPDATE with a version counter on SQLite, in its first 2.0 releases.
pytestmark = pytest.mark.filterwarnings("ignore:.*versioning cannot be verified:sqlalchemy.exc.SAWarning")


@pytest.fixture
def tell(every_async_database: Database) -> Tell:
    return lambda story: every_async_database.tell(story, store)


def test_a_changed_object_is_readable_after_the_commit_and_after_the_close(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with async_sessionmaker(engine)() as session:
            order = await session.get(Order, 1)
            order.total = Order.total + 1
            await session.commit()
            within = (order.state, order.total, order.changed_at)

        assert within == (order.state, order.total, order.changed_at)

    tell(story)


def test_many_changed_rows_cost_one_select(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with async_sessionmaker(engine)() as session:
            session.add_all(Coupon(code=str(number)) for number in range(5))
            await session.commit()
            coupons = (await session.scalars(select(Coupon))).all()
            for coupon in coupons:
                coupon.code += "!"
            with statements(engine.sync_engine) as sent:
                await session.commit()

        assert ["UPDATE", "SELECT"] == [statement.split()[0] for statement in sent]
        assert all(coupon.used_at is not None for coupon in coupons)

    tell(story)


def test_one_changed_row_costs_no_select_where_the_database_returns(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with async_sessionmaker(engine)() as session:
            coupon = await session.get(Coupon, 1)
            coupon.code = "A"
            with statements(engine.sync_engine) as sent:
                await session.commit()

        assert (1 if engine.dialect.update_returning else 2) == len(sent)
        assert coupon.used_at is not None

    tell(story)


def test_begin_and_savepoints_are_no_way_around_it(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        factory = async_sessionmaker(engine)
        async with factory.begin() as session:
            one = await session.get(Coupon, 1)
            one.code = "A"
        async with factory() as session, session.begin():
            two = await session.get(Coupon, 1)
            async with session.begin_nested():
                await session.execute(update(Coupon).values(code=Coupon.code + "!"))
            inside = (two.code, two.used_at is None)

        assert one.used_at is not None
        assert ("A!", False) == inside

    tell(story)


def test_after_a_rollback_the_key_is_readable_without_await(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with async_sessionmaker(engine)() as session:
            order = await session.get(Order, 1)
            await session.rollback()

            assert 1 == order.id
            await session.refresh(order, ["state"])
            assert "new" == order.state

    tell(story)


class Mine(Session):
    """A session class of the user's own."""


class MineAsync(AsyncSession):
    sync_session_class = Mine


@pytest.mark.parametrize("options", [{"class_": MineAsync}, {"sync_session_class": Mine}])
def test_session_classes_of_your_own_stay_what_they_are(tell: Tell, options: dict[str, Any]):
    async def story(engine: AsyncEngine) -> None:
        async with async_sessionmaker(engine, **options)() as session:
            coupon = await session.get(Coupon, 1)
            coupon.code = "A"
            await session.commit()

            assert isinstance(session, options.get("class_", AsyncSession))
            assert isinstance(session.sync_session, Mine)
            assert coupon.used_at is not None

    tell(story)


def test_expire_on_commit_gives_the_behaviour_of_sqlalchemy_back(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with async_sessionmaker(engine)(expire_on_commit=True) as session:
            coupon = await session.get(Coupon, 1)
            await session.commit()

            assert {"id", "code", "used_at"} == inspect(coupon).expired_attributes

    tell(story)


def test_the_factory_is_one_of_sqlalchemy(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        factory: async_sessionmaker[AsyncSession] = async_sessionmaker()
        factory.configure(bind=engine, info={"a": 1})
        async with factory() as session:
            assert isinstance(factory, sqlalchemys)
            assert {"a": 1} == session.info

    tell(story)


def test_it_serves_scoped_sessions(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        session = async_scoped_session(async_sessionmaker(engine), asyncio.current_task)
        coupon = await session.get(Coupon, 1)
        coupon.code = "A"
        await session.commit()
        await session.remove()

        assert coupon.used_at is not None

    tell(story)
