"""``refresh_all`` and ``fresh`` for an ``AsyncSession``, where reading an expired attribute is an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session, selectinload

pytest.importorskip("greenlet")

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_scoped_session, async_sessionmaker

import outlive
from outlive import MissingRowsError, ObjectStateError
from outlive.asyncio import fresh, refresh_all
from tests.databases import Tell
from tests.store import Customer, Employee, Item, Manager, Order, Product, statements

# SQLAlchemy said so of every UPDATE with a version counter on SQLite, in its first 2.0 releases.
pytestmark = pytest.mark.filterwarnings("ignore:.*versioning cannot be verified:sqlalchemy.exc.SAWarning")


@asynccontextmanager
async def elsewhere(engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
    """Another connection, which changes rows."""
    async with AsyncSession(engine) as other, other.begin():
        yield other


async def orders_of(session: AsyncSession, *options: Any) -> list[Order]:
    orders = list(await session.scalars(select(Order).order_by(Order.id).options(*options)))
    await session.commit()
    return orders


def test_one_statement_reads_what_a_commit_has_expired(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            orders = await orders_of(session)
            async with elsewhere(engine) as other:
                await other.execute(update(Order).values(state="paid"))

            with statements(engine.sync_engine) as sent:
                found = await refresh_all(session, orders)

            assert (1, orders) == (len(sent), found)
            assert [(1, "paid"), (2, "paid"), (3, "paid")] == [(order.id, order.state) for order in orders]

    tell(story)


@pytest.mark.parametrize("make", [async_sessionmaker, outlive.async_sessionmaker])
def test_each_cycle_begins_with_all_that_the_session_holds(make: Callable[..., Any], tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with make(engine)() as worker:
            orders = list(await worker.scalars(select(Order)))
            products = list(await worker.scalars(select(Product)))
            seen = []
            for state in ("paid", "sent"):
                await worker.commit()
                async with elsewhere(engine) as other:
                    await other.execute(update(Order).values(state=state))
                with statements(engine.sync_engine) as sent:
                    await refresh_all(worker, worker.identity_map.values())
                seen.append((len(sent), {order.state for order in orders}, len({product.name for product in products})))

        assert [(2, {"paid"}, 2), (2, {"sent"}, 2)] == seen

    tell(story)


def test_loaded_collections_stay_and_references_follow_their_foreign_keys(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            orders = await orders_of(session, selectinload(Order.items), selectinload(Order.customer))
            async with elsewhere(engine) as other:
                other.add(bob := Customer(name="Bob"))
                await other.flush()
                await other.execute(update(Order).where(Order.id == 1).values(customer_id=bob.id))

            with statements(engine.sync_engine) as sent:
                await refresh_all(session, orders)

            assert 2 == len(sent)
            assert [2, 2, 2] == [len(order.items) for order in orders]
            assert ["Bob", "Ada", "Ada"] == [order.customer and order.customer.name for order in orders]

    tell(story)


def test_subclasses_cost_one_statement_each(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            people = list(await session.scalars(select(Employee).order_by(Employee.id)))
            await session.commit()
            with statements(engine.sync_engine) as sent:
                await refresh_all(session, people)

            assert 3 == len(sent)
            assert isinstance(people[0], Manager)
            assert 100 == people[0].budget

    tell(story)


def test_changes_are_refused_flushed_or_discarded(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            order = await session.get(Order, 1)
            order.state = "paid"
            with pytest.raises(ObjectStateError, match=r"Order \(1,\) of state"):
                await refresh_all(session, order)
            assert "paid" == order.state
            await refresh_all(session, order, dirty="discard")
            assert "new" == order.state
            order.state = "sent"
            await refresh_all(session, order, dirty="flush")
            assert "sent" == order.state

    tell(story)


def test_rows_that_are_gone_are_reported_or_skipped(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            orders = await orders_of(session)
            async with elsewhere(engine) as other:
                await other.execute(delete(Item).where(Item.order_id == 2))
                await other.execute(delete(Order).where(Order.id == 2))

            assert [orders[0], orders[2]] == await refresh_all(session, orders, missing="skip")
            with pytest.raises(MissingRowsError, match=r"Order \(2,\)"):
                await refresh_all(session, orders)

    tell(story)


def test_names_locks_and_ten_thousand_objects(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            await session.execute(insert(Customer), [{"name": str(number)} for number in range(9_999)])
            customers = list(await session.scalars(select(Customer)))
            with statements(engine.sync_engine) as sent:
                await refresh_all(session, customers, ["name", Customer.city], {"nowait": True})

            assert 10 == len(sent)
            assert ("FOR UPDATE NOWAIT" in sent[0]) == (engine.dialect.name != "sqlite")

    tell(story)


@pytest.mark.parametrize("make", [async_sessionmaker, outlive.async_sessionmaker])
def test_fresh_is_what_expire_and_a_read_are_in_sync_code(make: Callable[..., Any], tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with make(engine, expire_on_commit=False)() as session:
            product = await session.get(Product, UUID(int=1))
            await session.commit()
            async with elsewhere(engine) as other:
                await other.execute(update(Product).values(price=99, name="new"))

            assert 99 == await fresh(session, product, Product.price)
            assert (99, "product 1") == (product.price, product.name)
            assert ["new"] == [tag.name for tag in await fresh(session, product, Product.tags)]

    tell(story)


def test_fresh_refuses_a_change_and_reports_a_row_that_is_gone(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        async with AsyncSession(engine) as session:
            order = await session.get(Order, 1)
            order.state = "paid"
            with pytest.raises(ObjectStateError, match="of state"):
                await fresh(session, order, Order.state)
            await session.run_sync(remove_orders)
            with pytest.raises(MissingRowsError, match=r"Order \(1,\)"):
                await fresh(session, order, Order.total)

    tell(story)


def remove_orders(session: Session) -> None:
    with session.no_autoflush:
        session.execute(Item.__table__.delete())
        session.execute(Order.__table__.delete())


def test_a_scoped_session_is_a_session(tell: Tell):
    async def story(engine: AsyncEngine) -> None:
        registry = async_scoped_session(async_sessionmaker(engine), asyncio.current_task)
        order = (await registry.scalars(select(Order).limit(1))).one()

        assert [order] == await refresh_all(registry, order)
        assert "new" == await fresh(registry, order, Order.state)
        await registry.remove()

    tell(story)


def test_a_session_is_refused_with_the_remedy():
    for call in (refresh_all(Session(), []), fresh(Session(), Order(), Order.id)):  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"expected an AsyncSession .*use the same function of outlive"):
            asyncio.run(call)
