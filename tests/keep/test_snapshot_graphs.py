"""Random graphs of the store, randomly loaded: a snapshot is what the objects have, whatever that is."""

from __future__ import annotations

import itertools
import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, inspect, select
from sqlalchemy.orm import Session, selectinload, undefer

from outlive import NotLoadedError, Snapshot, snapshot
from tests import store
from tests.databases import MEMORY
from tests.keep.museum import Exhibit, Guide, Note
from tests.store import Address, Customer, Employee, Engineer, Item, Manager, Order, Product, Tag, statements

KINDS = (Customer, Order, Product, Tag, Employee)
NEVER = {"events", "visits"}


@pytest.fixture(scope="module")
def memory() -> Iterator[Engine]:
    with MEMORY.engine() as engine:
        store.Base.metadata.create_all(engine)
        yield engine


def stock(session: Session, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
    """Put random objects with random links into the database."""

    def some(things: list[Any]) -> list[Any]:
        return draw(st.lists(st.sampled_from(things), unique_by=id, max_size=4)) if things else []

    def one(things: list[Any]) -> Any:
        return draw(st.sampled_from([None, *things]))

    def count() -> range:
        return range(1, 1 + draw(st.integers(0, 4)))

    tags = [Tag(id=n, name=f"tag {n}") for n in count()]
    products = [Product(id=UUID(int=n), name=f"product {n}", tags=some(tags)) for n in count()]
    customers = [Customer(id=n, name=f"customer {n}", settings={"n": [n]}) for n in count()]
    orders = [Order(id=n, customer=one(customers), notes=f"note {n}") for n in count()]
    for order in orders:
        order.items = [Item(position=n, product=one(products)) for n in count()]
    staff: list[Any] = []
    for n in count():
        kind = draw(st.sampled_from([Employee, Manager, Engineer]))
        staff.append(kind(id=n, name=f"employee {n}", boss=one(staff)))
    session.add_all([*tags, *customers, *products, *orders, *staff])
    session.flush()
    session.expunge_all()


OPTIONS = {
    Customer: [selectinload(Customer.orders), selectinload(Customer.orders).selectinload(Order.items)],
    Order: [
        undefer(Order.notes),
        selectinload(Order.customer),
        selectinload(Order.items).selectinload(Item.order),
        selectinload(Order.items).selectinload(Item.product).selectinload(Product.tags),
        selectinload(Order.invoice),
    ],
    Product: [selectinload(Product.tags), selectinload(Product.tags).selectinload(Tag.products)],
    Tag: [selectinload(Tag.products)],
    Employee: [selectinload(Employee.boss), selectinload(Employee.reports, recursion_depth=2)],
}
CHANGES: list[Callable[[Session, Any], Any]] = [
    lambda session, obj: session.expire(obj),
    lambda session, obj: session.expire(obj, ["id"]),
    lambda session, obj: session.refresh(obj),
    lambda session, obj: session.expunge(obj),
    lambda session, obj: setattr(obj, "name", "changed"),
    lambda session, obj: session.delete(obj),
    lambda session, obj: touch(obj),
    lambda session, obj: setattr(obj, "address", Address("a", None)),
    lambda session, obj: setattr(obj, "reports", [Engineer(name="new"), Manager(name="new")]),
    lambda session, obj: setattr(obj, "items", [Item(position=9), Item(position=9)]),
]


def touch(obj: Any) -> None:
    """Load every relationship that can be."""
    for relation in inspect(obj).mapper.relationships:
        if relation.lazy == "select":
            getattr(obj, relation.key)


def load(session: Session, draw: Callable[[st.SearchStrategy[Any]], Any]) -> list[Any]:
    """Some of the objects, loaded and changed at random."""
    loaded: list[Any] = []
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4)):
        options = draw(st.lists(st.sampled_from(OPTIONS[kind]), max_size=3, unique_by=id))
        loaded += session.scalars(select(kind).options(*options)).unique().all()
    if loaded:
        for change in draw(st.lists(st.sampled_from(CHANGES), max_size=4)):
            obj = draw(st.sampled_from(loaded))
            if obj in session:
                with session.no_autoflush:
                    change(session, obj)
    return loaded


def compare(obj: Any, taken: Snapshot[Any], known: dict[int, tuple[Any, Snapshot[Any]]]) -> None:
    """One object has one snapshot, with the values that it has and the snapshots of its related objects."""
    rest = [(obj, taken)]
    while rest:
        obj, taken = rest.pop()
        if id(obj) in known:
            assert known[id(obj)][1] is taken
            continue
        known[id(obj)] = obj, taken
        state = inspect(obj)
        names = state.dict.keys() & set(state.mapper.attrs.keys()) - NEVER
        assert names == vars(taken).keys()
        for name in names:
            value, its = state.dict[name], getattr(taken, name)
            if name not in state.mapper.relationships:
                assert value == its
                assert isinstance(its, (type(value), dict))
            elif isinstance(value, list):
                assert len(value) == len(its)
                rest += zip(value, its, strict=True)
            elif value is None:
                assert its is None
            else:
                rest.append((value, its))
        for name in set(state.mapper.attrs.keys()) - names:
            with pytest.raises(NotLoadedError):
                getattr(taken, name)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_snapshot_is_what_the_objects_have(memory: Engine, data: st.DataObject):
    with Session(memory) as session:
        stock(session, data.draw)
        objs = load(session, data.draw)
        roots = data.draw(st.lists(st.sampled_from(objs), max_size=5)) if objs else []
        known: dict[int, tuple[Any, Snapshot[Any]]] = {}

        with statements(memory) as sent:
            taken, again = snapshot(roots), snapshot(roots)
            for obj, its in zip(roots, taken, strict=True):
                compare(obj, its, known)
            omitted = snapshot(roots, unloaded="omit")

        assert [] == sent
        assert taken == again == omitted == pickle.loads(pickle.dumps(taken))
        assert [*map(hash, taken)] == [*map(hash, again)]
        for one, other in zip(taken, omitted, strict=True):
            repr(one)
            assert one == pickle.loads(pickle.dumps(one))
            json.loads(other.to_json())


def collection(draw: Callable[[st.SearchStrategy[Any]], Any]) -> list[Exhibit]:
    """New objects, some with the same values, in sets, in dicts, and in chains that may close."""
    keys = st.sampled_from([None, 1, 2])
    exhibits = [Exhibit(id=draw(keys), name=draw(st.sampled_from("ab"))) for _ in range(draw(st.integers(1, 5)))]
    for exhibit in exhibits:
        exhibit.before = draw(st.sampled_from([None, *exhibits]))
        exhibit.guides = {
            Guide(id=draw(keys), name=draw(st.sampled_from("ab"))) for _ in range(draw(st.integers(0, 3)))
        }
        exhibit.notes = {}
        for language in draw(st.sets(st.sampled_from(["de", "en"]))):
            guide = draw(st.sampled_from([None, *exhibit.guides]))
            exhibit.notes[language] = Note(language=language, text=draw(st.sampled_from("ab")), guide=guide)
    return exhibits


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_snapshots_of_new_objects_in_sets_and_dicts_are_values(data: st.DataObject):
    exhibits = collection(data.draw)

    taken, again = snapshot(exhibits), snapshot(exhibits)

    assert taken == again == pickle.loads(pickle.dumps(taken))
    assert [*map(hash, taken)] == [*map(hash, again)]
    for exhibit, its in zip(exhibits, taken, strict=True):
        assert {(guide.id, guide.name) for guide in exhibit.guides} == {(one.id, one.name) for one in its.guides}
        assert {key: note.text for key, note in exhibit.notes.items()} == {
            key: note.text for key, note in its.notes.items()
        }
        assert its == pickle.loads(pickle.dumps(its)) == snapshot(exhibit)
        json.loads(its.to_json())
    for one, other in itertools.combinations(taken, 2):
        assert (one == other) == (other == one)
        assert one != other or hash(one) == hash(other)
