"""Snapshots are values: equal if class, identity and values are, whatever way they refer to each other."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from outlive import snapshot
from tests.keep.museum import Exhibit, Guide, Note
from tests.store import Customer, Employee, Item, Manager, Order


def test_taken_again_it_is_equal(session: Session):
    order = session.get(Order, 1)

    assert snapshot(order) == snapshot(order)


@pytest.mark.parametrize(
    "other",
    [
        Order(id=2, version=1),
        Order(id=1, version=2),
        Order(id=1),
        Order(id=1, version=1, total=Decimal(1)),
        Customer(id=1),
        Order(id=1, version=1, items=[]),
        Order(id=1, version=1, items=[Item(position=1), Item(position=3)]),
        Order(id=1, version=1, items=[Item(position=2), Item(position=1)]),
        Order(id=1, version=1, items=[Item(position=1)]),
    ],
)
def test_another_value_class_or_relationship_makes_it_another(other: Any):
    assert snapshot(other) != snapshot(Order(id=1, version=1, items=[Item(position=1), Item(position=2)]))


def test_it_is_not_equal_to_what_is_no_snapshot():
    order = Order(id=1)

    assert (False, False, True) == (snapshot(order) == order, snapshot(order) == {"id": 1}, snapshot(order) != 1)


def test_the_same_values_with_another_identity_are_another(session: Session):
    order = session.get(Order, 1)
    twin = Order(**vars(snapshot(order)))

    assert vars(snapshot(order)) == vars(snapshot(twin))
    assert snapshot(order) != snapshot(twin)


def test_circles_are_equal_if_nothing_tells_them_apart():
    def circle(quantity: int) -> Order:
        return Order(id=1, items=[Item(position=n, quantity=quantity) for n in range(3)])

    assert snapshot(circle(1)) == snapshot(circle(1))
    assert snapshot(circle(1)) != snapshot(circle(2))


def test_a_circle_of_one_equals_only_a_circle_of_one():
    selfish, one, other = Exhibit(id=1), Exhibit(id=1), Exhibit(id=1)
    selfish.before, one.before, other.before = selfish, other, one

    # Unrolled they are the same: nothing that can be read tells them apart.
    assert snapshot(selfish) == snapshot(one)
    assert snapshot(selfish) != snapshot(Exhibit(id=1, before=Exhibit(id=1, before=Exhibit(id=2))))


def test_sets_are_equal_in_any_order(session: Session):
    names = ["Ann", "Bob", "Cid", "Dan"]

    assert snapshot(Exhibit(guides={Guide(id=n, name=name) for n, name in enumerate(names)})) == snapshot(
        Exhibit(guides={Guide(id=3 - n, name=name) for n, name in enumerate(reversed(names))})
    )


@pytest.mark.parametrize("names", [["Ann"], ["Ann", "Eve"], ["Ann", "Bob", "Cid"], []])
def test_other_members_make_another_set(names: list[str]):
    two = snapshot(Exhibit(guides={Guide(name="Ann"), Guide(name="Bob")}))

    assert two != snapshot(Exhibit(guides={Guide(name=name) for name in names}))


def test_sets_that_close_circles_are_compared():
    def guided() -> Exhibit:
        exhibit = Exhibit(name="urn")
        exhibit.guides = {Guide(name=name, exhibit=exhibit) for name in ("Ann", "Bob")}
        return exhibit

    assert snapshot(guided()) == snapshot(guided())


def test_dicts_of_objects_are_equal_in_any_order():
    def noted(*languages: str, text: str = "urn") -> Exhibit:
        return Exhibit(notes={language: Note(language=language, text=text) for language in languages})

    assert snapshot(noted("en", "de")) == snapshot(noted("de", "en"))
    assert snapshot(noted("en", "de")) != snapshot(noted("en", "fr"))
    assert snapshot(noted("en", "de")) != snapshot(noted("en", "de", text="jar"))


def test_equal_snapshots_have_equal_hashes(session: Session):
    order = session.scalars(
        select(Order).options(selectinload(Order.items).selectinload(Item.order)).order_by(Order.id)
    ).first()

    assert hash(snapshot(order)) == hash(snapshot(order))
    assert 1 == len({snapshot(order), snapshot(order)})


def test_new_objects_and_those_with_values_that_have_no_hash_can_be_hashed():
    def new() -> Exhibit:
        return Exhibit(name="urn", words=["a"], facts={"b": [1]}, thing=(1, [2]), guides={Guide(name="Ann")})

    assert hash(snapshot(new())) == hash(snapshot(new()))
    assert hash(snapshot(Exhibit(name="urn"))) != hash(snapshot(Exhibit(name="jar")))


def test_a_number_that_is_none_does_not_make_a_snapshot_unequal_to_itself():
    exhibit = Exhibit(thing=float("nan"))

    assert snapshot(exhibit) == snapshot(exhibit)


def test_what_was_not_loaded_counts():
    assert snapshot(Order(id=1)) != snapshot(Order(id=1, notes=None))


def test_the_way_of_reading_what_is_unloaded_does_not_count():
    order = Order(id=1)

    assert snapshot(order) == snapshot(order, unloaded="omit") == snapshot(order, [Order.id])


def test_a_subclass_is_another_class():
    assert snapshot(Employee(id=1)) != snapshot(Manager(id=1))


def test_many_new_objects_in_a_set_are_told_apart():
    taken = snapshot(Exhibit(guides={Guide(name=str(n)) for n in range(2000)}))

    assert 2000 == len(taken.guides)
