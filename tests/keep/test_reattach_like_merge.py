"""Whatever the copies, what ``reattach_all`` makes the database hold is what a loop of ``merge`` makes it hold."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, joinedload, selectinload, undefer

from outlive import reattach_all
from tests import store
from tests.databases import MEMORY
from tests.store import Customer, Item, Order, Product, Tag

pytestmark = pytest.mark.filterwarnings("ignore:Dialect sqlite.* does not support updated rowcount")

OPTIONS = [
    joinedload(Order.customer),
    selectinload(Order.items),
    selectinload(Order.items).joinedload(Item.product),
    selectinload(Order.items).joinedload(Item.product).selectinload(Product.tags),
    selectinload(Order.invoice),
    undefer(Order.notes),
]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with MEMORY.engine(store) as engine:
        yield engine


def change(order: Order, draw: Callable[[Any], Any]) -> None:
    """Change something that the order has loaded."""
    match draw(
        st.sampled_from(["state", "notes", "forget", "customer", "quantity", "add", "remove", "product", "tags"])
    ):
        case "state":
            order.state = draw(st.sampled_from(["new", "paid"]))
        case "notes":
            order.notes = draw(st.sampled_from(["note 1", "changed", None]))
        case "forget":
            order.__dict__.pop(draw(st.sampled_from(["state", "total", "version", "items", "customer", "notes"])), None)
        case "customer" if "customer" in order.__dict__:
            order.customer = draw(st.sampled_from([order.customer, None, Customer(name="new")]))
        case "add" if "items" in order.__dict__:
            taken = {item.__dict__["position"] for item in order.items}
            order.items.append(Item(position=max(taken, default=0) + 3, quantity=draw(st.integers(0, 3))))
        case "remove" if order.__dict__.get("items"):
            order.items.pop(draw(st.integers(0, len(order.items) - 1)))
        case "quantity" if order.__dict__.get("items"):
            order.items[0].quantity = draw(st.integers(0, 3))
        case "product" if order.__dict__.get("items") and "product" in order.items[0].__dict__:
            new = Product(id=draw(st.sampled_from([uuid.uuid4(), None])), name="new", price=1)
            order.items[0].product = draw(st.sampled_from([None, new]))
        case "tags" if order.__dict__.get("items"):
            product = order.items[0].__dict__.get("product")
            if product is not None and "tags" in product.__dict__:
                product.tags = draw(st.sampled_from([[], product.tags, [*product.tags, Tag(name="new")]]))


def contents(session: Session) -> list[Any]:
    """All that the tables hold, but for what counts updates: a merge sends some that change nothing."""
    session.flush()
    session.expire_all()
    values = (Order.id, Order.state, Order.total, Order.notes, Customer.name)
    queries = [
        select(*values).outerjoin(Order.customer),
        select(Item.order_id, Item.position, Item.quantity, Product.name).outerjoin(Item.product),
        select(Product.name, Tag.name).outerjoin(Product.tags),
        select(Customer.name),
    ]
    return [sorted(map(repr, session.execute(query))) for query in queries]


def merged(session: Session, orders: list[Order]) -> list[Order]:
    with session.no_autoflush:
        return [session.merge(order) for order in orders]


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_the_database_holds_the_same_as_after_a_loop_of_merge(engine: Engine, data: st.DataObject):
    options = data.draw(st.lists(st.sampled_from(OPTIONS), max_size=3))
    held = data.draw(st.sets(st.integers(1, 3)))
    expired = data.draw(st.sets(st.sampled_from(["state", "version", "items", "notes"])))
    with Session(engine) as session:
        orders = list(session.scalars(select(Order).options(*options).order_by(Order.id)).unique())
    for order in data.draw(st.lists(st.sampled_from(orders), max_size=5)):
        change(order, data.draw)

    held_by_all = []
    for take in (merged, reattach_all):
        with Session(engine) as session:
            mine = [session.get(Order, number) for number in held]
            for order in mine[:1] if expired else []:
                session.expire(order, expired)
            found = take(session, orders)
            assert [1, 2, 3] == [order.id for order in found]
            held_by_all.append(contents(session))
            session.rollback()

    assert held_by_all[0] == held_by_all[1]
