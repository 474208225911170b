"""``loader_options`` on random schemas: what they read is loaded, and nothing else.

A random *reading* says which columns and relationships are read of each object, level by level.  A schema is made of
it, and the same reading, followed on the objects afterwards, tells what has to be loaded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, create_model
from sqlalchemy import Engine, inspect
from sqlalchemy.orm import CompositeProperty, Mapper, RelationshipDirection, RelationshipProperty

from tests import store
from tests.databases import MEMORY, VERSION
from tests.keep import company
from tests.keep.responses import loaded, respond

pytestmark = pytest.mark.skipif(
    VERSION < (2, 0, 21), reason="before 2.0.21 an option behind a relationship cannot name an attribute of a subclass"
)
DEPTH = 3


@dataclass(frozen=True)
class Reading:
    """What is read of an object; of relationships, what is read of the objects there."""

    mapper: Mapper[Any]
    columns: frozenset[str]
    relationships: dict[str, Reading]


def attributes(mapper: Mapper[Any], kind: str) -> dict[str, Any]:
    """Also those of subclasses."""
    found = {key: prop for one in mapper.self_and_descendants for key, prop in getattr(one, kind).items()}
    return {key: prop for key, prop in found.items() if getattr(prop, "lazy", None) not in {"dynamic", "write_only"}}


@st.composite
def readings(draw: st.DrawFn, mapper: Mapper[Any], depth: int = DEPTH) -> Reading:
    columns = sorted([*attributes(mapper, "column_attrs"), *attributes(mapper, "composites")])
    relationships = attributes(mapper, "relationships")
    chosen = draw(st.sets(st.sampled_from(sorted(relationships)), max_size=2)) if depth and relationships else set()
    return Reading(
        mapper,
        draw(st.frozensets(st.sampled_from(columns), max_size=4)),
        {name: draw(readings(relationships[name].mapper, depth - 1)) for name in sorted(chosen)},
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Reading, type[BaseModel]]:
    mappers = [*store.Base.registry.mappers, *company.Base.registry.mappers]
    reading = draw(readings(draw(st.sampled_from(sorted(mappers, key=str)))))
    return reading, draw(schemas(reading))


@st.composite
def schemas(draw: st.DrawFn, reading: Reading) -> type[BaseModel]:
    """A schema that reads it, under names of its own where it likes."""
    fields: dict[str, Any] = {}
    for name in reading.columns:
        fields.update([draw(aliased(name, Any))])
    for name, behind in reading.relationships.items():
        inner: Any = draw(schemas(behind))
        relation = attributes(reading.mapper, "relationships")[name]
        several = draw(st.sampled_from([list[inner], tuple[inner, ...], list[inner] | None]))
        if is_keyed(relation):
            several = dict[str, inner]
        fields.update([draw(aliased(name, several if relation.uselist else inner | None))])
    return create_model("Schema", __config__=ConfigDict(from_attributes=True), **fields)


@st.composite
def aliased(draw: st.DrawFn, name: str, annotation: Any) -> tuple[str, tuple[Any, Any]]:
    alias = draw(st.sampled_from([None, name, AliasChoices("no_such_name", name)]))
    # A default serves the objects of other subclasses.
    return (
        (name, (annotation, None))
        if alias is None
        else (f"x_{name}", (annotation, Field(None, validation_alias=alias)))
    )


def follow(reading: Reading, obj: Any, expected: defaultdict[Any, set[str]]) -> None:
    """Note what the reading reads of an object and of those behind it."""
    mapper = inspect(obj).mapper
    for name in reading.columns & set(mapper.attrs.keys()):
        prop = mapper.attrs[name]
        expected[inspect(obj)] |= {one.key for one in prop.props} if isinstance(prop, CompositeProperty) else {name}
    for name in reading.relationships.keys() & set(mapper.relationships.keys()):
        expected[inspect(obj)].add(name)
        value = getattr(obj, name)
        if is_keyed(mapper.relationships[name]):
            value = list(value.values())
            for one in value:
                # The collection reads its objects, and which columns is not known.
                expected[inspect(one)].update(inspect(one).mapper.column_attrs.keys())
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                follow(reading.relationships[name], one, expected)


def is_keyed(relation: RelationshipProperty[Any]) -> bool:
    return relation.collection_class not in {None, list}


def always(mapper: Mapper[Any]) -> set[str]:
    """What is loaded anyhow: keys, the discriminator, the version counter."""
    columns = [*mapper.primary_key, mapper.polymorphic_on, mapper.version_id_col]
    return {mapper.get_property_by_column(column).key for column in columns if column is not None}


def statements_at_most(reading: Reading) -> int:
    """Of the relationships of a reading: one for each collection, and one for each subclass that an object may have."""
    relationships = attributes(reading.mapper, "relationships")
    return (
        sum(
            (relationships[name].direction is not RelationshipDirection.MANYTOONE) + statements_at_most(behind)
            for name, behind in reading.relationships.items()
        )
        + len(list(reading.mapper.self_and_descendants))
        - 1
    )


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with MEMORY.engine(store, company) as engine:
        yield engine


@given(case=cases())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_a_schema_reads_is_loaded_and_nothing_else(engine: Engine, case: tuple[Reading, type[BaseModel]]):
    reading, schema = case

    response = respond(engine, reading.mapper.class_, schema)

    expected: defaultdict[Any, set[str]] = defaultdict(set)
    for obj in response.objects:
        expected[inspect(obj)] |= set()
        follow(reading, obj, expected)
    for state, names in expected.items():
        found = loaded(state.obj()) - set(state.mapper.composites.keys())
        by_mapping = company.BY_MAPPING.get(state.class_, set())
        assert set() == names - found
        assert set() == found - names - always(state.mapper) - by_mapping
    assert len(response.sent) <= 1 + statements_at_most(reading)
