"""Which objects are one row, and which the identity map still holds: it is weak, and lets go of what nobody has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check.entities import Entity
from outlive.check.flow import children, identity_map, keys, lifetimes, loading
from outlive.check.flow.state import LOADED, UNLOADED, VAGUE, Object, Plain, State
from outlive.check.flow.values import (
    EVERY,
    NOTHING,
    SOME,
    Context,
    FunctionValue,
    Group,
    Load,
    Many,
    MethodValue,
    Value,
)
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


def held(run: Interpreter, state: State, sid: int, entity: Entity, key: Value | None) -> int | None:
    """The object that a session has for a key, if the program got it by the same key and still holds it."""
    if not keys.is_known(key):
        return None
    for oid, obj in state.of_session(sid):
        if obj.key == key and obj.life is Life.PERSISTENT and obj.entity is entity and is_held(run, state, oid):
            return oid
    return None


def copy(run: Interpreter, state: State, source: int, target: int) -> Object:
    """One row of many, with what all of them have; from here on it has a life of its own."""
    obj = state.object(source)
    assert obj is not None
    _copy_behind(run, state, source, target)
    state.objects[target] = made = replace(obj, key=SOME if obj.key == EVERY else obj.key, several=False)
    return made


def _copy_behind(run: Interpreter, state: State, source: int, target: int) -> None:
    """What stands behind its relationships, as far as that is known."""
    obj = state.object(source)
    for name in obj.entity.relationships if obj is not None else ():
        children.forget_child(run, state, target, name)
        behind = run.identity("child", source, name)
        held = state.object(behind)
        if held is not None:
            made = run.identity("child", target, name)
            state.objects[made] = held
            _copy_behind(run, state, behind, made)


def take_from_every(run: Interpreter, state: State, sid: int, entity: Entity, oid: int) -> Object | None:
    """Where the session has every row of a class, it has the one that ``oid`` is to stand for."""
    every = held(run, state, sid, entity, EVERY)
    return None if every is None else copy(run, state, every, oid)


def taken_from(state: State, every: Object) -> list[int]:
    """All objects that are rows of one query or stand for them; of every row of a class, all that the session has."""
    return [
        oid
        for oid, obj in state.objects.items()
        if isinstance(obj, Object) and (obj is every or _is_of_query(obj, every) or _is_among(obj, every))
    ]


def _is_of_query(obj: Object, every: Object) -> bool:
    is_born = every.born is not None  # Else it came in as an argument.
    return is_born and obj.born == every.born and obj.path == every.path and obj.entity.meets(every.entity)


def _is_among(obj: Object, every: Object) -> bool:
    is_of_class = every.key == EVERY and obj.entity is every.entity
    return is_of_class and every.sid is not None and obj.sid == every.sid and not obj.made


def come_upon(run: Interpreter, state: State, oid: int, load: Load) -> Object:
    """A query finds the row of an object that the session has: it fills in what that lacks.

    Source: SQLAlchemy 2.0 and 2.1, ``loading._populate_partial``, each way run.
    """
    obj = state.object(oid)
    assert obj is not None
    fresh = loading.statuses(obj.entity, load)
    attributes = dict(obj.attributes)
    filled: list[str] = []
    for name in {*attributes, *obj.entity.columns, *obj.entity.relationships}:
        own, new = obj.status(name), fresh.get(name, LOADED)
        if own.loss is None and not own.vague:
            attributes[name] = own
        elif identity_map.is_none(run, obj, name):
            attributes[name] = VAGUE
        elif new.loss is None:
            attributes[name] = new
            filled.append(name)
        elif name in obj.entity.relationships and not own.vague and not own.loaded:
            attributes[name] = UNLOADED
        else:
            attributes[name] = own
    sparse = {n: s for n, s in attributes.items() if n not in obj.entity.columns or s != LOADED}
    state.objects[oid] = replace(obj, columns=LOADED, attributes=sparse)
    for name, relationship in obj.entity.relationships.items():
        inner = load.get(name) or (NOTHING if relationship.eager and not _comes_again(run, obj, name) else None)
        if name in filled:
            children.forget_child(run, state, oid, name)
            children.child(run, state, oid, name, inner)
        elif inner is not None and not attributes.get(name, LOADED).vague:
            for behind in lifetimes.refs(children.child(run, state, oid, name)):
                if state.object(behind) is not None:
                    come_upon(run, state, behind, inner)
    found = state.object(oid)
    assert found is not None
    return found


def _comes_again(run: Interpreter, obj: Object, name: str) -> bool:
    """Whether a relationship leads back to a class on the way here: there the eager loading of mappings ends.

    Source: SQLAlchemy 2.0 and 2.1, ``relationship.join_depth``.
    """
    target = run.entities.behind(obj.entity.relationships[name])
    above = {owner for owner, _ in obj.path}
    return target is None or target.name in above or target.meets(obj.entity)


def loaded_behind(run: Interpreter, obj: Object, wanted: Entity) -> Iterator[str]:
    """What the options of an earlier query have loaded of the ``wanted`` ones that stand behind its rows."""
    # What has expired expired with all that stands behind it.
    rels = tuple((name, inner) for name, inner in obj.load.rels if obj.status(name).loss is None)
    return _loaded_behind(run, obj.entity, rels, wanted)


def _loaded_behind(run: Interpreter, entity: Entity, rels: Iterable[tuple[str, Load]], wanted: Entity) -> Iterator[str]:
    for name, inner in rels:
        target = run.entities.behind(entity.relationships.get(name))
        if target is not None:
            if wanted.meets(target):
                yield from (further for further, _ in inner.rels)
                yield from inner.columns
            yield from _loaded_behind(run, target, inner.rels, wanted)


def is_held(run: Interpreter, state: State, wanted: int) -> bool:
    """Whether the program holds an object: by a name, in a container, behind an object, or by a change to flush."""
    seen: set[int] = set()
    waiting = list(_roots(state))
    while waiting:
        oid = waiting.pop()
        if oid == wanted:
            return True
        if oid in seen:
            continue
        seen.add(oid)
        obj = state.objects.get(oid)
        if isinstance(obj, Object):
            waiting.extend(_behind(run, oid, obj))
    return False


def _roots(state: State) -> Iterator[int]:
    for env in state.envs.values():
        for name, value in env.items():
            # A temporary may be left over; only what is iterated over is held by one.
            if name[0] != "%" or isinstance(value, (Many, Group)):
                yield from _inside(value)
    for oid, obj in state.objects.items():
        if isinstance(obj, Plain):
            for value in obj.fields.values():
                yield from _inside(value)
        elif obj.changed or obj.deleted or obj.life is Life.PENDING:
            yield oid


def _behind(run: Interpreter, oid: int, obj: Object) -> Iterator[int]:
    for value in obj.links.values():
        yield from _inside(value)
    for name in obj.entity.relationships:
        if obj.status(name).loss is None:
            yield run.identity("child", oid, name)


def _inside(value: Value) -> Iterator[int]:
    match value:
        case MethodValue(base=base):
            yield from _inside(base)
        case FunctionValue(owner=owner, closure=closure):
            yield from _inside_all((*closure.values(), *((owner,) if owner is not None else ())))
        case Context(function=function, arguments=arguments):
            yield from _inside_all((function, *(argument for _, argument in arguments)))
        case _:
            yield from lifetimes.refs(value)


def _inside_all(values: Iterable[Value]) -> Iterator[int]:
    for value in values:
        yield from _inside(value)
