"""The objects behind the relationships of an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlive.check.entities import Entity
from outlive.check.flow import lifetimes, loading
from outlive.check.flow.observations import Exit
from outlive.check.flow.state import LOADED, VAGUE, Object, State, Status
from outlive.check.flow.values import (
    UNKNOWN,
    Load,
    Many,
    Ref,
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


def vague_child(run: Interpreter, state: State, oid: int, obj: Object, name: str) -> Value:
    """The value of an attribute of which nothing else is known."""
    if name in obj.links:
        return obj.links[name]
    relationship = obj.entity.relationships.get(name)
    entity = run.entities.behind(relationship)
    if relationship is None or entity is None:
        return UNKNOWN
    made = run.identity("child", oid, name)
    if made not in state.objects:
        state.objects[made] = Object(
            entity, obj.sid, None, VAGUE, dict.fromkeys(entity.relationships, VAGUE), born=obj.born
        )
    return Many(Ref(made)) if relationship.many else Ref(made)


def child(run: Interpreter, state: State, oid: int, name: str) -> Value:
    """The value of a loaded attribute; behind a relationship stands an object with the same session."""
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
    made = run.identity("child", oid, name)
    if made not in state.objects:
        load = obj.load.get(name) or Load(vague=obj.load.get(name) is None and obj.load.vague)
        expunged = obj.exit is not None and obj.exit[0] is Exit.EXPUNGE
        attributes = loading.statuses(entity, load)
        for back, relation in entity.relationships.items():
            # The other side of the same relationship may have been filled while loading.
            one_to_one = relationship.many is False and not relation.many and obj.life is Life.DETACHED
            if one_to_one and relation.target in obj.entity.lineage and attributes[back].loss is not None:
                attributes[back] = VAGUE
        _take_what_is_held(state, obj.sid, entity, (*obj.path, (obj.entity.name, name)), attributes)
        state.objects[made] = Object(
            entity,
            obj.sid,
            None if expunged else obj.life,
            LOADED,
            attributes,
            born=obj.born,
            query=obj.query,
            path=(*obj.path, (obj.entity.name, name)),
            load=load,
            optioned=obj.optioned,
            exit=None if expunged else obj.exit,
        )
    return Many(Ref(made)) if relationship.many else Ref(made)


def _take_what_is_held(
    state: State, sid: int | None, entity: Entity, path: tuple[tuple[str, str], ...], attributes: dict[str, Status]
) -> None:
    """It may be a row that the program holds under another name, with what that has loaded."""
    for _, other in state.of_session(sid) if sid is not None else ():
        if other.life is Life.PERSISTENT and other.path != path and entity.meets(other.entity):
            for name, lost in attributes.items():
                if lost.loss is not None and (name in other.links or other.status(name) in (LOADED, VAGUE)):
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
            if relationship.target in entity.lineage and name not in obj.links and (new or not relationship.many):
                state.objects[oid] = obj = obj.with_status(name, VAGUE)
                forget_child(run, state, oid, name)
