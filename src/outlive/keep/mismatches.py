"""Where a schema and its mapped class do not fit: what is wrong, and what to write instead."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from datetime import date, time, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, cast
from uuid import UUID

import sqlalchemy
from sqlalchemy import MetaData, TypeDecorator
from sqlalchemy.orm import ColumnProperty, Mapper, QueryableAttribute, RelationshipProperty, registry
from sqlalchemy.orm.descriptor_props import ConcreteInheritedProperty

from outlive.keep.schemas import SchemaField, name_of_type
from outlive.lifecycle.errors import SchemaError

_SCALARS = (str, int, float, bytes, Decimal, date, time, timedelta, UUID)
_QUALIFIER = re.compile(r"(?:[\w<>]+\.)+(?=\w)")


def has_attribute(mapper: Mapper[Any], name: str | int) -> bool:
    """Whether objects of the class have an attribute that a value can come from."""
    prop = mapper.attrs.get(str(name))
    if prop is not None:
        # What a concrete table does not have, its class refuses to inherit.
        return not isinstance(prop, ConcreteInheritedProperty)
    found = inspect.getattr_static(mapper.class_, str(name), None)
    # A column named "metadata" has another name in its class: there it is the MetaData of the base class.
    return not (found is None or isinstance(found, MetaData | registry))


def lacks(schema: Any, field: SchemaField, mapper: Mapper[Any], name: str | int) -> SchemaError:
    """A name that neither the class nor one of its subclasses has."""
    family = list(mapper.self_and_descendants)
    known = {key for one in family for key in dict(one.all_orm_descriptors) if has_attribute(one, key)}
    close = get_close_matches(str(name), known, n=1)
    hint = f", did you mean {close[0]!r}?" if close else ""
    spared = "Its default would be used. " if field.has_default else ""
    return SchemaError(
        f"{_site(schema, field, name)}, which {mapper.class_.__name__} does not have{hint or '.'} {spared}"
        f"If the field is not read from the object, say so: {_declared(field)}"
    )


def foreign(schema: Any, field: SchemaField, mapper: Mapper[Any], attribute: QueryableAttribute[Any]) -> SchemaError:
    """A declared path that begins at another class."""
    return SchemaError(
        f"{_field(schema, field)} declares that it reads {attribute}, which is no attribute of "
        f"{mapper.class_.__name__}: a path begins at the class that the schema is read from"
    )


def endless(trail: Iterable[frozenset[Any]], again: frozenset[Any]) -> SchemaError:
    """Schemas that lead back to one another, over more than one relationship."""
    way = " -> ".join(_union(schemas) for schemas in [*trail, again])
    return SchemaError(
        f"{_union(again)} is read again without end, {way}: options can load this for a single relationship of a class "
        "to itself only. Give the field that leads back a schema that does not"
    )


def branches(mapper: Mapper[Any], schemas: Iterable[Any], names: Iterable[str]) -> SchemaError:
    """A recursive schema with more than one way down."""
    ways = " and ".join(f"{mapper.class_.__name__}.{name}" for name in names)
    return SchemaError(
        f"{_union(schemas)} is read again through {ways}: options can follow one such relationship only, and the same "
        "schema all the way down. Give other fields that read them a schema that is not recursive"
    )


def check_loadable(schema: Any, field: SchemaField, mapper: Mapper[Any], relation: RelationshipProperty[Any]) -> None:
    """Raise for a relationship whose objects cannot be loaded into it."""
    if relation.lazy in {"dynamic", "write_only"}:
        raise SchemaError(
            f"{_site(schema, field, relation.key)}, and {mapper.class_.__name__}.{relation.key} is a {relation.lazy} "
            "relationship, which cannot be loaded. Get its objects by a query of their own, and say that the field "
            f"is not read from the object: {_declared(field)}"
        )


def check_objects(schema: Any, field: SchemaField, mapper: Mapper[Any], relation: RelationshipProperty[Any]) -> None:
    """Raise if a field takes objects of a relationship for something that says nothing of what is read of them."""
    kinds = [sqlalchemy.inspect(other, raiseerr=False) for other in field.others]
    whole = any(isinstance(kind, Mapper) and kind.common_parent(relation.mapper) for kind in kinds)
    if field.reads is None and not whole:
        attribute = f"{mapper.class_.__name__}.{relation.key}"
        raise SchemaError(
            f"{_site(schema, field, relation.key)}, and {attribute} is a relationship to "
            f"{relation.mapper.class_.__name__}. Give the field a schema for it in place of {_type(field)}, or say "
            f"what is read: {_declared(field, attribute)}"
        )


def check_column(schema: Any, field: SchemaField, mapper: Mapper[Any], column: ColumnProperty[Any]) -> None:
    """Raise for a field that only takes objects with attributes of their own, where the column has none."""
    if field.schemas and not field.others and field.reads is None and _is_scalar(column):
        raise SchemaError(
            f"{_site(schema, field, column.key)}, and {mapper.class_.__name__}.{column.key} is a column of "
            f"{column.columns[0].type.python_type.__name__}, not a relationship that could be read as {_type(field)}"
        )


def check_unmapped(schema: Any, field: SchemaField, mapper: Mapper[Any], name: str) -> None:
    """Raise for an attribute that is computed: what from, nobody knows."""
    served_by: Any = inspect.getattr_static(mapper.class_, name)
    kind = cast("type[object]", type(served_by))
    if hasattr(kind, "__get__"):
        function = next((getattr(served_by, key) for key in ("fget", "func") if hasattr(served_by, key)), served_by)
        attributes = [f"{mapper.class_.__name__}.{key}" for key in _names_in(function) if key in mapper.attrs]
        raise SchemaError(
            f"{_site(schema, field, name)}, and {mapper.class_.__name__}.{name} is a {kind.__name__}, which "
            f"does not tell what it reads. Declare all of it: {_declared(field, *attributes)}"
        )


def _names_in(function: Any) -> Iterable[str]:
    code = getattr(function, "__code__", None)
    return code.co_names if code is not None else ()


def _is_scalar(column: ColumnProperty[Any]) -> bool:
    kind = column.columns[0].type
    if isinstance(kind, TypeDecorator):
        return False
    try:
        return issubclass(kind.python_type, _SCALARS)
    except NotImplementedError:
        return False


def _field(schema: Any, field: SchemaField) -> str:
    return f"{_name(schema)}.{field.name}"


def _site(schema: Any, field: SchemaField, name: str | int) -> str:
    return f"{_field(schema, field)} is read from {str(name)!r}"


def _union(schemas: Iterable[Any]) -> str:
    return " | ".join(sorted(_name(schema) for schema in schemas))


def _name(annotation: Any) -> str:
    return _QUALIFIER.sub("", name_of_type(annotation))


def _type(field: SchemaField) -> str:
    return f"`{_name(field.annotation)}`"


def _declared(field: SchemaField, *attributes: str) -> str:
    """What to write in the schema."""
    return f"`{field.name}: Annotated[{_name(field.annotation)}, outlive.reads({', '.join(attributes)})]`"
