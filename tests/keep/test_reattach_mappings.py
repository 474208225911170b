"""Whatever the join condition, the collection and the methods of a class: copies come back as they went."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, delete, inspect, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Mapper, RelationshipProperty, Session, mapped_column, selectinload

from outlive import Reference, load_all, reattach, reattach_all, reference
from tests.databases import MEMORY
from tests.keep import mappings
from tests.keep.mappings import Base, Call, Club, Person, Phone
from tests.store import statements

Base.registry.configure()
RELATIONSHIPS = sorted(
    {relation for mapper in Base.registry.mappers for relation in mapper.relationships if relation.parent is mapper},
    key=str,
)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with MEMORY.engine(mappings) as engine:
        yield engine


def cached(engine: Engine, mapper: Mapper[Any], *options: Any) -> list[Any]:
    with Session(engine) as session:
        return list(session.scalars(select(mapper.entity).options(*options)).unique())


def shown(obj: Any, name: str) -> Any:
    """What an attribute holds, by keys."""
    value = inspect(obj).dict[name]
    if isinstance(value, dict):
        return {key: inspect(target).identity for key, target in value.items()}
    if isinstance(value, set):
        return {inspect(target).identity for target in value}
    if isinstance(value, list):
        return [inspect(target).identity for target in value]
    return value and inspect(value).identity


@pytest.mark.parametrize("relation", RELATIONSHIPS, ids=str)
def test_a_relationship_comes_back_as_it_went(engine: Engine, relation: RelationshipProperty[Any]):
    copies = cached(engine, relation.parent, selectinload(relation.class_attribute))

    with Session(engine) as session, statements(engine) as sent:
        found = reattach_all(session, copies)
        reads = len(sent)

        assert [shown(copy, relation.key) for copy in copies] == [shown(obj, relation.key) for obj in found]
        session.flush()
        assert reads == len(sent)


@pytest.mark.parametrize("relation", RELATIONSHIPS, ids=str)
def test_a_merge_of_a_changed_object_loads_nothing_of_its_own(engine: Engine, relation: RelationshipProperty[Any]):
    copies = cached(engine, relation.parent, selectinload(relation.class_attribute))
    changed = [copy for copy in copies if "name" in copy.__dict__]
    counts = []
    for _ in range(2):
        with Session(engine) as session, statements(engine) as sent:
            reattach_all(session, copies)
            counts.append(len(sent))
        for copy in changed:
            copy.name = "changed"

    assert counts[0] == counts[1]


def test_a_keyed_collection_loses_what_is_gone(engine: Engine):
    people = cached(engine, inspect(Person), selectinload(Person.phones))
    with Session(engine) as other, other.begin():
        other.execute(delete(Call))
        other.execute(delete(Phone).where(Phone.label == "home"))

    with Session(engine) as session:
        found = reattach_all(session, people, missing="skip")

        assert [{"work"}, {"work"}, set(), set()] == [set(person.phones) for person in found]
        assert [{"home", "work"}] * 2 == [set(person.phones) for person in people[:2]]


def test_a_self_referential_many_to_many_is_carried_over(engine: Engine):
    people = cached(engine, inspect(Person), selectinload(Person.friends))
    people[3].friends = []
    people[0].friends.remove(people[3])
    with Session(engine) as session, session.begin():
        reattach_all(session, people)

    again = cached(engine, inspect(Person), selectinload(Person.friends))
    assert [shown(copy, "friends") for copy in people] == [shown(copy, "friends") for copy in again]


# --- methods of the user's


class Touchy(DeclarativeBase):
    """Nothing of it may be called: it might load, or be wrong."""


def never(*_: Any) -> Any:
    raise AssertionError("called")


class Thing(Touchy):
    __tablename__ = "thing"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    __bool__ = __len__ = __eq__ = __repr__ = __iter__ = never
    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize("change", [False, True])
def test_no_method_of_an_object_is_called(change: bool):
    with MEMORY.engine() as engine:
        Touchy.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(Thing(id=1, name="one"))
            session.commit()
            thing = session.scalars(select(Thing)).one()
        if change:
            thing.name = "changed"
        ref = reference(thing)

        with Session(engine) as session:
            [loaded] = load_all(session, [Reference.loads(ref.dumps(), Touchy)])
            found = reattach(session, thing)
            [same] = reattach_all(session, [thing])

            assert loaded is found
            assert found is same
            assert ("changed" if change else "one") == found.name


def test_a_class_of_a_club_is_found_among_its_namesakes():
    assert Club is Reference.loads(Reference(Club, (1,)).dumps(), Base).class_
