"""``ensure_loaded``: what many objects lack, one statement per step."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeAlias

from sqlalchemy.orm import InstanceState, Mapper, QueryableAttribute, RelationshipProperty, Session
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.base import NO_VALUE
from sqlalchemy.orm.collections import collection_adapter

from outlive.keep.attributes import Attribute, columns_of, has, property_of, steps_of
from outlive.keep.relationships import load_relationship
from outlive.lifecycle.errors import MissingRowsError
from outlive.sessions.objects import (
    AnySession,
    as_list,
    by_mapper,
    is_persistent_in,
    listed,
    name_of,
    persistent_states,
    session_of,
)
from outlive.sessions.rows import load_columns

Path: TypeAlias = QueryableAttribute[Any] | tuple[QueryableAttribute[Any], ...]
States: TypeAlias = list[InstanceState[Any]]
Steps: TypeAlias = "dict[Attribute, Steps]"
"""What to load, and what to load of that: paths with the same beginning are one."""


def ensure_loaded(session: AnySession, objs: object, *paths: Path) -> None:
    """Load what is missing of these attributes, and leave alone what is there.

    ::

        ensure_loaded(session, orders, Order.notes, Order.customer, (Order.items, Item.product))

    One statement loads the columns of a class, and one each relationship, per step and 1,000 objects, whatever its
    loader strategy; ``lazy="raise"`` does not stand in the way, and still guards what is not named.  A many-to-one
    takes what the session has without a statement.  Nothing is flushed; loaded values and pending changes stay what
    they are.

    Criteria that a ``do_orm_execute`` listener adds to each query, as SQLAlchemy's recipe for soft deletion does,
    choose among the objects to which a relationship leads; they hide no value of the objects given.

    Args:
        session: The session of the objects.
        objs: A mapped object, or any iterable of them.
        paths: Attributes of the mapped class, columns as well as relationships.  A tuple is a chain: each attribute
            belongs to the objects to which the one before has led.  An attribute of a subclass means the objects of
            that subclass.

    Raises:
        ObjectStateError: An object is not persistent in this session.
        MissingRowsError: The rows of some objects are gone, so that their columns cannot be loaded; all others are.
        sqlalchemy.exc.ArgumentError: What is named is no column or relationship of the objects, or one that never holds
            its objects (``write_only``, ``dynamic``).
        sqlalchemy.orm.exc.UnmappedInstanceError: Something among ``objs`` is no mapped object.
    """
    session = session_of(session)
    objs = as_list(objs)
    states = persistent_states(session, objs)
    steps = _steps(paths)
    for mapper in {state.mapper for state in states}:
        for attribute in steps:
            has(mapper, attribute)
    with session.no_autoflush:
        missing = dict.fromkeys(_load(session, states, steps))
    if missing:
        names = listed([name_of(state) for state in missing])
        raise MissingRowsError(f"no rows to load columns from: {names}", [state.obj() for state in missing])


def _steps(paths: Iterable[Path]) -> Steps:
    first: Steps = {}
    for path in paths:
        steps = first
        for attribute in steps_of(path):
            columns_of(property_of(attribute.mapper, attribute.name))
            steps = steps.setdefault(attribute, {})
    return first


def _load(session: Session, states: States, steps: Steps) -> States:
    """Load the first steps, then what follows each; the objects without rows."""
    groups = by_mapper(states)
    columns: dict[Mapper[Any], set[str]] = {}
    relations: defaultdict[tuple[RelationshipProperty[Any], Attribute], States] = defaultdict(list)
    for attribute in steps:
        for mapper, alike in groups.items():
            if has(mapper, attribute):
                found = property_of(mapper, attribute.name)
                columns.setdefault(mapper, set()).update(columns_of(found))
                if isinstance(found, RelationshipProperty):
                    relations[found, attribute] += alike
    named = any(columns.values())
    wanted = {state: _missing(state, columns.get(state.mapper, ())) for state in states} if named else {}
    missing = load_columns(session, wanted)
    for (relation, attribute), alike in relations.items():
        load_relationship(session, relation, [state for state in alike if _missing(state, [relation.key])])
        if steps[attribute]:
            missing += _load(session, _reached(session, relation, alike), steps[attribute])
    return missing


def _missing(state: InstanceState[Any], names: Iterable[str]) -> list[str]:
    # A deleted attribute has no value but a pending change; one of a collection that was never loaded is no value.
    values, changes = state.dict, state.committed_state
    return [name for name in names if name not in values and changes.get(name, NO_VALUE) is NO_VALUE]


def _reached(session: Session, relation: RelationshipProperty[Any], states: States) -> States:
    """The objects to which a loaded relationship leads, those left out that have no rows yet or no longer."""
    reached: dict[InstanceState[Any], None] = {}
    for state in states:
        value = state.dict.get(relation.key)
        if value is not None:
            targets = collection_adapter(value) if relation.uselist else (value,)
            reached.update((instance_state(target), None) for target in targets)
    return [state for state in reached if is_persistent_in(session, state)]
