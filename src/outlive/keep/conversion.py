"""Snapshots as instances of a schema: pydantic, dataclass, ``msgspec.Struct``, ``TypedDict``, ``NamedTuple``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import UnionType
from typing import Annotated, Any, TypeAlias, Union, cast, get_args, get_origin, is_typeddict

import msgspec

from outlive.keep.layouts import Record, related
from outlive.keep.schemas import SchemaField, name_of_type
from outlive.keep.shapes import fields_read
from outlive.lifecycle.errors import SchemaError

Node: TypeAlias = tuple[Record, Any]
"""A snapshot, and the schema that it becomes an instance of."""


def converted(taken: Sequence[Record], schema: Any) -> list[Any]:
    """An instance of the schema for each snapshot; of a schema that is not pydantic's, one for the same snapshot.

    Raises:
        SchemaError: An instance would have to contain itself, or an object lacks what a field needs.
        ValidationError: pydantic's own.
    """
    made: dict[tuple[int, Any], Any] = {}
    for record in taken:
        _build((record, schema), made)
    return [made[id(record), schema] for record in taken]


def _build(root: Node, made: dict[tuple[int, Any], Any]) -> None:
    """Make an instance, those before it that it contains: objects may be linked more deeply than the stack is."""
    way, begun = [root], set[tuple[int, Any]]()
    while way:
        record, schema = way[-1]
        missing = [node for node in _contents(record, schema) if _key(node) not in made]
        if missing and not begun.isdisjoint(map(_key, missing)):
            title = record.outlive_layout.kind.title(record.outlive_identity)
            hint = "give the field that leads back another schema, or leave it out"
            raise SchemaError(f"{name_of_type(schema)} of {title} would contain itself: {hint}")
        if missing:
            begun.add(_key(way[-1]))
            way += missing
        else:
            made[_key(way.pop())] = _instance(record, schema, made)


def _key(node: Node) -> tuple[int, Any]:
    return id(node[0]), node[1]


def _contents(record: Record, schema: Any) -> Iterator[Node]:
    """The snapshots in an instance, and their schemas; pydantic looks after them itself."""
    if not hasattr(schema, "model_validate"):
        for field in fields_read(schema):
            name = _source(record, field)
            if name in record.outlive_layout.relations and field.schemas:
                yield from ((other, _fitting(other, field.schemas)) for other in related(vars(record)[name]))


def _instance(record: Record, schema: Any, made: dict[tuple[int, Any], Any]) -> Any:
    if hasattr(schema, "model_validate"):
        return schema.model_validate(record, from_attributes=True)
    values: dict[str, Any] = {}
    for field in fields_read(schema):
        name = _source(record, field)
        if name in record.outlive_layout.relations:
            values[field.name] = _related_value(vars(record)[name], field, made)
        elif name is not None:
            values[field.name] = _plain_value(vars(record)[name], field)
        elif not field.has_default:
            title = record.outlive_layout.kind.title(record.outlive_identity)
            raise SchemaError(f"{name_of_type(schema)}.{field.name} has no default, and {title} no such attribute")
    return schema(**values)


def _source(record: Record, field: SchemaField) -> str | None:
    """The first attribute with a value that a field can be read from."""
    synonyms = record.outlive_layout.kind.synonyms
    names = [synonyms.get(name, name) for (name, *_) in field.sources if isinstance(name, str)]
    return next((name for name in names if name in vars(record)), None)


def _related_value(value: Any, field: SchemaField, made: dict[tuple[int, Any], Any]) -> Any:
    def member(record: Record) -> Any:
        return made[id(record), _fitting(record, field.schemas)] if field.schemas else record

    if value is None or isinstance(value, Record):
        return None if value is None else member(value)
    if isinstance(value, dict):
        return {key: member(record) for key, record in cast("dict[object, Record]", value).items()}
    make: Any = _collection(field.annotation) or (list if isinstance(value, list) else set)
    return make(map(member, cast("Iterable[Record]", value)))


def _plain_value(value: Any, field: SchemaField) -> Any:
    """A value as it is, unless it has to become an instance of another schema: a composite, JSON."""
    kinds = tuple(dict if is_typeddict(schema) else get_origin(schema) or schema for schema in field.schemas)
    if value is None or not kinds or isinstance(value, kinds):
        return value
    return msgspec.convert(value, field.annotation, from_attributes=True)


def _fitting(record: Record, schemas: Sequence[Any]) -> Any:
    """The first schema that the snapshot has all attributes for, else the first."""

    def fits(schema: Any) -> bool:
        return all(field.has_default or _source(record, field) is not None for field in fields_read(schema))

    return next(filter(fits, schemas), schemas[0])


def _collection(annotation: Any) -> type[Any] | None:
    """The collection that a field wants, if it names one that can be made."""
    origin = get_origin(annotation) or annotation
    if origin in {Annotated, Union, UnionType}:
        return next(filter(None, map(_collection, get_args(annotation))), None)
    return origin if origin in {list, tuple, set, frozenset} else None
