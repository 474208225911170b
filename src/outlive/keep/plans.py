"""What taking a snapshot needs to know of a mapped class, worked out once."""

from __future__ import annotations

import enum
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Enum, TypeDecorator
from sqlalchemy.orm import Mapper, SynonymProperty
from sqlalchemy.types import TypeEngine

from outlive.keep.classes import entity_of
from outlive.keep.frozen import ATOMS
from outlive.keep.layouts import Absent, Kind, Layout, Part
from outlive.sessions.mapped import key_names

STATE = "_sa_instance_state"
_STORED = frozenset({Part.COLUMN, Part.DEFERRED, Part.COMPOSITE, Part.RELATIONSHIP})
"""Parts whose value stands in the ``__dict__`` of an object; a write-only relationship leaves a ``True`` there."""
_UNHELD = {"write_only": Part.WRITE_ONLY, "dynamic": Part.DYNAMIC}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to take objects with the same names in their ``__dict__``.

    Attributes:
        layout: Of their snapshots.
        exact: Whether the ``__dict__`` has nothing else than what is taken, and SQLAlchemy's state.
        plain: Whether a copy of it will do for an object that has not been changed since it was flushed or loaded.
        lacking: Columns without a value that a query loads by default, unless such are to be omitted.
        sure: Whether no column can have a changeable value unless the user has set one that is not yet flushed.
        collections: Relationships to many objects.
        atoms: Types of values that need no copy.
    """

    layout: Layout
    exact: bool
    plain: bool
    lacking: frozenset[str]
    sure: bool
    collections: frozenset[str]
    atoms: frozenset[type]


@dataclass(frozen=True, slots=True)
class Plan:
    """How objects of a class are taken.

    It does not refer to the class, which can so be forgotten.

    Attributes:
        kind: The class.
        collections: Relationships to many objects.
        sure: Columns whose values nobody can change.
        atoms: Types of values that need no copy.
        size: How many attributes the mapper had.
        recipes: All of a kind of ``Absent``, by the names in the ``__dict__`` of an object.
    """

    kind: Kind
    collections: frozenset[str]
    sure: frozenset[str]
    atoms: frozenset[type]
    size: int
    recipes: Mapping[Absent, dict[Any, Recipe]] = field(
        default_factory=lambda: {absent: dict[Any, Recipe]() for absent in Absent}
    )

    def has(self, name: str, names: Container[str]) -> bool:
        """Whether an object with these names in its ``__dict__`` has a value for an attribute."""
        return name in names and self.kind.parts.get(name) in _STORED

    def recipe(self, absent: Absent, names: tuple[str, ...], wanted: Container[str] | None) -> Recipe:
        """The recipe for objects with these names in their ``__dict__``: to take all of them, or those wanted."""
        parts = {name: part for name, part in self.kind.parts.items() if wanted is None or name in wanted}
        taken = [name for name in parts if self.has(name, names)]
        relations = tuple(name for name in taken if parts[name] is Part.RELATIONSHIP)
        columns = tuple(name for name in taken if parts[name] is not Part.RELATIONSHIP)
        layout = Layout(self.kind, columns, relations, absent)
        expected = {name for name, part in parts.items() if part is Part.COLUMN and absent is not Absent.OMITTED}
        exact, sure = {*taken, STATE} == set(names), self.sure.issuperset(columns)
        lacking = frozenset(expected.difference(names))
        plain = exact and sure and not (relations or lacking)
        return Recipe(layout, exact, plain, lacking, sure, self.collections, self.atoms)


_plans: WeakKeyDictionary[Mapper[Any], Plan] = WeakKeyDictionary()


def plan_of(mapper: Mapper[Any]) -> Plan:
    """The plan for a mapped class; a new one after an attribute was added to its mapping."""
    plan = _plans.get(mapper)
    if plan is None or plan.size != len(mapper.attrs):
        collections = frozenset(relation.key for relation in mapper.relationships if relation.uselist)
        sure = frozenset(column.key for column in mapper.column_attrs if _is_sure(column.columns[0].type))
        enums = {column.type.enum_class for column in mapper.columns if isinstance(column.type, Enum)}
        atoms = ATOMS.union(found for found in enums if found is not None)
        plan = _plans[mapper] = Plan(_kind(mapper), collections, sure, atoms, len(mapper.attrs))
    return plan


def _is_sure(type_: TypeEngine[Any]) -> bool:
    """Whether a column of this type cannot have a changeable value once it was flushed or loaded.

    A type of the user's can have any.  A column of bytes keeps the ``bytearray`` that was assigned to it.
    """
    if not type(type_).__module__.startswith("sqlalchemy.") or isinstance(type_, TypeDecorator):
        return False
    try:
        return type_.python_type in ATOMS - {bytes} or issubclass(type_.python_type, enum.Enum)
    except NotImplementedError:
        return False


def _kind(mapper: Mapper[Any]) -> Kind:
    class_ = mapper.class_
    synonyms = {synonym.key: synonym.name for synonym in mapper.synonyms if not _has_code(synonym)}
    return Kind(entity_of(class_), class_.__name__, key_names(mapper), dict(_parts(mapper)), synonyms)


def _parts(mapper: Mapper[Any]) -> Iterator[tuple[str, Part]]:
    for column in mapper.column_attrs:
        yield column.key, Part.DEFERRED if column.deferred else Part.COLUMN
    for composite in mapper.composites:
        yield composite.key, Part.COMPOSITE
    for relation in mapper.relationships:
        yield relation.key, _UNHELD.get(str(relation.lazy), Part.RELATIONSHIP)
    for name in sorted(_computed(mapper)):
        yield name, Part.COMPUTED


def _computed(mapper: Mapper[Any]) -> set[str]:
    """Hybrids, association proxies, properties, and synonyms with code of their own."""
    bodies = [vars(base).items() for base in mapper.class_.__mro__]
    properties = {name for body in bodies for name, value in body if isinstance(value, (property, cached_property))}
    synonyms = {synonym.key for synonym in mapper.synonyms if _has_code(synonym)}
    return properties.union(mapper.all_orm_descriptors.keys()).difference(mapper.attrs.keys()) | synonyms


def _has_code(synonym: SynonymProperty[Any]) -> bool:
    """Whether a synonym has a descriptor of the user's; without one, SQLAlchemy makes a property for it."""
    getter = getattr(synonym.descriptor, "fget", None)
    return getattr(getter, "__module__", None) != SynonymProperty.__module__
