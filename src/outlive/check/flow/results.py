"""What queries return, and what they load besides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check.entities import Entity
from outlive.check.flow import children, guards, keys, lifetimes, loading, rows
from outlive.check.flow.arguments import Given
from outlive.check.flow.state import LOADED, VAGUE, Object, State, Status
from outlive.check.flow.values import (
    EVERY,
    NOTHING,
    UNKNOWN,
    ClassValue,
    Const,
    Group,
    Load,
    Many,
    Query,
    Ref,
    Rows,
    Spot,
    Value,
)
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_WRITING = frozenset({"DELETE", "INSERT", "MERGE", "REPLACE", "UPDATE"})


def load_entity(
    run: Interpreter,
    state: State,
    sid: int | None,
    value: Value,
    load: Load,
    query: Spot,
    spot: Spot,
    key: Value | None = None,
) -> Value:
    """An object that a query returns; the ``key`` is that of ``get``."""
    if not isinstance(value, ClassValue):
        return UNKNOWN
    entity = run.entities.get(value.symbol)
    if entity is None:
        return UNKNOWN
    found = rows.held(run, state, sid, entity, key) if sid is not None else None
    if found is not None and sid is not None:
        rows.come_upon(run, state, found, load)
        for oid, obj in state.of_session(sid) if key == EVERY else ():
            # What stands behind relationships would bring more of itself, and in a loop no end of it.
            if oid != found and obj.entity is entity and obj.life is Life.PERSISTENT and not obj.path:
                rows.come_upon(run, state, oid, load)
        fill_behind(run, state, sid, entity, load)
        return Ref(found)
    for each_id, each in state.of_session(sid) if sid is not None else ():
        if entity.meets(each.entity) and not keys.are_different(key, each.key):
            state.objects[each_id] = guards.filled(each, load)
    oid = run.identity("object", spot, value.symbol)
    if sid is not None and key != EVERY and rows.take_from_every(run, state, sid, entity, oid) is not None:
        made = rows.come_upon(run, state, oid, load)
        state.objects[oid] = replace(made, born=spot, query=query, key=key)
        return Ref(oid)
    attributes = loading.statuses(entity, load)
    for name in _come_round(run, entity, entity, load):
        if attributes.get(name, LOADED).loss is not None:
            attributes[name] = VAGUE
    if sid is not None:
        for other_id, _ in state.of_session(sid):
            other = state.object(other_id)
            if other is None:  # One before it has taken it away.
                continue
            for name in rows.loaded_behind(run, other, entity):
                if name in attributes and attributes[name].loss is not None:
                    attributes[name] = VAGUE
            if entity.below and other.entity is not entity and entity.symbol in other.entity.lineage:
                attributes |= dict.fromkeys(entity.below, VAGUE)  # It may be that row.
            if other_id == oid or other.life is not Life.PERSISTENT:
                continue
            if key == EVERY and other.entity is entity:
                rows.come_upon(run, state, other_id, load)
            elif (other.path or (other.several and not keys.is_known(key))) and entity.meets(other.entity):
                _meet(state, attributes, load, other_id, other)
            elif not keys.is_known(key) and entity.meets(other.entity) and lifetimes.is_expired(other):
                state.objects[other_id] = lifetimes.maybe_populated(other, load)
        fill_behind(run, state, sid, entity, load)
    for relation in entity.relationships:
        children.forget_child(run, state, oid, relation)
    life = Life.PERSISTENT if sid is not None else None
    state.objects[oid] = Object(
        entity, sid, life, LOADED, attributes, born=spot, query=query, load=load, optioned=load != NOTHING, key=key
    )
    return Ref(oid)


def _come_round(run: Interpreter, root: Entity, entity: Entity, load: Load) -> Iterator[str]:
    """What options load of rows of the class that is asked for, behind it: its own row may be among them."""
    for name, inner in load.rels:
        target = run.entities.behind(entity.relationships.get(name))
        if target is not None:
            if target is root and entity is not root:  # In a tree, nothing stands behind itself.
                yield from (each for each, status in loading.statuses(root, inner).items() if status.loss is None)
            yield from _come_round(run, root, target, inner)


def _meet(state: State, attributes: dict[str, Status], load: Load, other_id: int, other: Object) -> None:
    """Another object stands behind a relationship and may be the row that is loaded: each has what the other has."""
    for name, status in list(attributes.items()):
        theirs = other.attributes.get(name)
        if status.loss is not None and (theirs in (LOADED, VAGUE) or name in other.links):
            attributes[name] = VAGUE
    if not other.several:
        state.objects[other_id] = lifetimes.maybe_populated(other, load)


def fill_behind(run: Interpreter, state: State, sid: int, entity: Entity, load: Load) -> None:
    """What the options and the mapping load behind an object may be rows that the program holds already."""
    for name, relationship in entity.relationships.items():
        inner = load.get(name)
        target = run.entities.behind(relationship)
        if target is None or (inner is None and not relationship.eager):
            continue
        for oid, obj in state.of_session(sid):
            if obj.life is not Life.PERSISTENT or obj.several or not obj.entity.meets(target):
                continue
            state.objects[oid] = lifetimes.maybe_populated(obj, inner or NOTHING)
        if inner is not None:
            fill_behind(run, state, sid, target, inner)


def execute(run: Interpreter, given: Given, sid: int | None, name: str, value: Value, spot: Spot) -> Value:
    """``session.execute(query)`` and its shorter forms."""
    state = given.state
    if sid is not None:
        lifetimes.begin(state, sid, spot)
        lifetimes.autoflush(state, sid, spot)
    if not isinstance(value, Query):
        if sid is not None and not isinstance(value, Const):
            # Which rows it loads cannot be seen: an expired one may be among them.
            for oid, obj in state.of_session(sid):
                if obj.life is Life.PERSISTENT:
                    state.objects[oid] = lifetimes.relieved(obj)
        return UNKNOWN
    if value.kind == "change" and sid is not None:
        if _writes(value):
            lifetimes.change(state, sid, spot)
        changed = {e.symbol for e in value.entities if isinstance(e, ClassValue)}
        if value.deletes:
            delete_rows(state, sid, value)
        for oid, obj in state.of_session(sid):
            if not changed or changed & set(obj.entity.lineage):
                onupdate = {n: VAGUE for n, c in obj.entity.columns.items() if c.onupdate}
                state.objects[oid] = replace(obj, attributes={**obj.attributes, **onupdate})
    found = rows_of(run, state, sid, value, spot, given)
    if name == "scalar":
        return one_of(run, state, found.scalar, spot)
    if name in ("scalars", "stream_scalars"):
        return Rows(found.scalar, found.scalar)
    if name == "exec" and len(value.row) == 1:
        return Rows(found.scalar, found.scalar)
    return found


def delete_rows(state: State, sid: int, query: Query) -> None:
    """Objects whose rows are among those that a statement deletes leave the session, and do not expire after that.

    Source: SQLAlchemy 2.0 and 2.1, ``synchronize_session="auto"``, run.
    """
    classes = {each.symbol for each in query.entities if isinstance(each, ClassValue)}
    for oid, obj in state.of_session(sid):
        if classes & set(obj.entity.lineage):
            state.objects[oid] = lifetimes.vague(replace(obj, life=None))


def all_of(state: State, value: Value) -> Many:
    """All rows of a result."""
    for oid in lifetimes.refs(value):
        obj = state.object(oid)
        if obj is not None and not obj.several:
            state.objects[oid] = replace(obj, several=True)
    return Many(value)


def one_of(run: Interpreter, state: State, value: Value, spot: Spot, only: bool = False) -> Value:
    """One row of every row: which of them is not known, unless there is but one."""
    obj = state.object(value.oid) if isinstance(value, Ref) else None
    if not isinstance(value, Ref) or obj is None or obj.key != EVERY:
        return value
    if only and obj.sid is not None:
        for oid, other in state.of_session(obj.sid):
            if oid != value.oid and other.entity is obj.entity and rows.is_held(run, state, oid):
                return Ref(oid)
        return value
    oid = run.identity("one", spot, value.oid)
    rows.copy(run, state, value.oid, oid)
    return Ref(oid)


def _writes(change: Query) -> bool:
    """Not so sure for ``text("...")``: there its first word tells."""
    said = [entity.value for entity in change.entities if isinstance(entity, Const)]
    words = [value.split(maxsplit=1)[0].upper() for value in said if isinstance(value, str) and value.strip()]
    return not said or any(word in _WRITING for word in words)


def rows_of(
    run: Interpreter, state: State, sid: int | None, query: Query, spot: Spot, given: Given | None = None
) -> Rows:
    load = query.load
    if given is not None and given.keyword("execution_options") is not None:
        load = replace(load, vague=True)
    columns: list[Value] = []
    for position, entity in enumerate(query.row):
        key = None if position or (query.key == EVERY and len(query.row) > 1) else query.key
        columns.append(load_entity(run, state, sid, entity, load, query.spot, spot, key))
    return Rows(Group(tuple(columns)), columns[0] if columns else UNKNOWN)
