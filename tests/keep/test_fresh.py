"""One value of one object, as the database has it now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, delete, select, text, update
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.exc import UnmappedInstanceError

from outlive import MissingRowsError, ObjectStateError, fresh
from tests.store import Address, Customer, Employee, Engineer, Item, Manager, Order, Product, product_tag, statements


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """Which expires nothing: what is fresh comes from a statement."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture
def product(session: Session) -> Product:
    """Loaded, then changed by another connection."""
    product = session.get(Product, UUID(int=1))
    session.commit()
    with Session(session.get_bind()) as other, other.begin():
        other.execute(update(Product).values(price=99, name="new"))
    return product


def test_it_returns_the_value_of_now_and_the_object_has_it(engine: Engine, session: Session, product: Product):
    with statements(engine) as sent:
        assert 99 == fresh(session, product, Product.price)
        assert 99 == product.price

    assert 1 == len(sent)
    assert sent[0].startswith("SELECT product.price")


def test_other_attributes_stay_what_they_are(session: Session, product: Product):
    product.colour = None

    fresh(session, product, Product.price)

    assert "product 1" == product.name
    assert session.is_modified(product)


def test_an_expired_and_a_deferred_column_are_read(engine: Engine, session: Session):
    order = session.get(Order, 1)
    session.expire(order)

    with statements(engine) as sent:
        assert ("note 1", "new") == (fresh(session, order, Order.notes), fresh(session, order, Order.state))

    assert 2 == len(sent)


def test_a_composite(session: Session):
    customer = session.get(Customer, 1)
    assert customer.address
    session.execute(text("UPDATE customer SET city = 'Paris'"))

    assert Address("Main Street", "Paris") == fresh(session, customer, Customer.address)


def test_a_relationship(session: Session):
    order = session.get(Order, 1)
    assert 2 == len(order.items)
    session.execute(text("DELETE FROM item WHERE position = 1"))

    assert [2] == [item.position for item in fresh(session, order, Order.items)]


def test_a_reference_is_that_of_the_foreign_key_of_now(session: Session):
    order = session.scalars(select(Order).options(selectinload(Order.customer)).limit(1)).one()
    session.add(bob := Customer(name="Bob"))
    session.flush()
    session.execute(text(f"UPDATE orders SET customer_id = {bob.id}"))

    assert bob is fresh(session, order, Order.customer)


def test_a_change_that_is_not_flushed_is_refused(session: Session, product: Product):
    product.price = 5

    with pytest.raises(ObjectStateError, match=r"Product .* of price"):
        fresh(session, product, Product.price)

    assert 5 == product.price


def test_a_row_that_is_gone_is_reported(session: Session):
    order = session.scalars(select(Order).options(selectinload(Order.items)).limit(1)).one()
    session.execute(delete(Item))
    session.execute(text("DELETE FROM orders"))

    for attribute in (Order.state, Order.items, Order.customer):
        with pytest.raises(MissingRowsError, match=r"Order \(1,\)") as caught:
            fresh(session, order, attribute)
        assert (order,) == caught.value.missing


def test_an_attribute_of_another_class_is_an_error(session: Session, product: Product):
    engineer = session.get(Engineer, 2)

    with pytest.raises(ArgumentError, match=r"Order\.state is no attribute of Product"):
        fresh(session, product, Order.state)
    with pytest.raises(ArgumentError, match=r"Manager\.budget is no attribute of Engineer"):
        fresh(session, engineer, Manager.budget)
    assert "engineer 2" == fresh(session, engineer, Employee.name)


NO_OBJECTS: list[tuple[Callable[[Product], object], str]] = [
    (lambda _: None, "got None"),
    (lambda _: Product, "got the class Product"),
    (lambda product: [product], "expected mapped objects"),
]


@pytest.mark.parametrize(("given", "message"), NO_OBJECTS)
def test_what_is_no_mapped_object_is_refused(
    given: Callable[[Product], object], message: str, session: Session, product: Product
):
    with pytest.raises(UnmappedInstanceError, match=message):
        fresh(session, given(product), Product.price)


def test_an_object_without_this_session_is_refused(session: Session, product: Product):
    session.expunge(product)

    with pytest.raises(ObjectStateError, match=r"Product .* is detached"):
        fresh(session, product, Product.price)


@pytest.mark.parametrize("name", ["price", None])
def test_a_name_is_no_attribute(name: Any, session: Session, product: Product):
    with pytest.raises(ArgumentError, match=r"such as Order\.items"):
        fresh(session, product, name)


def test_a_product_without_its_row(session: Session, product: Product):
    session.execute(delete(product_tag))
    session.execute(update(Item).values(product_id=None))
    session.execute(text("DELETE FROM product"))

    with pytest.raises(MissingRowsError, match="Product"):
        fresh(session, product, Product.price)
