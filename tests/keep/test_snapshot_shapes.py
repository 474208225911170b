"""A shape of attribute paths: just what it names, and at once the news of what is missing."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, aliased, selectinload, undefer

from outlive import NotLoadedError, snapshot
from tests.keep.museum import Exhibit, Guide
from tests.store import Customer, Employee, Engineer, Item, Manager, Order, Product, statements


@pytest.fixture
def order(session: Session) -> Order:
    items = selectinload(Order.items).selectinload(Item.product)
    return session.scalars(select(Order).options(items, selectinload(Order.customer)).order_by(Order.id)).first()


def test_just_what_is_named_is_taken(order: Order):
    taken = snapshot(order, [Order.id, (Order.items, Item.quantity)])

    assert {"id", "items"} == vars(taken).keys()
    assert [{"quantity": 1}, {"quantity": 2}] == [vars(item) for item in taken.items]


def test_a_relationship_at_the_end_of_a_path_brings_the_columns_of_its_objects(order: Order):
    taken = snapshot(order, [(Order.items, Item.product)])

    assert {"product"} == vars(taken.items[0]).keys()
    assert {"id", "name", "price", "colour", "picture"} == vars(taken.items[0].product).keys()


def test_paths_with_the_same_beginning_are_one(order: Order):
    taken = snapshot(order, [Order.items, (Order.items, Item.product, Product.name)])

    assert {"order_id", "position", "quantity", "product_id", "product"} == vars(taken.items[0]).keys()
    assert {"name": "product 1"} == vars(taken.items[0].product)


@pytest.mark.parametrize("shape", [Order.id, [Order.id], (Order.id,), [(Order.id,)], {Order.id}])
def test_one_path_or_several_may_be_given(order: Order, shape: Any):
    assert {"id": 1} == vars(snapshot(order, shape))


def test_an_iterator_of_paths_is_as_good_as_a_list(order: Order):
    assert {"id": 1} == vars(snapshot(order, (path for path in [Order.id])))


def test_a_tuple_is_a_chain(order: Order):
    assert ["items"] == [*vars(snapshot(order, (Order.items, Item.product)))]


def test_the_identity_comes_along_without_being_named(order: Order):
    taken = snapshot(order, [Order.version])

    assert "<Snapshot Order (1,) version=1>" == repr(taken)
    assert taken != snapshot(Order(version=1), [Order.version])


def test_nothing_may_be_named(order: Order):
    assert {} == vars(snapshot(order, []))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ([Order.notes], r"^Order.notes of Order \(1,\) is not loaded: .*undefer\(Order.notes\)"),
        ([Order.id, Order.invoice], r"^Order.invoice of Order \(1,\) is not loaded: .*selectinload\(Order.invoice\)"),
        ([(Order.items, Item.order)], r"^Item.order of Item \(1, 1\) is not loaded"),
        ([(Order.items, Item.product, Product.tags)], r"^Product.tags of Product \(UUID\(.*\),\) is not loaded"),
    ],
)
def test_what_is_named_and_not_loaded_raises_at_once(order: Order, shape: Any, message: str):
    with pytest.raises(NotLoadedError, match=message):
        snapshot(order, shape)


def test_what_is_named_and_expired_raises_at_once(session: Session, order: Order):
    session.expire(order, ["total"])

    with pytest.raises(NotLoadedError, match=r"^Order.total of Order \(1,\) was expired"):
        snapshot(order, [Order.total])


def test_the_object_that_lacks_it_is_named(session: Session):
    session.scalars(select(Order).where(Order.id == 1).options(undefer(Order.notes))).one()
    orders = session.scalars(select(Order).order_by(Order.id).where(Order.id < 3)).all()
    full = session.scalars(select(Order).where(Order.id == 1).options(undefer(Order.notes))).one()

    with pytest.raises(NotLoadedError, match=r"^Order.notes of Order \(2,\) is not loaded"):
        snapshot([full, *orders], [Order.notes])


def test_what_is_named_and_not_loaded_is_left_out_if_that_was_asked_for(order: Order):
    taken = snapshot(order, [Order.id, Order.notes, (Order.items, Item.order)], unloaded="omit")

    assert {"id", "items"} == vars(taken).keys()
    assert [{}, {}] == [vars(item) for item in taken.items]
    assert not hasattr(taken, "notes")


def test_reading_what_is_not_named_says_so(order: Order):
    taken = snapshot(order, [Order.id, Order.items])

    with pytest.raises(NotLoadedError, match=r"^Order.total is not in the shape of this snapshot: name it there$"):
        taken.total  # noqa: B018
    with pytest.raises(NotLoadedError, match=r"^Item.product is not in the shape"):
        taken.items[0].product  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'totals'"):
        taken.totals  # noqa: B018


def test_an_expired_column_that_is_not_named_does_not_matter(session: Session, order: Order):
    session.expire(order, ["total"])

    assert {"id": 1} == snapshot(order, [Order.id]).to_dict()


def test_no_statement_is_sent(engine: Engine, order: Order):
    with statements(engine) as sent:
        snapshot(order, [Order.id, (Order.items, Item.product)])

    assert [] == sent


def test_a_synonym_names_its_attribute():
    exhibit = Exhibit(name="urn", before=Exhibit(name="jar"))

    taken = snapshot(exhibit, [Exhibit.title, (Exhibit.predecessor, Exhibit.title)])

    assert ("urn", "jar", {"name", "before"}) == (taken.title, taken.before.name, vars(taken).keys())


def test_a_composite_can_be_named(session: Session):
    customer = session.get(Customer, 1)

    assert {"address"} == vars(snapshot(customer, [Customer.address])).keys()


def test_an_attribute_of_a_subclass_means_objects_of_that_subclass():
    staff = [Manager(id=1, budget=5), Engineer(id=2, language="python"), Employee(id=3)]

    taken = snapshot(staff, [Employee.id, Manager.budget, Engineer.language])

    assert [{"id": 1, "budget": 5}, {"id": 2, "language": "python"}, {"id": 3}] == [vars(one) for one in taken]


def test_an_object_at_two_places_of_a_shape_has_two_snapshots():
    boss = Manager(id=1)
    boss.boss = boss

    taken = snapshot(boss, [Employee.id, (Employee.boss, Employee.boss)])

    assert (["id", "boss"], ["boss"]) == ([*vars(taken)], [*vars(taken.boss)])
    assert [1] == [*{taken.id, taken.boss.boss.id}]


def test_sets_and_dicts_of_objects_are_followed():
    exhibit = Exhibit(guides={Guide(id=1, name="Ann"), Guide(id=2, name="Bob")})

    assert {"Ann", "Bob"} == {guide.name for guide in snapshot(exhibit, [(Exhibit.guides, Guide.name)]).guides}


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("items", "expected an attribute of a mapped class, such as Order.items, got 'items'"),
        (["items"], "such as Order.items, got 'items'"),
        ([5], "such as Order.items, got 5"),
        (5, "such as Order.items, got 5"),
        (Order, "such as Order.items, got <class"),
        (dict, "such as Order.items, got <class 'dict'>"),
        ([Order.__table__.c.id], "such as Order.items, got Column"),
        ([Item.quantity], "Item.quantity is no attribute of Order"),
        ([(Order.items, Product.name)], "Product.name cannot follow Order.items, which leads to Item"),
        ([(Order.id, Item.quantity)], "Item.quantity cannot follow Order.id, which is no relationship"),
        ([aliased(Order).id], "expected Order.id itself"),
        ([(Order.customer, Customer.events)], "never holds its objects: select them instead"),
    ],
)
def test_what_is_no_path_from_the_objects_is_refused(order: Order, shape: Any, message: str):
    with pytest.raises(ArgumentError, match=message):
        snapshot(order, shape)
