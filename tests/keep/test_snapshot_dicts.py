"""``to_dict`` and ``to_json``: plain data with every object where it is expected, and no circle."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from outlive import NotLoadedError, snapshot
from tests.keep.museum import Exhibit, Floor, Guide, Money, Note, Place
from tests.store import Colour, Customer, Employee, Engineer, Invoice, Item, Manager, Order, Product, Tag


def test_columns_and_related_objects_become_dicts_and_lists():
    order = Order(
        id=1, total=Decimal("2.50"), customer=Customer(id=7, name="Ada"), items=[Item(position=1), Item(position=2)]
    )

    assert {
        "id": 1,
        "total": Decimal("2.50"),
        "customer": {"id": 7, "name": "Ada", "orders": [{"id": 1}]},
        "items": [{"position": 1, "order": {"id": 1}}, {"position": 2, "order": {"id": 1}}],
    } == snapshot(order).to_dict()


def test_attributes_stand_in_the_order_of_the_mapping(session: Session):
    order = snapshot(session.scalars(select(Order).options(selectinload(Order.items)).order_by(Order.id)).first())

    assert ["id", "version", "state", "total", "placed_at", "changed_at", "customer_id", "items"] == [*order.to_dict()]


def test_a_back_reference_is_the_primary_key_alone(session: Session):
    order = session.scalars(
        select(Order).options(selectinload(Order.items).selectinload(Item.order)).order_by(Order.id)
    ).first()

    assert [{"id": 1}, {"id": 1}] == [item["order"] for item in snapshot(order).to_dict()["items"]]


def test_the_primary_key_of_two_columns_is_both():
    order = Order(id=1)
    item = Item(order_id=1, position=2, order=order)

    assert {"order_id": 1, "position": 2} == snapshot(item).to_dict()["order"]["items"][0]


def test_a_new_object_without_a_key_refers_back_with_nothing():
    assert [{"position": 1, "order": {}}] == snapshot(Order(version=1, items=[Item(position=1)])).to_dict()["items"]


def test_the_same_object_at_two_places_is_whole_at_both():
    lamp = Product(id=UUID(int=1), name="lamp")
    order = Order(id=1, items=[Item(position=n, product=lamp) for n in (1, 2)])

    assert ["lamp", "lamp"] == [item["product"]["name"] for item in snapshot(order).to_dict()["items"]]


def test_a_tree_is_whole():
    boss = Manager(id=1, reports=[Engineer(id=2, reports=[Employee(id=4)]), Engineer(id=3)])

    assert {
        "id": 1,
        "reports": [
            {"id": 2, "boss": {"id": 1}, "reports": [{"id": 4, "boss": {"id": 2}}]},
            {"id": 3, "boss": {"id": 1}},
        ],
    } == without_types(snapshot(boss).to_dict())


def without_types(tree: dict[str, Any]) -> dict[str, Any]:
    reports = [without_types(report) for report in tree.get("reports", [])]
    return {key: value for key, value in tree.items() if key != "type"} | ({"reports": reports} if reports else {})


def test_a_web_of_objects_does_not_explode():
    tags = [Tag(id=n, name=str(n)) for n in range(20)]
    products = [Product(id=UUID(int=n), name=str(n), tags=tags) for n in range(20)]

    unfolded = snapshot(products[0]).to_dict()

    assert 20 == len(unfolded["tags"])
    assert [{"id": UUID(int=0)}, "1"] == [
        unfolded["tags"][3]["products"][0],
        unfolded["tags"][3]["products"][1]["name"],
    ]
    assert len(repr(unfolded)) < 1_000_000


def test_a_chain_of_five_thousand_objects_is_unfolded():
    exhibit = Exhibit(id=0)
    for n in range(1, 5000):
        exhibit = Exhibit(id=n, before=exhibit)

    unfolded, depth = snapshot(exhibit).to_dict(), 0
    while "before" in unfolded:
        unfolded, depth = unfolded["before"], depth + 1

    assert 4999 == depth


def test_collections_of_every_kind_become_lists_and_dicts():
    exhibit = Exhibit(
        id=1,
        guides={Guide(id=2, name="Ann")},
        notes={"en": Note(language="en", text="urn")},
    )

    unfolded = snapshot(exhibit).to_dict()

    assert [{"id": 2, "name": "Ann", "exhibit": {"id": 1}}] == unfolded["guides"]
    assert {"en": {"language": "en", "text": "urn", "exhibit": {"id": 1}}} == unfolded["notes"]


def test_objects_in_the_keys_of_a_dict_are_their_primary_keys():
    exhibit = Exhibit(id=1)
    guide = Guide(id=5)
    exhibit.notes_by_guide = {guide: Note(language="en", guide=guide)}

    assert {5: {"language": "en", "guide": {"id": 5}}} == snapshot(exhibit).to_dict()["notes_by_guide"]


def test_the_values_can_be_changed_and_the_snapshot_does_not_notice():
    taken = snapshot(Exhibit(facts={"owners": [1]}, words=["a"], thing={1}, place=Place("hall", ["left"])))

    unfolded = taken.to_dict()
    unfolded["facts"]["owners"].append(2)
    unfolded["words"].append("b")
    unfolded["thing"].add(2)
    unfolded["place"]["remarks"].append("right")

    assert ({"owners": [1]}, ["a"], {1}, Place("hall", ["left"])) == (
        taken.facts,
        taken.words,
        taken.thing,
        taken.place,
    )
    assert [dict, list, set, dict] == [type(unfolded[name]) for name in ("facts", "words", "thing", "place")]


def test_what_is_not_loaded_is_left_out(session: Session):
    unfolded = snapshot(session.get(Order, 1)).to_dict()

    assert {"notes", "items", "customer"}.isdisjoint(unfolded)


def test_an_expired_column_is_not_left_out_without_a_word(session: Session):
    order = session.get(Order, 1)
    session.commit()

    with pytest.raises(NotLoadedError, match=r"Order.\w+ of Order \(1,\) was expired: before the snapshot"):
        snapshot(order).to_dict()
    with pytest.raises(NotLoadedError):
        snapshot(order).to_json()


def test_an_expired_column_of_a_related_object_is_not_left_out_without_a_word(session: Session):
    order = session.scalars(select(Order).options(selectinload(Order.items)).order_by(Order.id)).first()
    session.expire(order.items[1], ["quantity"])

    with pytest.raises(NotLoadedError, match=r"Item.quantity of Item \(1, 2\) was expired"):
        snapshot(order).to_dict()
    with pytest.raises(NotLoadedError, match=r"Item.quantity of Item \(1, 2\) was expired"):
        snapshot(order, [Order.items]).to_dict()


def test_an_expired_column_is_left_out_if_that_was_asked_for(session: Session):
    order = session.get(Order, 1)
    session.expire(order, ["total"])

    assert "total" not in snapshot(order, unloaded="omit").to_dict()


def test_a_deferred_column_that_a_refresh_has_expired_is_left_out(session: Session):
    order = session.get(Order, 1)
    session.refresh(order)

    assert "notes" not in snapshot(order).to_dict()


def test_json_has_a_form_for_every_value():
    exhibit = Exhibit(
        id=1,
        name="ürn",
        tour=timedelta(hours=1, seconds=5),
        opens=time(9, 30),
        floor=Floor.FIRST,
        facts={"a": [1, None, True]},
        words=["b"],
        thing=[date(2026, 1, 2), datetime(2026, 1, 2, 3, tzinfo=UTC), UUID(int=1), Decimal("1.50"), {3}, (4,), 1.5],
        image=b"\x00\x01",
        place=Place("hall", ["left"]),
        price=Money(5, "EUR"),
        guides=set(),
        before=None,
    )

    assert {
        "id": 1,
        "name": "ürn",
        "tour": "PT3605S",
        "opens": "09:30:00",
        "floor": 1,
        "facts": {"a": [1, None, True]},
        "words": ["b"],
        "thing": [
            "2026-01-02",
            "2026-01-02T03:00:00Z",
            "00000000-0000-0000-0000-000000000001",
            "1.50",
            [3],
            [4],
            1.5,
        ],
        "image": "AAE=",
        "room": "hall",
        "remarks": ["left"],
        "place": {"room": "hall", "remarks": ["left"]},
        "amount": 5,
        "currency": "EUR",
        "price": {"amount": 5, "currency": "EUR"},
        "guides": [],
        "before": None,
    } == json.loads(snapshot(exhibit).to_json())


def test_json_of_related_objects_is_nested(session: Session):
    order = session.scalars(
        select(Order).options(selectinload(Order.items).selectinload(Item.product)).order_by(Order.id)
    ).first()
    taken = snapshot(order)

    items = json.loads(taken.to_json())["items"]

    assert [("product 1", "red", "AAE="), ("product 2", "red", "AAE=")] == [
        (item["product"]["name"], item["product"]["colour"], item["product"]["picture"]) for item in items
    ]
    assert Colour.RED is taken.items[0].product.colour


def test_a_value_that_has_no_form_in_json_is_a_type_error():
    with pytest.raises(TypeError, match="a value of type complex has no form in JSON: to_dict"):
        snapshot(Exhibit(thing=3j)).to_json()


def test_one_to_one_relationships_refer_back_once():
    invoice = Invoice(id=5, order=Order(id=1))

    assert {"id": 5, "order": {"id": 1, "invoice": {"id": 5}}} == snapshot(invoice).to_dict()
