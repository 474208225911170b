"""The objects behind the relationships of an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check.entities import Entity, Relationship
from outlive.check.flow import identity_map, lifetimes, loading, rows
from outlive.check.flow.observations import Loss
from outlive.check.flow.state import LOADED, VAGUE, Object, State, Status
from outlive.check.flow.values import (
    UNKNOWN,
    Load,
    Many,
    Ref,
    Spot,
    Value,
)
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


def forget_child(run: Interpreter, state: State, oid: int, name: str) -> None:
    """What stands behind a relationship is about to be another, or as good as new; so is all behind that."""
    inner = run.identity("child", oid, name)
    behind = state.objects.pop(inner, None)
    if isinstance(behind, Object):
        for further in behind.entity.relationships:
            forget_child(run, state, inner, further)


def _renew(run: Interpreter, state: State, oid: int, name: str) -> None:
    obj = state.object(oid)
    if obj is not None and name in obj.renewed:
        state.objects[oid] = replace(obj, renewed=obj.renewed - {name})
        forget_child(run, state, oid, name)


def come_back(state: State, sid: int, oid: int, spot: Spot) -> None:
    """What has expired is loaded again with the options of its query, as a read of any of it does."""
    obj = state.object(oid)
    if obj is None or obj.columns.loss is None:
        return
    lifetimes.begin(state, sid, spot)
    lifetimes.autoflush(state, sid, spot)
    obj = state.object(oid)
    assert obj is not None
    state.objects[oid] = lifetimes.reload(obj)


def materialise(run: Interpreter, state: State, oid: int) -> None:
    """What stands behind an object goes on by itself: its owner is expunged, or will be deleted."""
    obj = state.object(oid)
    for name, relationship in obj.entity.relationships.items() if obj is not None else ():
        assert obj is not None
        status = obj.status(name)
        found = status.loss is None and not status.vague
        # Where it is not known whether it is loaded, it may be, with whatever stands behind it.
        is_lost = status.loss is not None and obj.deleted and not relationship.deletes
        if name not in obj.links and (found or is_lost):
            if not found:
                forget_child(run, state, oid, name)  # It is loaded with the rows that are changed.
            for behind in lifetimes.refs(child(run, state, oid, name)):
                inner = state.object(behind)
                if obj.deleted and inner is not None:
                    # A row that referred to it is updated.
                    onupdate = {n: VAGUE for n, c in inner.entity.columns.items() if c.onupdate}
                    state.objects[behind] = replace(inner, attributes={**inner.attributes, **onupdate})


def vague_child(run: Interpreter, state: State, oid: int, obj: Object, name: str) -> Value:
    """The value of an attribute of which nothing else is known."""
    if name in obj.links:
        return obj.links[name]
    relationship = obj.entity.relationships.get(name)
    entity = run.entities.behind(relationship)
    if relationship is None or entity is None:
        return UNKNOWN
    _renew(run, state, oid, name)
    made = run.identity("child", oid, name)
    if made not in state.objects:
        state.objects[made] = Object(
            entity, obj.sid, None, VAGUE, dict.fromkeys(entity.relationships, VAGUE), born=obj.born
        )
    return Many(Ref(made)) if relationship.many else Ref(made)


def found_child(run: Interpreter, state: State, oid: int, obj: Object, name: str) -> Value:
    """What the identity map has behind a many-to-one: one of the objects there, and it lacks what all of them lack."""
    among = identity_map.candidates(run, state, obj, name)
    value = vague_child(run, state, oid, obj, name)
    made = state.object(value.oid) if isinstance(value, Ref) else None
    if not among or made is None or made.life is not None:
        return value
    assert isinstance(value, Ref)
    lacking = {
        each: among[0].status(each)
        for each in (*made.entity.columns, *made.entity.relationships)
        if all(other.life is Life.PERSISTENT and other.status(each).loss is Loss.NEVER_LOADED for other in among)
    }
    if lacking:
        state.objects[value.oid] = replace(
            made, life=Life.PERSISTENT, attributes={**made.attributes, **lacking}, born=among[0].born, optioned=True
        )
    return value


def child(run: Interpreter, state: State, oid: int, name: str, load: Load | None = None) -> Value:
    """The value of a loaded attribute; behind a relationship stands an object with the same session.

    What has been loaded with it (``load``) is told by the query of its owner, where nobody says it.
    """
    obj = state.object(oid)
    assert obj is not None
    if name in obj.links:
        return obj.links[name]
    relationship = obj.entity.relationships.get(name)
    entity = run.entities.behind(relationship)
    if relationship is None or entity is None:
        return UNKNOWN
    if name in obj.empty:
        return Many(UNKNOWN)
    _renew(run, state, oid, name)
    made = run.identity("child", oid, name)
    if made not in state.objects:
        load = load or obj.load.get(name) or Load(vague=obj.load.get(name) is None and obj.load.vague)
        path = (*obj.path, (obj.entity.name, name))
        sid = obj.sid if obj.life is Life.PERSISTENT else None
        taken = rows.take_from_every(run, state, sid, entity, made) if sid is not None else None
        if taken is not None:
            # With the way here, so that what its mapping loads eagerly ends where it comes round.
            state.objects[made] = replace(taken, path=path, several=bool(relationship.many))
            rows.come_upon(run, state, made, load)
            return Many(Ref(made)) if relationship.many else Ref(made)
        attributes = loading.statuses(entity, load, _way(obj, name, relationship))
        for back, relation in entity.relationships.items():
            # The other side of the same relationship may have been filled while loading.
            one_to_one = relationship.many is False and not relation.many and obj.life is Life.DETACHED
            if one_to_one and relation.target in obj.entity.lineage and attributes[back].loss is not None:
                attributes[back] = VAGUE
        _take_what_is_held(run, state, obj, entity, path, attributes, bool(relationship.many))
        state.objects[made] = Object(
            entity,
            obj.sid,
            obj.life,
            LOADED,
            attributes,
            born=obj.born,
            query=obj.query,
            path=path,
            load=load,
            optioned=obj.optioned,
            exit=obj.exit,
            several=bool(relationship.many),
        )
    return Many(Ref(made)) if relationship.many else Ref(made)


def _way(obj: Object, name: str, relationship: Relationship) -> loading.Way:
    """How a query comes from its root to what stands behind a relationship of an object."""
    owners = (*(owner for owner, _ in obj.path), obj.entity.name)
    by_option = obj.load.get(name) is not None
    joined = not obj.path and not by_option and relationship.ends == "joined"
    return loading.Way(owners, by_option or (relationship.eager and not obj.made), joined)


def _take_what_is_held(
    run: Interpreter,
    state: State,
    obj: Object,
    entity: Entity,
    path: tuple[tuple[str, str], ...],
    attributes: dict[str, Status],
    many: bool,
) -> None:
    """It may be a row that the program holds under another name, with what that has loaded; all of many cannot be."""
    for _, other in state.of_session(obj.sid) if obj.sid is not None else ():
        if other.life is not Life.PERSISTENT or lifetimes.is_apart(obj, other):
            continue
        if other.path != path and entity.meets(other.entity) and (other.several or not many):
            for name, lost in attributes.items():
                if lost.loss is not None and (name in other.links or other.status(name) in (LOADED, VAGUE)):
                    attributes[name] = VAGUE
        for name in rows.loaded_behind(run, other, entity):
            if attributes.get(name, LOADED).loss is not None:
                attributes[name] = VAGUE


def fill_other_side(run: Interpreter, state: State, entity: Entity, value: Value) -> None:
    """What is assigned to a relationship may get the other side of it filled (``back_populates``).

    A collection that is not loaded stays so; that of a new object is there.
    """
    for oid in lifetimes.refs(value):
        obj = state.object(oid)
        if obj is None:
            continue
        new = obj.made and obj.life in (Life.TRANSIENT, Life.PENDING)
        for name, relationship in obj.entity.relationships.items():
            if relationship.target not in entity.lineage or name in obj.links:
                continue
            if new or not relationship.many:
                obj = obj.with_status(name, VAGUE)
                forget_child(run, state, oid, name)
            if obj.life is Life.PERSISTENT:
                obj = replace(obj, changed=obj.changed | {name})
            state.objects[oid] = obj
