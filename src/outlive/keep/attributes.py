"""Which attribute of a mapping a caller means, and whether an object has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from sqlalchemy import inspect
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import (
    ColumnProperty,
    CompositeProperty,
    Mapper,
    MapperProperty,
    QueryableAttribute,
    RelationshipProperty,
    SynonymProperty,
)

from outlive.sessions.mapped import query_expressions

Property: TypeAlias = "ColumnProperty[Any] | CompositeProperty[Any] | RelationshipProperty[Any]"


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a mapped class, by the name under which it is mapped: that of a synonym is resolved."""

    mapper: Mapper[Any]
    name: str

    def __str__(self) -> str:
        return f"{self.mapper.class_.__name__}.{self.name}"


def attribute_of(given: object) -> Attribute:
    """The attribute that ``Order.items`` stands for.

    Raises:
        ArgumentError: Anything but the attribute of a mapped class itself; says what to write instead.
    """
    if not isinstance(given, QueryableAttribute):
        raise ArgumentError(f"expected an attribute of a mapped class, such as Order.items, got {given!r}")
    mapper: Mapper[Any] = inspect(given.class_).mapper
    found = property_of(mapper, given.key)
    if getattr(mapper.class_, given.key) is not given:
        # They choose among the rows; the attribute of the object would then hold less than it says.
        shown = f"{mapper.class_.__name__}.{given.key}"
        raise ArgumentError(f"expected {shown} itself, got {given}: not of an alias, with of_type() or with and_()")
    return Attribute(mapper, found.key)


def property_of(mapper: Mapper[Any], name: str) -> Property:
    """What a mapper has under this name, or under the one that a synonym stands for.

    Raises:
        ArgumentError: It maps no such attribute, or one that has no value that could be loaded.
    """
    if name not in mapper.attrs:
        raise ArgumentError(f"{mapper.class_.__name__} maps no column or relationship {name!r}")
    found: MapperProperty[Any] = mapper.attrs[name]
    match found:
        case SynonymProperty():
            return property_of(mapper, found.name)
        case RelationshipProperty() if found.lazy in {"dynamic", "write_only"}:
            shown = f"{mapper.class_.__name__}.{name}"
            raise ArgumentError(f"{shown} is lazy={found.lazy!r} and never holds its objects: select them instead")
        case ColumnProperty() | CompositeProperty() | RelationshipProperty():
            return found
        case _:
            raise ArgumentError(f"{mapper.class_.__name__}.{name} is no column and no relationship")


def steps_of(path: object) -> Iterator[Attribute]:
    """The attributes of a path: of one that stands alone, or of a tuple in which each follows the one before.

    Raises:
        ArgumentError: Something else, or an attribute of other objects than those to which the one before leads.
    """
    before = None
    for given in cast("tuple[object, ...]", path) if isinstance(path, tuple) else (path,):
        attribute = attribute_of(given)
        if before is not None:
            _check_link(before, attribute)
        yield attribute
        before = attribute


def _check_link(before: Attribute, attribute: Attribute) -> None:
    relation = property_of(before.mapper, before.name)
    if not isinstance(relation, RelationshipProperty):
        raise ArgumentError(f"{attribute} cannot follow {before}, which is no relationship")
    if relation.mapper.base_mapper is not attribute.mapper.base_mapper:
        raise ArgumentError(f"{attribute} cannot follow {before}, which leads to {relation.mapper.class_.__name__}")


def columns_of(found: Property) -> frozenset[str]:
    """The names of the attributes that hold the columns of an attribute; none for a relationship.

    Raises:
        ArgumentError: It is no column of the object, but what a query has computed.
    """
    match found:
        case RelationshipProperty():
            return frozenset()
        case CompositeProperty():
            return frozenset(part.key for part in found.props)
        case ColumnProperty():
            if found.key in query_expressions(found.parent):
                raise ArgumentError(f"{found} is a query_expression(): only a query for the object can compute it")
            return frozenset([found.key])


def has(mapper: Mapper[Any], attribute: Attribute) -> bool:
    """Whether the objects of a class have the attribute: in a polymorphic list it may be that of a subclass.

    Raises:
        ArgumentError: The class has nothing to do with that of the attribute; names both.
    """
    if mapper.base_mapper is not attribute.mapper.base_mapper:
        raise ArgumentError(f"{attribute} is no attribute of {mapper.class_.__name__}")
    return mapper.isa(attribute.mapper)
