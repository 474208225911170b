"""Whatever the join condition and the collection: one statement, and what a lazy load would have given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, select, text, update
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import Mapper, RelationshipProperty, Session, lazyload

from outlive import ensure_loaded, refresh_all
from tests import databases, servers
from tests.databases import MEMORY
from tests.keep import mappings
from tests.keep.mappings import Base, Club, Country, Goal, Person, Phone
from tests.store import statements

Base.registry.configure()
RELATIONSHIPS = sorted(
    {relation for mapper in Base.registry.mappers for relation in mapper.relationships if relation.parent is mapper},
    key=str,
)


@pytest.fixture(scope="module", params=(*databases.SYNC, "pymysql"))
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Of the whole module: no test commits a change."""
    with ExitStack() as stack:
        match request.param:
            case "sqlite":
                database = databases.sqlite("sqlite", str(tmp_path_factory.mktemp("mappings") / "test.db"))
            case "psycopg":
                database = databases.postgresql("psycopg", stack.enter_context(servers.postgresql_schema()))
            case _:
                database = databases.mariadb("pymysql", request.getfixturevalue("mariadb"))
        yield stack.enter_context(database.engine(mappings))


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


def all_of(session: Session, mapper: Mapper[Any]) -> list[Any]:
    keys = [getattr(mapper.class_, mapper.get_property_by_column(column).key) for column in mapper.primary_key]
    return list(session.scalars(select(mapper.class_).options(lazyload("*")).order_by(*keys)))


def shown(obj: Any, name: str) -> Any:
    """What an attribute holds, by keys: comparable between sessions."""
    value = inspect(obj).dict[name]
    if isinstance(value, dict):
        return {key: inspect(target).identity for key, target in value.items()}
    if isinstance(value, set):
        return {inspect(target).identity for target in value}
    if isinstance(value, list):
        return [inspect(target).identity for target in value]
    return value and inspect(value).identity


def lazily(engine: Engine, relation: RelationshipProperty[Any]) -> list[Any]:
    with Session(engine) as session:
        found = all_of(session, relation.parent)
        for obj in found:
            getattr(obj, relation.key)
        return [shown(obj, relation.key) for obj in found]


@pytest.mark.parametrize("relation", RELATIONSHIPS, ids=str)
def test_it_gives_what_a_lazy_load_gives(relation: RelationshipProperty[Any], engine: Engine, session: Session):
    expected = sorted_lists(relation, lazily(engine, relation))
    parents = all_of(session, relation.parent)

    ensure_loaded(session, parents, getattr(relation.parent.class_, relation.key))

    assert expected == sorted_lists(relation, [shown(obj, relation.key) for obj in parents])


def sorted_lists(relation: RelationshipProperty[Any], values: list[Any]) -> list[Any]:
    return (
        values
        if relation.order_by or relation.collection_class
        else [sorted(value) if isinstance(value, list) else value for value in values]
    )


@pytest.mark.parametrize("relation", RELATIONSHIPS, ids=str)
def test_it_costs_one_statement(relation: RelationshipProperty[Any], engine: Engine, session: Session):
    parents = all_of(session, relation.parent)

    with statements(engine) as sent:
        ensure_loaded(session, parents, getattr(relation.parent.class_, relation.key))
    with statements(engine) as more:
        for parent in parents:
            getattr(parent, relation.key)

    assert (1, []) == (len(sent), more)


@pytest.mark.parametrize("relation", RELATIONSHIPS, ids=str)
def test_no_other_relationship_is_loaded(relation: RelationshipProperty[Any], session: Session):
    parents = all_of(session, relation.parent)

    ensure_loaded(session, parents, getattr(relation.parent.class_, relation.key))

    assert {relation.key} == {
        name for parent in parents for name in inspect(parent).dict if name in inspect(parent).mapper.relationships
    }


@pytest.mark.parametrize("relation", RELATIONSHIPS, ids=str)
def test_expired_objects_stay_so_apart_from_it(relation: RelationshipProperty[Any], engine: Engine, session: Session):
    expected = sorted_lists(relation, lazily(engine, relation))
    parents = all_of(session, relation.parent)
    session.commit()

    ensure_loaded(session, parents, getattr(relation.parent.class_, relation.key))

    assert expected == sorted_lists(relation, [shown(obj, relation.key) for obj in parents])


CHANGEABLE = [relation for relation in RELATIONSHIPS if relation.uselist and relation.back_populates]


@pytest.mark.parametrize("relation", CHANGEABLE, ids=str)
def test_what_back_references_have_added_stays(relation: RelationshipProperty[Any], session: Session):
    parent = all_of(session, relation.parent)[0]
    rows = len(shown_after_loading(session, parent, relation))
    session.expire(parent, [relation.key])
    new = relation.mapper.class_(**({"label": "new"} if relation.mapper.class_ is Phone else {}))
    if isinstance(getattr(new, relation.back_populates), list):
        getattr(new, relation.back_populates).append(parent)
    else:
        setattr(new, relation.back_populates, parent)

    assert rows + 1 == len(shown_after_loading(session, parent, relation))
    assert [new] == list(inspect(parent).attrs[relation.key].history.added)


def shown_after_loading(session: Session, parent: Any, relation: RelationshipProperty[Any]) -> Any:
    assert relation.key not in inspect(parent).dict
    ensure_loaded(session, parent, getattr(relation.parent.class_, relation.key))
    return shown(parent, relation.key)


def test_a_synonym_stands_for_its_relationship(engine: Engine, session: Session):
    person = session.get(Person, 1)
    ensure_loaded(session, person, Person.telephones, (Person.telephones, Phone.calls))

    with statements(engine) as sent:
        assert {"home": 2, "work": 2} == {label: len(phone.calls) for label, phone in person.phones.items()}
    assert [] == sent


def test_a_reference_that_raises_on_sql_is_loaded_when_it_is_named_and_guards_the_others(session: Session):
    people = session.scalars(select(Person).where(Person.country_code.is_not(None)).order_by(Person.id)).all()

    ensure_loaded(session, people[0], Person.country_if_read)

    assert "NO" == people[0].country_if_read.code
    session.expunge(people[0].country_if_read)
    with pytest.raises(InvalidRequestError, match="raise_on_sql"):
        people[1].country_if_read  # noqa: B018


def test_the_way_back_of_a_collection_is_not_loaded_eagerly(engine: Engine, session: Session):
    person = session.get(Person, 1)
    session.expire(person)

    with statements(engine) as sent:
        ensure_loaded(session, person, Person.phones)

    assert (1, 0) == (len(sent), sent[0].count("JOIN"))
    assert {"phones"} == set(inspect(person).dict) - {"_sa_instance_state"}


def test_a_key_that_only_the_database_finds_equal_is_found(session: Session):
    goal = session.scalars(select(Goal).limit(1)).one()
    goal.player_id = "2"  # type: ignore[assignment]
    if session.get_bind().dialect.name == "postgresql":
        pytest.skip("refuses text for a number")

    ensure_loaded(session, goal, Goal.player)

    assert 2 == goal.player.id


def test_several_binds_are_asked_each_for_its_own_classes():
    with (
        MEMORY.engine(mappings) as one,
        MEMORY.engine(mappings) as other,
        Session(binds={Person: one, Country: other, Club: other}) as session,
    ):
        people = session.scalars(select(Person).order_by(Person.id)).all()
        with statements(one) as first, statements(other) as second:
            ensure_loaded(session, people, Person.country, Person.clubs)

    assert (0, 2) == (len(first), len(second))
    assert ["NO", "NO", None, None] == [person.country and person.country.code for person in people]


def test_each_shard_is_asked_for_its_own_objects():
    def those_asked(*_: object, lazy_loaded_from: Any, **__: object) -> list[str]:
        return [lazy_loaded_from.identity_token] if lazy_loaded_from else ["first", "second"]

    with (
        MEMORY.engine(mappings) as first,
        MEMORY.engine(mappings) as second,
        ShardedSession(
            shards={"first": first, "second": second},
            shard_chooser=lambda *_, **__: "first",
            identity_chooser=those_asked,
            execute_chooser=lambda _: ["first", "second"],
        ) as session,
    ):
        for number, engine in enumerate((first, second), 1):
            with engine.begin() as connection:
                connection.execute(update(Country).values(number=Country.number + number))
        people = [person for person in session.scalars(select(Person)) if person.id == 1]
        ensure_loaded(session, people, Person.country, Person.clubs)
        session.execute(text("UPDATE person SET name = 'new'"), bind_arguments={"shard_id": "second"})
        refresh_all(session, people, ["name"])
        found = {inspect(person).identity_token: person for person in people}

    assert {"first": 47 + 1, "second": 47 + 2} == {
        name: person.country.number for name, person in found.items() if person.country
    }
    assert {"first": ["first"], "second": ["second"]} == {
        name: [inspect(club).identity_token for club in person.clubs] for name, person in found.items()
    }
    assert {"first": "Kim", "second": "new"} == {name: person.name for name, person in found.items()}
