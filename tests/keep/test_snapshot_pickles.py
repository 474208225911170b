"""A pickled snapshot is small, comes back equal, and needs neither mapped class nor session where it is read."""

from __future__ import annotations

import copy
import pickle
import pickletools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session, selectinload

from outlive import NotLoadedError, Snapshot, snapshot
from tests.keep.museum import Exhibit, Floor, Guide, Money, Note, Place
from tests.store import Customer, Item, Order, Product, Tag


@pytest.fixture
def orders(session: Session) -> list[Order]:
    items = selectinload(Order.items)
    query = select(Order).options(
        items.selectinload(Item.order),
        items.selectinload(Item.product).selectinload(Product.tags).selectinload(Tag.products),
        selectinload(Order.customer).selectinload(Customer.orders),
    )
    return [*session.scalars(query.order_by(Order.id))]


@pytest.fixture
def order(session: Session) -> Order:
    """Without values of the user's own classes: neither an enum nor a composite."""
    session.execute(text("UPDATE product SET colour = NULL"))
    items = selectinload(Order.items)
    query = select(Order).options(items.selectinload(Item.order), items.selectinload(Item.product))
    return session.scalars(query.order_by(Order.id)).first()


def again(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def reachable(root: Any) -> Iterator[Snapshot[Any]]:
    found, rest = {id(root)}, [root]
    while rest:
        one = rest.pop()
        yield one
        for value in vars(one).values():
            members = value.values() if isinstance(value, dict) else value
            for member in members if isinstance(members, (list, frozenset)) else [members]:
                if isinstance(member, Snapshot) and id(member) not in found:
                    found.add(id(member))
                    rest.append(member)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_comes_back_equal(orders: list[Order], protocol: int):
    taken = snapshot(orders)

    assert taken == pickle.loads(pickle.dumps(taken, protocol))


def test_what_was_the_same_snapshot_is_the_same_one_again(orders: list[Order]):
    first, second, _ = again(snapshot(orders))

    assert first is first.items[0].order
    assert first is first.customer.orders[0]
    assert first.customer is second.customer
    assert first.items[0].product is second.items[0].product


def test_related_snapshots_that_are_pickled_together_stay_one(orders: list[Order]):
    taken = snapshot(orders[0])

    item, order, product = again([taken.items[0], taken, taken.items[0].product])

    assert (item.order, item, product) == (order, order.items[0], order.items[0].product)
    assert (True, True, True) == (item.order is order, item is order.items[0], product is item.product)


def test_what_reading_the_unloaded_does_comes_along(session: Session):
    order = session.get(Order, 1)

    with pytest.raises(NotLoadedError, match=r"Order.items of Order \(1,\) is not loaded"):
        again(snapshot(order)).items  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'itmes'"):
        again(snapshot(order)).itmes  # noqa: B018
    assert not hasattr(again(snapshot(order, unloaded="omit")), "items")


def test_it_can_still_not_be_changed_and_still_be_read_by_its_synonyms():
    taken = again(snapshot(Exhibit(name="urn", words=["a"])))

    assert "urn" == taken.title
    with pytest.raises(AttributeError):
        taken.name = "jar"
    with pytest.raises(TypeError):
        taken.words.append("b")


def test_values_and_collections_of_every_kind_come_back():
    exhibit = Exhibit(
        id=1,
        floor=Floor.FIRST,
        facts={"a": [{"b": 1}]},
        thing=(1, [2], {3}),
        place=Place("hall", ["left"]),
        price=Money(5, "EUR"),
        guides={Guide(name="Ann"), Guide(name="Bob"), Guide(id=3, name="Cid")},
        notes={"en": Note(language="en"), "de": Note(language="de")},
        before=None,
        after=[],
    )
    guide = Guide(id=9)
    exhibit.notes_by_guide = {guide: Note(language="fr", guide=guide)}
    taken = snapshot(exhibit)

    back = again(taken)

    assert taken == back
    assert {name: type(value) for name, value in vars(taken).items()} == {
        name: type(value) for name, value in vars(back).items()
    }
    assert Guide(name="Ann").name in {one.name for one in back.guides}
    [(key, note)] = back.notes_by_guide.items()
    assert key is note.guide


def test_no_object_and_no_state_is_inside(order: Order):
    pickled = pickle.dumps(snapshot(order))

    names = {
        argument
        for opcode, argument, _ in pickletools.genops(pickle.dumps(snapshot(order), 3))
        if opcode.name == "GLOBAL"
    }
    assert b"_sa_" not in pickled
    assert b"sqlalchemy" not in pickled
    # Early releases of Python 3.11 pickle members of enumerations by `getattr`.
    expected = ("outlive.", "decimal", "datetime", "uuid", "builtins getattr")
    assert set() == {name for name in names if not name.startswith(expected)}


def test_a_process_without_the_mapped_class_can_read_it(order: Order, tmp_path: Path):
    (tmp_path / "order.pickle").write_bytes(pickle.dumps(snapshot(order)))
    program = """
import pickle, sys
order = pickle.load(open("order.pickle", "rb"))
print(order.id, order.items[1].product.name, order.items[0].order is order, "tests.store" in sys.modules)
print(order.to_dict()["items"][0]["order"], order == pickle.loads(pickle.dumps(order)))
try:
    order.notes
except Exception as error:
    print(type(error).__name__, str(error)[:46])
"""

    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert [
        "1 product 2 True False",
        "{'id': 1} True",
        "NotLoadedError Order.notes of Order (1,) is not loaded: befor",
    ] == done.stdout.splitlines()


def test_only_what_can_be_reached_is_pickled(session: Session):
    orders = session.scalars(select(Order).options(selectinload(Order.customer)).order_by(Order.id)).all()
    taken = snapshot(orders)
    pickle.dumps(taken)

    assert {"Order (1,)", "Customer (1,)"} == {
        f"{one.outlive_layout.kind.name} {one.outlive_identity}" for one in reachable(again(taken[0]))
    }


def test_it_is_smaller_than_the_object(orders: list[Order]):
    one, many = len(pickle.dumps(snapshot(orders[0]))), len(pickle.dumps(snapshot(orders)))

    assert one < len(pickle.dumps(orders[0]))
    assert many < len(pickle.dumps(orders))


def test_the_size_grows_with_the_objects_and_no_faster():
    customer = Customer(id=1, name="Ada")
    customer.orders = [Order(id=n, version=1) for n in range(2000)]
    taken = snapshot(customer.orders)

    all_of_them, half = len(pickle.dumps(taken)), len(pickle.dumps(snapshot(Customer(id=1).orders)))

    assert taken == again(taken)
    assert all_of_them < 60 * 2000 + 2000 + half


def test_a_chain_of_five_thousand_objects_is_pickled():
    exhibit = Exhibit(id=0)
    for n in range(1, 5000):
        exhibit = Exhibit(id=n, before=exhibit)
    taken = snapshot(exhibit)

    assert 5000 == len([*reachable(again(taken))])
    assert taken == again(taken)


def test_a_chain_with_references_both_ways_is_pickled():
    exhibit = Exhibit(id=0, after=[])
    for n in range(1, 5000):
        exhibit = Exhibit(id=n, before=exhibit, after=[])
    taken = snapshot(exhibit)

    assert taken == again(taken)


def test_all_members_of_a_chain_are_pickled_together():
    chain = [Exhibit(id=0)]
    for n in range(1, 1000):
        chain.append(Exhibit(id=n, before=chain[-1]))
    taken = snapshot(chain)
    one_by_one = [snapshot(exhibit) for exhibit in chain[:3]]

    back = again(taken)

    assert taken == back
    assert all(one.before is other for one, other in zip(back[1:], back, strict=False))
    assert one_by_one == taken[:3]
    assert len(pickle.dumps(taken)) < 200_000


def test_a_ladder_of_objects_is_pickled_each_once():
    one, other = Exhibit(id=0, notes_by_guide={}), Exhibit(id=1, notes_by_guide={})
    for n in range(2, 1000, 2):
        rungs = one, other
        one, other = (
            Exhibit(id=n + side, before=rungs[side], first_guide=Guide(exhibit=rungs[1 - side])) for side in (0, 1)
        )
    taken = snapshot([one, other])

    assert taken == again(taken)
    assert len(pickle.dumps(taken)) < 200_000


def test_a_web_of_objects_is_pickled():
    tags = [Tag(id=n, name=str(n)) for n in range(100)]
    taken = snapshot([Product(name=str(n), tags=tags) for n in range(100)])

    back = again(taken)

    assert 200 == len([*reachable(back[0])])
    assert taken == back


def test_pickles_written_one_after_another_share_what_they_share(orders: list[Order]):
    taken = snapshot(orders)
    pickle.dumps(taken[2])

    assert taken == again(taken)


def test_copies_are_the_snapshot_itself(orders: list[Order]):
    taken = snapshot(orders[0])

    assert taken is copy.copy(taken) is copy.deepcopy(taken)
