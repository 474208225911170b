"""Snapshots become JSON and come back equal; what a stranger has written makes none."""

from __future__ import annotations

import copy
import json
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import JSON, ForeignKey, Numeric
from sqlalchemy.orm import DeclarativeBase, Mapped, attribute_keyed_dict, mapped_column, relationship

from outlive import NotLoadedError, Snapshot, snapshot
from outlive.boundary.snapshots import read_snapshot, write_snapshot


class Base(DeclarativeBase):
    pass


class Color(Enum):
    RED = object()


class Basket(Base):
    __tablename__ = "basket"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    made: Mapped[date]
    price: Mapped[Decimal] = mapped_column(Numeric)
    color: Mapped[Color]
    data: Mapped[bytes]
    tags: Mapped[Any] = mapped_column(JSON)
    items: Mapped[list[Item]] = relationship(back_populates="basket")
    by_name: Mapped[dict[str, Item]] = relationship(viewonly=True, collection_class=attribute_keyed_dict("name"))


class Item(Base):
    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    basket_id: Mapped[UUID] = mapped_column(ForeignKey("basket.id"))
    basket: Mapped[Basket] = relationship(back_populates="items")


MAPPERS = [Basket.__mapper__, Item.__mapper__]


def basket() -> Basket:
    items = [Item(id=key, name=f"item {key}") for key in (1, 2)]
    return Basket(
        id=UUID(int=7),
        made=date(2026, 1, 2),
        price=Decimal("1.10"),
        color=Color.RED,
        data=b"\xff",
        tags={"a": [1, None, {"b": "ü"}]},
        items=items,
    )


def sent(taken: Snapshot[Any]) -> Any:
    """As it arrives."""
    return read_snapshot(json.loads(json.dumps(write_snapshot(taken, MAPPERS))), MAPPERS)


def test_it_comes_back_equal_with_its_circles() -> None:
    taken = snapshot(basket())
    back = sent(taken)

    assert taken == back
    assert back.items[0].basket is back
    assert (Decimal("1.10"), Color.RED, b"\xff") == (back.price, back.color, back.data)
    assert taken.to_dict() == back.to_dict()


def test_it_is_frozen_and_says_what_it_lacks() -> None:
    back = sent(snapshot(Item(id=1, name="x")))

    with pytest.raises(AttributeError, match="cannot be changed"):
        back.name = "y"
    with pytest.raises(NotLoadedError, match=r"Item\.basket"):
        _ = back.basket
    with pytest.raises(TypeError, match="cannot be changed"):
        sent(snapshot(basket())).tags["a"].append(1)


def test_what_json_cannot_carry_is_named() -> None:
    for change, why in (({"tags": [{1: 2}]}, "tags"), ({"made": "today"}, "made: expected date")):
        taken = basket()
        for name, value in change.items():
            setattr(taken, name, value)
        with pytest.raises(TypeError, match=rf"the snapshot of new Basket cannot be sent: {why}"):
            write_snapshot(snapshot(taken), MAPPERS)
    with pytest.raises(TypeError, match="no mapped class is"):
        write_snapshot(snapshot(basket()), [])


ROW = write_snapshot(snapshot(basket()), MAPPERS)


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        ((), 7, "Expected `object`"),
        (("snapshot",), 2, "its format is 2"),
        (("rows",), [], "format 1 is what"),
        (("rows", 0, "class"), "os.system", "no mapped class is 'os.system'"),
        (("rows", 0, "values", "price"), [], "unpack|expected"),
        (("rows", 0, "values", "made"), 7, "expected date"),
        (("rows", 0, "values", "__class__"), "x", "has no '__class__'"),
        (("rows", 0, "values", "items"), "x", "has no 'items'"),
        (("rows", 0, "relations", "items"), [99], "leads to a Item, not to 99"),
        (("rows", 0, "relations", "items"), [0], "leads to a Item, not to 0"),
        (("rows", 0, "relations", "items"), 1, "is a list"),
        (("rows", 1, "relations", "basket"), [0], "is no list"),
        (("rows", 0, "key"), [1, 2], "has a primary key of 1, not 2"),
        (("rows", 0, "other"), 1, "unknown field"),
    ],
)
def test_what_a_stranger_has_written_is_refused(path: tuple[Any, ...], value: object, why: str) -> None:
    forged: Any = copy.deepcopy(ROW)
    if path:
        at = forged
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
    else:
        forged = value

    with pytest.raises(ValueError, match=why):
        read_snapshot(forged, MAPPERS)


def test_a_dict_of_objects_is_not_carried() -> None:
    taken = basket()
    taken.__dict__["by_name"] = {"x": Item(id=9, name="x")}

    with pytest.raises(TypeError, match="lists alone are carried"):
        write_snapshot(snapshot(taken), MAPPERS)
