"""What of the objects of a class a refresh reads, and what it would lose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import InstanceState, Mapper, QueryableAttribute, RelationshipDirection, RelationshipProperty
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.base import NO_VALUE

from outlive.keep.attributes import Attribute, attribute_of, columns_of, has, property_of
from outlive.keep.relationships import attribute_name, foreign_key
from outlive.lifecycle.errors import ObjectStateError
from outlive.sessions.mapped import deferred_columns, key_attributes, query_expressions
from outlive.sessions.objects import listed, name_of

Names: TypeAlias = "Iterable[str | QueryableAttribute[Any]]"


@dataclass(frozen=True, slots=True)
class Reference:
    """A many-to-one relationship that has to follow its foreign key.

    Attributes:
        names: The attributes that hold the foreign key, in the order of the key of the target if ``plain``.
        plain: The foreign key is compared with that key, and nothing else.
    """

    relation: RelationshipProperty[Any]
    names: tuple[str, ...]
    plain: bool

    def of_object(self, state: InstanceState[Any]) -> tuple[Any, ...]:
        """The foreign key of an object."""
        return tuple(state.dict.get(name, NO_VALUE) for name in self.names)

    def of_target(self, state: InstanceState[Any]) -> tuple[Any, ...]:
        """The foreign key that leads to what the object holds: if need be, the one it has now."""
        if not self.plain:
            return self.of_object(state)
        target = state.dict[self.relation.key]
        key = None if target is None else instance_state(target).key
        return (None,) * len(self.names) if key is None else key[1]


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be read of the objects of one class.

    Attributes:
        columns: The names of column attributes.
        loaded_columns: More of them, if an object has a value.
        relations: Relationships to read.
        references: Others that have to follow the columns.
        key: The attributes of the primary key.
        usual: ``columns`` and ``key``: an object that has values for all of them is like most others.
        named: Whether they were named; else of ``columns``, too, only those are meant that an object has had.
    """

    columns: frozenset[str]
    loaded_columns: frozenset[str]
    relations: Sequence[RelationshipProperty[Any]]
    references: Sequence[Reference]
    key: Collection[str]
    usual: frozenset[str]
    named: bool

    def wanted(self, state: InstanceState[Any], values: Mapping[str, Any]) -> Collection[str]:
        """The columns to read of one object that has these values."""
        if self.named:
            return self.columns
        changes = state.committed_state
        if not changes and values.keys() >= self.usual and values.keys().isdisjoint(self.loaded_columns):
            return self.columns
        never = self.columns.difference(values, state.expired_attributes, changes)
        more = self.loaded_columns.intersection(values)
        # The key is that of the row which is found by it, unless a change is to be discarded.
        return self.columns.difference(never).union(
            more, (name for name in self.key if name not in values or name in changes)
        )

    def needs_row(self, *, locked: bool) -> bool:
        """Whether the row of an object is asked for if there is nothing to read of it."""
        return bool(self.relations) if locked else not self.named

    def changes(self, state: InstanceState[Any]) -> list[str]:
        """What is to be read and has a change that is not flushed."""
        # What a back reference has added to a collection without a value is not touched.
        relations = [*self.relations, *(reference.relation for reference in self.references)]
        loaded = (relation.key for relation in relations if relation.key in state.dict)
        read = self.columns.union(self.loaded_columns, () if self.named else self.key, loaded)
        return [name for name in state.committed_state if name in read and state.attrs[name].history.has_changes()]


def names_of(attribute_names: Names | None) -> list[str | Attribute] | None:
    """What a caller has named.

    Raises:
        ArgumentError: Something that is neither a name nor an attribute of a mapped class; or one without a list.
    """
    if attribute_names is None:
        return None
    if isinstance(attribute_names, (str, QueryableAttribute)):
        raise ArgumentError(f"attribute_names is a list of attributes, got {attribute_names!r}")
    return [name if isinstance(name, str) else attribute_of(name) for name in attribute_names]


def scope_of(mapper: Mapper[Any], named: Sequence[str | Attribute] | None) -> Scope:
    """What these names, ``None`` for all columns, mean for the objects of a class.

    Raises:
        ArgumentError: The class has no such column or relationship.
    """
    columns: set[str] = set()
    relations: dict[RelationshipProperty[Any], None] = {}
    everything = [column.key for column in mapper.column_attrs if column.key not in query_expressions(mapper)]
    for name in everything if named is None else named:
        if isinstance(name, str) or has(mapper, name):
            found = property_of(mapper, name if isinstance(name, str) else name.name)
            columns |= columns_of(found)
            if isinstance(found, RelationshipProperty):
                relations[found] = None
                columns.update(_foreign_key_names(found))
    references = [
        Reference(relation, tuple(foreign_key(relation) or sorted(names)), plain=bool(foreign_key(relation)))
        for relation in mapper.relationships
        if relation not in relations and (names := _foreign_key_names(relation)) and not columns.isdisjoint(names)
    ]
    key = key_attributes(mapper).keys()
    deferred = frozenset[str]() if named is not None else deferred_columns(mapper)
    read = frozenset(columns if named is not None else columns - deferred - key)
    return Scope(read, deferred, list(relations), references, key, read.union(key), named is not None)


def _foreign_key_names(relation: RelationshipProperty[Any]) -> set[str]:
    """The attributes on which a many-to-one depends; none for the other directions."""
    if relation.direction is not RelationshipDirection.MANYTOONE:
        return set()
    return {name for column in relation.local_columns if (name := attribute_name(relation.parent, column))}


def refuse_loss(changes: Mapping[InstanceState[Any], Collection[str]], *, discard: bool) -> None:
    """Raise if a refresh would lose what it was not told to discard, or what cannot be discarded.

    Raises:
        ObjectStateError: Names objects, attributes and what to do.
    """
    kept = {
        state: [name for name in names if not discard or name in state.mapper.relationships]
        for state, names in changes.items()
    }
    lost = [f"{name_of(state)} of {', '.join(names)}" for state, names in kept.items() if names]
    if lost:
        remedy = (
            "a change of a relationship cannot be discarded, the object at its other side knows of it: flush or undo it"
            if discard
            else "flush them first, or tell refresh_all to: dirty='flush'; dirty='discard' drops them"
        )
        raise ObjectStateError(f"unflushed changes of {listed(lost)} would be lost: {remedy}")
