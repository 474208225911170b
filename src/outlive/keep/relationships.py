"""Loads one relationship of many objects, one statement per chunk, whatever its loader strategy.

A many-to-one takes the foreign keys that its objects have in memory, as a lazy load does, and asks the database for
what the session lacks.  A one-to-many and a many-to-many select by the primary keys of their objects.  What has another
join condition goes through SQLAlchemy's ``joinedload``.

A value is set as a lazy load sets it: what a back reference has already put into a collection stays in it.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import and_, select
from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import (
    InstanceState,
    Mapper,
    RelationshipDirection,
    RelationshipProperty,
    Session,
    defer,
    joinedload,
    lazyload,
)
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlalchemy.orm.collections import collection_adapter
from sqlalchemy.orm.exc import UnmappedColumnError
from sqlalchemy.orm.interfaces import ORMOption

from outlive.keep.by_key import objects_by_key
from outlive.sessions.lookups import Key, Lookup, lookup_of_objects
from outlive.sessions.mapped import key_attributes, once
from outlive.sessions.rows import absent_rows, key_of

T = TypeVar("T")
Relation: TypeAlias = RelationshipProperty[Any]
States: TypeAlias = Sequence[InstanceState[Any]]
EAGER = frozenset({"immediate", "joined", "selectin", "subquery", False})
"""What ``RelationshipProperty.lazy`` says of relationships that load with their object."""


def load_relationship(session: Session, relation: Relation, states: Iterable[InstanceState[Any]]) -> None:
    """Load a relationship of objects that have no value for it.

    The caller holds the objects and has switched autoflush off.
    """
    by_token: defaultdict[Any, list[InstanceState[Any]]] = defaultdict(list)
    for state in states:
        by_token[state.identity_token].append(state)
    columns = _columns_of_key(relation)
    for token, alike in by_token.items():
        if columns:
            _load_by_key(session, relation, alike, columns, token)
        else:
            by_key, others = _by_foreign_key(relation, alike)
            _load_targets(session, relation, by_key, token)
            _load_by_join(session, relation, others, token)


def _by_foreign_key(relation: Relation, states: States) -> tuple[dict[Key, States], States]:
    """The objects of a many-to-one by the key of their target; those that do not have it in memory."""
    names = foreign_key(relation)
    if not names:
        return {}, states
    by_key: defaultdict[Key, list[InstanceState[Any]]] = defaultdict(list)
    others: list[InstanceState[Any]] = []
    for state in states:
        values = state.dict
        try:
            by_key[tuple([values[name] for name in names])].append(state)
        except KeyError:
            others.append(state)
    return dict(by_key), others


@once
def foreign_key(relation: Relation) -> Sequence[str]:
    """The attributes that refer to the primary key of the target; none unless these are all that is compared."""
    if relation.direction is not RelationshipDirection.MANYTOONE or relation.uselist or not _is_plain(relation):
        return ()
    pairs = [(remote, attribute_name(relation.parent, local)) for local, remote in relation.local_remote_pairs]
    names = _in_key_order(relation.mapper, pairs)
    return names if all(names) else ()


@once
def _columns_of_key(relation: Relation) -> Sequence[Any]:
    """The columns that refer to the primary key of the parent; none unless these are all that is compared."""
    if relation.direction is RelationshipDirection.MANYTOONE or not _is_plain(relation):
        return ()
    return _in_key_order(relation.parent, _pairs(relation))


def _is_plain(relation: Relation) -> bool:
    equal = and_(*(local == remote for local, remote in _pairs(relation)))
    return not relation.entity.is_aliased_class and equal.compare(relation.primaryjoin)


def _pairs(relation: Relation) -> Sequence[tuple[Any, Any]]:
    """Columns of the parent, each with the column of the target or of the secondary table that refers to it."""
    return relation.local_remote_pairs if relation.secondary is None else relation.synchronize_pairs


def _in_key_order(mapper: Mapper[Any], pairs: Iterable[tuple[Any, T]]) -> Sequence[T]:
    """What stands beside the columns of the primary key, in its order; nothing unless it stands beside each of them."""
    places = key_attributes(mapper)
    found = {places.get(attribute_name(mapper, column), -1): other for column, other in pairs}
    complete = found.keys() == set(range(len(mapper.primary_key)))
    return [found[place] for place in sorted(found)] if complete else []


def attribute_name(mapper: Mapper[Any], column: Any) -> str:
    """The attribute that holds a column, empty if none does."""
    try:
        return mapper.get_property_by_column(column).key
    except UnmappedColumnError:
        return ""


def _load_targets(session: Session, relation: Relation, by_key: Mapping[Key, States], token: Any) -> None:
    """Many-to-one: what the session has is taken from there, the rest is selected by its primary key."""
    mapper = relation.mapper
    targets: dict[Key, Any] = {}
    absent: list[Key] = []
    for key in by_key:
        if any(value is not None for value in key):
            target = session.identity_map.get(mapper.identity_key_from_primary_key(key, token))
            # An expired one may have lost its row: a lazy load would ask for it, too.
            if target is None or instance_state(target).expired:
                absent.append(key)
            elif isinstance(target, mapper.class_):
                targets[key] = target
    targets |= objects_by_key(session, mapper, absent, identity_token=token)
    for key, pointing in by_key.items():
        for state in pointing:
            set_committed_value(state.obj(), relation.key, targets.get(key))


def _load_by_key(session: Session, relation: Relation, states: States, columns: Sequence[Any], token: Any) -> None:
    """One-to-many and many-to-many: rows of the target, each with the key of its parent."""
    target = relation.mapper.entity
    statement = select(*columns, target).order_by(*(relation.order_by or ())).options(*_lazy_way_back(relation))
    if relation.secondary is None:
        statement = statement.select_from(target)
    else:
        statement = statement.select_from(relation.secondary).join(target, relation.secondaryjoin)
    lookup = Lookup(session, relation.mapper, token, statement, columns)
    for chunk in lookup.chunks(states):
        by_key = {key_of(state): state for state in chunk}
        rows = lookup.rows(list(by_key))
        if relation.secondary is not None or _joins_eagerly(relation.mapper) or session.dispatch.do_orm_execute:
            rows = rows.unique()
        found: defaultdict[Key, list[Any]] = defaultdict(list)
        for row in rows.all():
            found[row[:-1]].append(row[-1])
        if found.keys() <= by_key.keys():
            for key, state in by_key.items():
                _set(relation, state, found.get(key, []))
        else:
            _load_by_join(session, relation, chunk, token)


@once
def _joins_eagerly(mapper: Mapper[Any]) -> bool:
    """Whether a query for these objects may yield one more than once."""
    return any(
        relation.lazy in {"joined", False} for each in mapper.self_and_descendants for relation in each.relationships
    )


def _lazy_way_back(relation: Relation) -> Iterator[ORMOption]:
    """Keeps the targets from loading their parents, which are there, eagerly: a lazy load does so, too."""
    for back in relation.mapper.relationships:
        named = back.key == relation.back_populates or back.back_populates == relation.key
        leads_back = named and back.mapper.common_parent(relation.parent)
        if leads_back and back.direction is RelationshipDirection.MANYTOONE and back.lazy in EAGER:
            yield lazyload(getattr(relation.mapper.entity, back.key))


def _load_by_join(session: Session, relation: Relation, states: States, token: Any) -> None:
    """Any join condition: the objects are selected once more, with nothing but this relationship."""
    mapper, key = relation.parent, relation.key
    lookup = lookup_of_objects(session, mapper, token, _nothing_but(mapper, key))
    for chunk in lookup.chunks(states):
        with _keeping_callables(chunk), _without_changes(relation, chunk):
            met = lookup.rows([key_of(state) for state in chunk]).scalars().unique().all()
        unmet = {state: [key] for state in chunk if key not in state.dict}
        for state in absent_rows(session, unmet, doubtful=len(met) + len(unmet) > len(chunk)):
            _set(relation, state, [])
        for state in unmet:
            # Before SQLAlchemy 2.0.4 a refresh loads no relationship.
            getattr(state.obj(), key)
        if relation.uselist:
            # joinedload leaves out what back references have added.
            for state in chunk:
                _set(relation, state, list(collection_adapter(state.dict[key])))


def _nothing_but(mapper: Mapper[Any], key: str) -> Iterator[ORMOption]:
    """Loader options with which a query loads a relationship, and nothing else of objects that are already there.

    ``load_only`` and ``lazyload("*")`` would be shorter, and would take from the objects the protection of
    ``deferred_raiseload`` and ``lazy="raise"`` for good.
    """
    needed = key_attributes(mapper)
    for column in mapper.column_attrs:
        if not column.deferred and column.key not in needed:
            yield defer(getattr(mapper.entity, column.key))
    for relation in mapper.relationships:
        if relation.key == key:
            yield joinedload(getattr(mapper.entity, key))
        elif relation.lazy in EAGER:
            yield lazyload(getattr(mapper.entity, relation.key))


@contextmanager
def _keeping_callables(states: States) -> Generator[None]:
    """Keep how the attributes of these objects load that get no value within the block.

    ``defer`` would make each of them load on its own from now on: no more what the query of the object has said of it,
    ``defer(..., raiseload=True)``, and an attribute that was never set would no longer be ``None`` once it is detached.
    SQLAlchemy has no public access to it.
    """
    before = [(state, dict(state.callables)) for state in states]
    try:
        yield
    finally:
        for state, callables in before:
            kept = {name: loader for name, loader in callables.items() if name not in state.dict}
            if kept or state.callables:
                state.callables = kept


@contextmanager
def _without_changes(relation: Relation, states: States) -> Generator[None]:
    """Hide that back references have changed a collection: an eager load passes over what has changes."""
    changed = [
        (state, state.committed_state.pop(relation.key)) for state in states if relation.key in state.committed_state
    ]
    try:
        yield
    finally:
        for state, value in changed:
            state.committed_state[relation.key] = value


def _set(relation: Relation, state: InstanceState[Any], found: Sequence[Any]) -> None:
    if not relation.uselist and len(found) > 1:
        warnings.warn(f"Multiple rows returned with uselist=False for attribute '{relation}'", SAWarning, stacklevel=2)
    value = found if relation.uselist else next(iter(found), None)
    set_committed_value(state.obj(), relation.key, value)
