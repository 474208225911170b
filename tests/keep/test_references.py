"""A reference and its text: nothing here asks a database."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import uuid
from dataclasses import FrozenInstanceError
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import inspect
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.exc import UnmappedClassError, UnmappedInstanceError

from outlive import InvalidReferenceError, ObjectStateError, Reference, reference
from tests.keep import keyed
from tests.keep.keyed import BY, Pair, Size
from tests.store import Base, Coupon, Customer, Employee, Engineer, Item, Manager, Order, Supplier


def detached(obj: Any, identity: tuple[Any, ...]) -> Any:
    """An object as if it had been loaded: its key is known."""
    inspect(obj).key = inspect(type(obj)).identity_key_from_primary_key(identity)
    return obj


# --- what a reference is


def test_it_has_the_class_and_the_primary_key():
    ref = reference(detached(Item(), (1, 2)))

    assert (Item, (1, 2), None, None) == (ref.class_, ref.identity, ref.identity_token, ref.version)


def test_it_has_the_objects_own_class():
    assert Manager is reference(detached(Manager(), (1,))).class_


def test_it_has_the_version_if_that_is_loaded():
    assert 7 == reference(detached(Order(version=7), (1,))).version
    assert None is reference(detached(Order(), (1,))).version


def test_it_has_the_identity_token():
    obj = Customer()
    inspect(obj).key = (Customer, (1,), "europe")

    assert "europe" == reference(obj).identity_token


def test_it_never_reads_the_object():
    class Untouchable(keyed.Base):
        __tablename__ = "untouchable"
        id: Mapped[int] = mapped_column(primary_key=True)

        def __getattribute__(self, name: str) -> Any:
            if name in {"id", "__repr__", "__eq__", "__hash__"}:
                raise AssertionError(name)
            return super().__getattribute__(name)

    assert (1,) == reference(detached(Untouchable(), (1,))).identity


def test_equal_references_are_one_in_a_set():
    refs = {reference(detached(Order(version=version), (1,))) for version in (1, 1, 2)}

    assert {Reference(Order, (1,), version=1), Reference(Order, (1,), version=2)} == refs


def test_it_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Reference(Order, (1,)).identity = (2,)  # type: ignore[misc]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda ref: pickle.loads(pickle.dumps(ref))])
def test_a_copy_is_equal(copied: Any):
    ref = Reference(Order, (1,), "token", 3)

    assert ref == copied(ref)
    assert hash(ref) == hash(copied(ref))


def test_it_prints_as_the_objects_of_messages_do():
    assert "Order (1,)" == str(Reference(Order, (1,)))
    assert "Reference(Order, (1,), identity_token='a', version=2)" == repr(Reference(Order, (1,), "a", 2))


# --- what has none


def test_a_transient_object_has_none_and_the_error_says_what_to_do():
    with pytest.raises(ObjectStateError) as caught:
        reference(Order(id=1))

    assert "Order (transient) has no identity yet: session.add() and session.flush() first" == str(caught.value)


def test_a_pending_object_has_none_and_the_error_says_what_to_do():
    session = Session()
    order = Order(id=1)
    session.add(order)

    with pytest.raises(ObjectStateError) as caught:
        reference(order)

    assert "Order (pending) has no identity yet: session.flush() first" == str(caught.value)


@pytest.mark.parametrize(
    "thing", [None, 1, "Order", Order, [Order(id=1)], keyed, object()], ids=lambda thing: type(thing).__name__
)
def test_what_is_not_mapped_has_none(thing: Any):
    with pytest.raises(UnmappedInstanceError, match="expected a mapped object, got "):
        reference(thing)


@pytest.mark.parametrize("key", [(), (1, 2), 1, [1], "1", None, (None,)], ids=repr)
def test_a_key_that_is_none_of_the_class_is_refused(key: Any):
    with pytest.raises(InvalidReferenceError, match=r"Order.* primary key.* got "):
        Reference(Order, key)


def test_a_version_without_a_counter_is_refused():
    with pytest.raises(InvalidReferenceError, match="Customer has no version counter, got version 3"):
        Reference(Customer, (1,), version=3)


@pytest.mark.parametrize("class_", [None, int, Base, Order(id=1)], ids=lambda thing: type(thing).__name__)
def test_a_class_that_is_not_mapped_is_refused(class_: Any):
    with pytest.raises(UnmappedClassError):
        Reference(class_, (1,))


# --- as a text and back

OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
KEYS = {
    int: st.integers(-(2**63), 2**63 - 1),
    str: st.text(max_size=200),
    uuid.UUID: st.uuids(),
    datetime: st.datetimes(timezones=st.none() | OFFSETS),
    date: st.dates(),
    time: st.times(timezones=st.none() | OFFSETS),
    timedelta: st.timedeltas(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    bytes: st.binary(max_size=200),
    Size: st.sampled_from(Size),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
}


def test_it_is_a_line_of_json():
    ref = Reference(Order, (1,), version=3)

    assert '{"reference":1,"class":"tests.store:Order","key":[1],"version":3}' == ref.dumps()


def test_every_type_of_keys_is_tried():
    assert keyed.TYPES.keys() == KEYS.keys()


@pytest.mark.parametrize("kind", KEYS)
@given(data=st.data())
def test_a_key_comes_back_as_what_it_was(kind: type[Any], data: st.DataObject):
    key = data.draw(KEYS[kind])
    ref = Reference(BY[kind], (key,))

    read = Reference.loads(ref.dumps(), keyed.Base)

    assert ref == read
    assert type(key) is type(read.identity[0])


@given(st.none() | st.integers(0, 9), st.none() | st.text(max_size=9))
@example(None, "a")
def test_a_partial_key_comes_back_as_what_it_was(number: int | None, text: str | None):
    if number is None and text is None:
        return
    ref = Reference(Pair, (number, text))

    assert ref == Reference.loads(ref.dumps(), keyed.Base)


@given(st.one_of(*(keys for kind, keys in KEYS.items() if kind is not Size)))
def test_an_identity_token_comes_back_as_what_it_was(token: Any):
    ref = Reference(Pair, (1, "a"), token)

    read = Reference.loads(ref.dumps(), keyed.Base)

    assert ref == read
    assert type(token) is type(read.identity_token)


@given(st.datetimes())
def test_a_version_comes_back_as_what_it_was(version: datetime):
    ref = Reference(keyed.Versioned, (1,), version=version)

    assert ref == Reference.loads(ref.dumps(), keyed.Base)


@given(st.uuids())
def test_the_key_of_a_type_decorator_comes_back_as_what_it_was(key: uuid.UUID):
    ref = Reference(keyed.ByGuid, (key,))

    read = Reference.loads(ref.dumps(), keyed.Base)

    assert ref == read
    assert uuid.UUID is type(read.identity[0])


def test_the_key_of_sqlmodel_comes_back_as_what_it_was():
    sqlmodel = pytest.importorskip("sqlmodel", exc_type=ImportError)

    class Hero(sqlmodel.SQLModel, table=True):
        name: str = sqlmodel.Field(primary_key=True)

    ref = Reference(Hero, ("Ada",))

    assert ref == Reference.loads(ref.dumps(), sqlmodel.SQLModel)


@pytest.mark.parametrize(
    ("class_", "key", "reason"),
    [
        (BY[int], "1", "expected int, got '1'"),
        (BY[int], True, "expected int, got True"),
        (BY[int], 2**63, "expected an integer of 64 bits, got 9223372036854775808"),
        (BY[float], float("nan"), "expected a finite float, got nan"),
        (BY[float], float("inf"), "expected a finite float, got inf"),
        (BY[Decimal], Decimal("NaN"), "expected a finite Decimal, got 'NaN'"),
        (BY[date], datetime(2026, 1, 1), "expected date, got "),
        (BY[datetime], datetime(2026, 1, 1, tzinfo=timezone(timedelta(seconds=1))), "expected datetime, got "),
        (BY[Size], "SMALL", "expected a name of Size, got None"),
        (BY[str], "\ud800", "surrogates not allowed"),
        (BY[str], b"a", "expected str, got "),
        (BY[str], "a" * 70_000, "it would be longer than 65536 characters"),
        (BY[str], object(), "expected str, got "),
        (keyed.ByRank, keyed.Rank.FIRST, "JSON carries no Rank"),
        (keyed.ByGuid, 1j, "JSON carries no complex"),
        (keyed.ByPoint, 1j, "JSON carries no complex"),
        (keyed.ByJson, ("a",), "JSON carries no "),
    ],
)
def test_a_key_that_would_not_come_back_is_refused_with_the_reason(class_: Any, key: Any, reason: str):
    with pytest.raises(InvalidReferenceError) as caught:
        Reference(class_, (key,)).dumps()

    assert reason in str(caught.value)
    assert str(caught.value).startswith(f"{class_.__name__} (")
    assert len(str(caught.value)) < 1000


# --- which class


@pytest.mark.parametrize("class_", [Order, Manager, Engineer, Coupon, Item])
def test_each_class_is_found_by_its_base(class_: Any):
    ref = Reference(class_, (1,) * len(inspect(class_).primary_key))

    assert ref == Reference.loads(ref.dumps(), Base)


def test_a_nested_class_is_not_taken_for_its_namesake():
    refs = [Reference(keyed.Outer.Line, (1,)), Reference(keyed.Line, (1,))]

    assert refs == [Reference.loads(ref.dumps(), keyed.Base) for ref in refs]


def test_two_modules_may_have_a_class_of_one_name():
    other = type("Line", (keyed.Base,), {"__module__": "another", "__table__": keyed.Line.__table__})
    refs = [Reference(other, (1,)), Reference(keyed.Line, (1,))]

    assert refs == [Reference.loads(ref.dumps(), keyed.Base) for ref in refs]


def test_two_classes_that_share_a_name_are_refused_where_it_is_written_and_where_it_is_read():
    first = keyed.local("first")
    text = Reference(first, (1,)).dumps()
    second = keyed.local("second")

    with pytest.raises(InvalidReferenceError, match=r"2 classes are tests\.keep\.keyed:local\.<locals>\.Local"):
        Reference(second, (1,)).dumps()
    with pytest.raises(InvalidReferenceError, match=r"2 classes are tests\.keep\.keyed:local\.<locals>\.Local"):
        Reference.loads(text, keyed.Base)


def test_a_mapped_class_allows_itself_and_its_subclasses():
    assert Manager is Reference.loads(Reference(Manager, (1,)).dumps(), Employee).class_
    with pytest.raises(InvalidReferenceError, match=r"no mapped class is 'tests\.store:Manager'"):
        Reference.loads(Reference(Manager, (1,)).dumps(), Engineer)


def test_a_registry_allows_all_that_it_maps():
    ref = Reference(Supplier, (1,))

    assert ref == Reference.loads(ref.dumps(), Base.registry)


def test_a_class_without_a_base_stands_for_itself():
    ref = Reference(keyed.Decorated, (1,))

    assert ref == Reference.loads(ref.dumps(), keyed.Decorated)
    assert ref == Reference.loads(ref.dumps(), keyed.elsewhere)


@pytest.mark.parametrize("base", [None, int, "Base", Order(id=1), object()], ids=lambda thing: type(thing).__name__)
def test_what_is_no_base_is_a_type_error(base: Any):
    with pytest.raises(TypeError, match="expected a declarative base, a mapped class or a registry, got "):
        Reference.loads(Reference(Order, (1,)).dumps(), base)


# --- texts of strangers


def text(**changes: Any) -> str:
    return json.dumps({"reference": 1, "class": "tests.store:Order", "key": [1]} | changes)


@pytest.mark.parametrize(
    ("forged", "reason"),
    [
        ("", "Input data was truncated"),
        ("1", "Expected `object`, got `int`"),
        ("null", "Expected `object`, got `null`"),
        ("{}", "missing required field"),
        (text(reference=2), "its format is 2, and format 1 is what this release reads"),
        (text(**{"class": "os:system"}), "no mapped class is 'os:system'"),
        (text(**{"class": "tests.store:Base"}), "no mapped class is 'tests.store:Base'"),
        (text(**{"class": "tests.keep.keyed:Line"}), "no mapped class is 'tests.keep.keyed:Line'"),
        (text(**{"class": "shop:Order"}), "no mapped class is 'shop:Order', only tests.store:Order"),
        (text(**{"class": "Order"}), "no mapped class is 'Order'"),
        (text(**{"class": ""}), "no mapped class is ''"),
        (text(**{"class": None}), "Expected `str`, got `null`"),
        (text(key=[]), "tests.store:Order has a primary key of 1, not 0"),
        (text(key=[1, 2]), "tests.store:Order has a primary key of 1, not 2"),
        (text(key=1), "Expected `array`, got `int`"),
        (text(key=[None]), "Order has a primary key of 1, got (None,)"),
        (text(key=["1"]), "expected int, got '1'"),
        (text(key=[1.0]), "expected int, got 1.0"),
        (text(key=[True]), "expected int, got True"),
        (text(key=[[1]]), "got `array`"),
        (text(key=[{"int": 1}]), "expected int, got {'int': 1}"),
        (text(key=[2**63]), "expected an integer of 64 bits, got 9223372036854775808"),
        (text(version="1"), "expected int, got '1'"),
        (text(token=1), "expected the kind of the value with the value"),
        (text(token={"eval": "1"}), "expected the kind of the value with the value"),
        (text(token={"Decimal": "sNaN"}), "expected a finite Decimal, got 'sNaN'"),
        (text(**{"class": "tests.store:Customer", "version": 1}), "expected the kind of the value with the value"),
        (text(**{"class": "tests.store:Customer", "version": {"int": 1}}), "Customer has no version counter"),
        ("[" * 60_000, ""),
        ('{"reference":' * 5_000, ""),
        ('{"other":' + "[" * 60_000, ""),
        ("\ud800", "surrogates not allowed"),
        (text(key=["a" * 70_000]), "it is longer than 65536 characters"),
        (b"{}", "a bytes is no text"),
        (None, "a NoneType is no text"),
        (Reference(Order, (1,)), "a Reference is no text"),
    ],
)
def test_a_forged_text_is_refused_with_what_was_expected(forged: Any, reason: str):
    with pytest.raises(InvalidReferenceError) as caught:
        Reference.loads(forged, Base)

    assert str(caught.value).startswith("expected a text of Reference.dumps(), got ")
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("class_", "raw"),
    [
        (BY[float], 10**400),
        (BY[float], "1.5"),
        (BY[Decimal], "Infinity"),
        (BY[Decimal], "one"),
        (BY[bytes], "not base64"),
        (BY[uuid.UUID], "1"),
        (BY[datetime], 0),
        (BY[datetime], "2026-13-01T00:00:00"),
        (BY[date], "2026-01-01T00:00:00"),
        (BY[time], "25:00:00"),
        (BY[timedelta], "P99999999999999999999D"),
        (BY[Size], "MEDIUM"),
        (BY[Size], ["s", 1]),
        (BY[bool], 1),
        (keyed.ByGuid, "00000000-0000-0000-0000-000000000001"),
        (keyed.ByGuid, {"UUID": 1}),
        (keyed.ByGuid, {"UUID": str(uuid.UUID(int=1)), "int": 1}),
        (keyed.ByGuid, {"Guid": 1}),
        (keyed.ByPoint, "1j"),
        (keyed.ByJson, {}),
    ],
)
def test_a_key_that_does_not_fit_its_column_is_refused(class_: Any, raw: Any):
    with pytest.raises(InvalidReferenceError):
        Reference.loads(text(**{"class": f"tests.keep.keyed:{class_.__name__}", "key": [raw]}), keyed.Base)


def test_a_text_imports_nothing():
    with pytest.raises(InvalidReferenceError):
        Reference.loads(text(**{"class": "antigravity:Order"}), Base)

    assert "antigravity" not in sys.modules


# --- any text at all

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)
CLASSES = [mapper.class_ for mapper in keyed.Base.registry.mappers]
KINDS = ["int", "str", "UUID", "Decimal", "datetime", "date", "time", "timedelta", "bytes", "bool", "float"]
VALUES = JSON | st.dictionaries(st.sampled_from(KINDS), SCALARS, max_size=2)
FORGED = st.fixed_dictionaries(
    {
        "reference": st.just(1) | JSON,
        "class": st.sampled_from([f"{class_.__module__}:{class_.__qualname__}" for class_ in CLASSES]) | JSON,
        "key": st.lists(VALUES, min_size=1, max_size=2) | JSON,
    },
    optional={"version": VALUES, "token": VALUES, "other": JSON},
)


def read_or_refused(forged: str) -> None:
    """The only exception is ours, and what is read can be used and written again."""
    try:
        ref = Reference.loads(forged, keyed.Base)
    except InvalidReferenceError:
        return
    assert {ref} == {Reference.loads(ref.dumps(), keyed.Base)}


@given(st.text())
def test_any_text_is_read_or_refused(anything: str):
    read_or_refused(anything)


@given(JSON)
def test_any_json_is_read_or_refused(anything: Any):
    read_or_refused(json.dumps(anything))


@given(FORGED)
def test_forged_parts_are_read_or_refused(forged: Any):
    read_or_refused(json.dumps(forged))


@given(st.sampled_from(sorted(KEYS, key=str)), st.data())
def test_a_mutated_text_is_read_or_refused(kind: type[Any], data: st.DataObject):
    written = Reference(BY[kind], (data.draw(KEYS[kind]),)).dumps()
    start = data.draw(st.integers(0, len(written)))
    end = data.draw(st.integers(start, min(start + 5, len(written))))

    read_or_refused(written[:start] + data.draw(st.text(max_size=5)) + written[end:])
