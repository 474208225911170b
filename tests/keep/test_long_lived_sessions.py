"""A cycle of work begins with everything fresh, in one statement per class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, delete, inspect, select, update
from sqlalchemy import orm as sqlalchemy_orm
from sqlalchemy.orm import Session, selectinload

import outlive
from outlive import fresh, refresh_all
from tests.store import Customer, Employee, Item, Order, Product, statements


@pytest.fixture(params=[outlive.sessionmaker, sqlalchemy_orm.sessionmaker], ids=["ours", "SQLAlchemy's"])
def worker(engine: Engine, request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session that has read all, and lives on."""
    with request.param(engine)() as session:
        yield session


def others_change_rows(engine: Engine) -> None:
    """On a connection of their own."""
    with Session(engine) as other, other.begin():
        other.execute(update(Order).values(state="paid"))
        other.execute(update(Product).values(price=99))
        other.execute(update(Employee).values(name="new"))
        other.execute(delete(Item).where(Item.order_id == 3, Item.position == 2))


def everything(session: Session) -> list[Any]:
    orders = session.scalars(select(Order).order_by(Order.id).options(selectinload(Order.items))).all()
    others = [obj for mapped in (Product, Customer, Employee) for obj in session.scalars(select(mapped))]
    return [*orders, *(item for order in orders for item in order.items), *others]


@pytest.mark.parametrize("end", [Session.commit, Session.rollback])
def test_a_cycle_begins_with_one_statement_per_class(end: Callable[[Session], None], engine: Engine, worker: Session):
    held = everything(worker)
    end(worker)
    others_change_rows(engine)

    with statements(engine) as sent:
        left = refresh_all(worker, worker.identity_map.values(), missing="skip")
        states = {order.state for order in left if isinstance(order, Order)}
        prices = {product.price for product in left if isinstance(product, Product)}
        names = {person.name for person in left if isinstance(person, Employee)}

    # Orders, items, products, the customer, and three classes of employees.
    assert 7 == len(sent)
    assert ({"paid"}, {99}, {"new"}) == (states, prices, names)
    assert [(3, 2)] == [inspect(obj).identity for obj in held if obj not in left]


def test_left_to_themselves_expired_objects_cost_one_statement_each(engine: Engine):
    with Session(engine) as worker:
        orders = list(worker.scalars(select(Order)))
        worker.commit()
        with statements(engine) as sent:
            assert {"new"} == {order.state for order in orders}

    assert len(orders) == len(sent)


def test_what_nobody_refers_to_is_not_read(engine: Engine, worker: Session):
    orders = list(worker.scalars(select(Order).order_by(Order.id)))
    worker.commit()
    del orders[1:]

    with statements(engine) as sent:
        assert orders == refresh_all(worker, worker.identity_map.values())
    assert 1 == sent[0].count("?") + sent[0].count("%(")


def test_each_cycle_sees_what_happened_since_the_last(engine: Engine, worker: Session):
    orders = list(worker.scalars(select(Order)))
    seen = []
    for state in ("paid", "sent", "done"):
        worker.commit()
        with Session(engine) as other, other.begin():
            other.execute(update(Order).values(state=state))
        refresh_all(worker, orders)
        seen.append({order.state for order in orders})

    assert [{"paid"}, {"sent"}, {"done"}] == seen


def test_one_value_is_asked_for_while_the_work_goes_on(engine: Engine, worker: Session):
    product = worker.get(Product, UUID(int=1))
    name = product.name
    prices = []
    for price in (1, 2):
        worker.commit()
        with Session(engine) as other, other.begin():
            other.execute(update(Product).values(price=price))
        prices.append(fresh(worker, product, Product.price))

    assert ([1, 2], name) == (prices, product.name)


def test_two_workers_share_their_jobs(engine: Engine):
    if engine.dialect.name == "sqlite":
        pytest.skip("locks no rows")
    with Session(engine) as first, Session(engine) as second:
        jobs = {worker: list(worker.scalars(select(Order).order_by(Order.id))) for worker in (first, second)}
        for worker in jobs:
            worker.commit()
        taken = refresh_all(first, jobs[first][:2], with_for_update={"skip_locked": True}, missing="skip")
        left = refresh_all(second, jobs[second], with_for_update={"skip_locked": True}, missing="skip")

        assert ([1, 2], [3]) == ([order.id for order in taken], [order.id for order in left])
