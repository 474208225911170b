"""What queries return, and what they load besides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from outlive.check.entities import Entity
from outlive.check.flow import children, lifetimes, loading
from outlive.check.flow.arguments import Given
from outlive.check.flow.state import LOADED, VAGUE, Object, State
from outlive.check.flow.values import (
    NOTHING,
    UNKNOWN,
    ClassValue,
    Const,
    Group,
    Load,
    Query,
    Ref,
    Rows,
    Spot,
    Value,
)
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


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
    oid = run.identity("object", spot, value.symbol)
    attributes = loading.statuses(entity, load)
    if sid is not None:
        for other_id, other in state.of_session(sid):
            if other_id != oid and lifetimes.are_different(key, other.key):
                continue
            for name in _loaded_behind(run, other.entity, other.load, entity):
                if name in attributes and attributes[name].loss is not None:
                    attributes[name] = VAGUE
            # The identity map may return what is there already, with what that has loaded.
            if entity.meets(other.entity):
                for name, lost in attributes.items():
                    status = other.attributes.get(name)
                    if lost.loss and (status in (LOADED, VAGUE) or name in other.links):
                        attributes[name] = VAGUE
                filled = other
                for name, status in attributes.items():
                    # This query may have filled the other object too.
                    if other_id != oid and status == LOADED and other.status(name).loss is not None:
                        filled = filled.with_status(name, VAGUE)
                        state.objects[other_id] = filled
                # What was expired before, and is held by somebody else, has been loaded by this query.
                if other_id != oid and other.life is Life.PERSISTENT and lifetimes.is_expired(other):
                    state.objects[other_id] = lifetimes.vague(filled)
        _fill_behind(run, state, sid, entity, load)
    for relation in entity.relationships:
        children.forget_child(run, state, oid, relation)
    life = Life.PERSISTENT if sid is not None else None
    state.objects[oid] = Object(
        entity, sid, life, LOADED, attributes, born=spot, query=query, load=load, optioned=load != NOTHING, key=key
    )
    return Ref(oid)


def _fill_behind(run: Interpreter, state: State, sid: int, entity: Entity, load: Load) -> None:
    """What the options and the mapping load behind an object may be rows that the program holds already."""
    for name, relationship in entity.relationships.items():
        inner = load.get(name)
        target = run.entities.behind(relationship)
        if target is None or (inner is None and not relationship.eager):
            continue
        for oid, obj in state.of_session(sid):
            if obj.life is not Life.PERSISTENT or not obj.entity.meets(target):
                continue
            held = lifetimes.relieved(obj) if obj.columns.loss is not None else obj
            for further, _ in inner.rels if inner is not None else ():
                if held.status(further).loss is not None:
                    held = held.with_status(further, VAGUE)
            state.objects[oid] = held
        if inner is not None:
            _fill_behind(run, state, sid, target, inner)


def execute(run: Interpreter, given: Given, sid: int | None, name: str, value: Value, spot: Spot) -> Value:
    """``session.execute(query)`` and its shorter forms."""
    state = given.state
    if sid is not None:
        lifetimes.begin(state, sid)
        lifetimes.autoflush(state, sid, spot)
    if not isinstance(value, Query):
        if sid is not None and not isinstance(value, Const):
            # Which rows it loads cannot be seen: an expired one may be among them.
            for oid, obj in state.of_session(sid):
                if obj.life is Life.PERSISTENT:
                    state.objects[oid] = lifetimes.relieved(obj)
        return UNKNOWN
    if value.kind == "change" and sid is not None:
        changed = {e.symbol for e in value.entities if isinstance(e, ClassValue)}
        for oid, obj in state.of_session(sid):
            if not changed or changed & set(obj.entity.lineage):
                onupdate = {n: VAGUE for n, c in obj.entity.columns.items() if c.onupdate}
                state.objects[oid] = replace(obj, attributes={**obj.attributes, **onupdate})
    rows = rows_of(run, state, sid, value, spot, given)
    if name == "scalar":
        return rows.scalar
    if name in ("scalars", "stream_scalars"):
        return Rows(rows.scalar, rows.scalar)
    if name == "exec" and len(value.entities) == 1:
        return Rows(rows.scalar, rows.scalar)
    return rows


def rows_of(
    run: Interpreter, state: State, sid: int | None, query: Query, spot: Spot, given: Given | None = None
) -> Rows:
    load = query.load
    if given is not None and given.keyword("execution_options") is not None:
        load = replace(load, vague=True)
    columns = tuple(load_entity(run, state, sid, entity, load, query.spot, spot) for entity in query.entities)
    return Rows(Group(columns), columns[0] if columns else UNKNOWN)


def _loaded_behind(run: Interpreter, entity: Entity, load: Load, wanted: Entity) -> Iterator[str]:
    """What the options of an earlier query have loaded of the ``wanted`` ones that stand behind its rows."""
    for name, inner in load.rels:
        target = run.entities.behind(entity.relationships.get(name))
        if target is not None:
            if wanted.meets(target):
                yield from (further for further, _ in inner.rels)
                yield from inner.columns
            yield from _loaded_behind(run, target, inner, wanted)
