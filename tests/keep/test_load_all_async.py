"""The same through an ``AsyncSession``."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from outlive import MissingRowsError, Reference, load_all, reference
from tests.databases import Tell
from tests.store import Base, Employee, Item, Order, Product, Shelf, statements

pytest.importorskip("greenlet")

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_scoped_session, async_sessionmaker

import outlive.asyncio


def test_one_reference_is_loaded(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            order = await outlive.asyncio.load(session, Reference(Order, (1,)))

            assert (1, "new") == (order.id, order.state)

    tell(story)


def test_many_references_are_loaded_in_their_order_with_one_select_per_class(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        refs = [Reference(Order, (2,)), Reference(Item, (1, 2)), Reference(Order, (1,)), Reference(Employee, (4,))]
        async with AsyncSession(engine) as session:
            with statements(engine.sync_engine) as sent:
                found = await outlive.asyncio.load_all(session, iter(refs))

            assert [(2,), (1, 2), (1,), (4,)] == [reference(obj).identity for obj in found]
            assert 3 == len(sent)

    tell(story)


def test_what_is_loaded_can_be_read_without_await(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            [boss, shelf] = await outlive.asyncio.load_all(session, [Reference(Employee, (1,)), Reference(Shelf, (1,))])

            assert (100, 2, 2) == (boss.budget, len(shelf.by_selectin), len(shelf.at_once))

    tell(story)


def test_what_a_commit_has_expired_can_be_read_again(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            orders = await outlive.asyncio.load_all(session, [Reference(Order, (n,)) for n in (1, 2)])
            await session.commit()
            again = await outlive.asyncio.load_all(session, [reference(order) for order in orders])

            assert orders == again
            assert ["new", "new"] == [order.state for order in again]

    tell(story)


def test_the_key_of_a_driver_becomes_a_text_and_comes_back(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            ref = reference((await session.scalars(select(Product))).first())

            assert ref == Reference.loads(ref.dumps(), Base)

    tell(story)


def test_missing_rows_and_changed_rows_are_errors(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            await session.execute(update(Order).values(version=2).where(Order.id == 1))

            with pytest.raises(MissingRowsError):
                await outlive.asyncio.load_all(session, [Reference(Order, (77,))])
            with pytest.raises(StaleDataError):
                await outlive.asyncio.load(session, Reference(Order, (1,), version=1))
            [found] = await outlive.asyncio.load_all(
                session, [Reference(Order, (77,)), Reference(Order, (1,), version=1)], missing="skip", version="ignore"
            )
            assert 2 == found.version

    tell(story)


def test_a_scoped_session_is_taken(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        sessions = async_scoped_session(async_sessionmaker(engine), asyncio.current_task)
        order = await outlive.asyncio.load(sessions, Reference(Order, (1,)))

        assert order in sessions
        await sessions.remove()

    tell(story)


def test_each_kind_of_session_is_told_where_its_function_is():
    with pytest.raises(TypeError, match=r"got AsyncSession: use the same function of outlive\.asyncio"):
        load_all(AsyncSession(), [])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="got Session: use the same function of outlive"):
        asyncio.run(outlive.asyncio.load_all(Session(), []))  # type: ignore[arg-type]
