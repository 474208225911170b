"""What an async session can answer without SQL: a lazy load that needs none does not fail."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from outlive.check.entities import Entity
from outlive.check.flow import lifetimes
from outlive.check.flow.frames import Frame
from outlive.check.flow.observations import Loss
from outlive.check.flow.state import Object, Plain, State
from outlive.check.flow.values import NONE, Every, Load, Value
from outlive.check.program import ClassSymbol
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


def is_none(run: Interpreter, obj: Object, name: str) -> bool:
    """A many-to-one of a new object whose key was never set is ``None``, without a look at the database."""
    relationship = obj.entity.relationships.get(name)
    if relationship is None or relationship.many or not obj.made:
        return False
    if obj.entity.refers_by(name, run.entities.behind(relationship)) is False:
        return False
    return obj.status(name).loss is Loss.NEVER_LOADED and obj.links.get(f"{name}_id", NONE) == NONE


def answers(run: Interpreter, state: State, obj: Object, name: str) -> bool:
    """Whether a many-to-one may be served by the identity map, without SQL.

    Which row stands behind it can rarely be seen.  An object of that class that the program holds by itself, or behind
    a collection, may be it.  One that stands behind to-one relationships is, if the last has the same name (rows of
    one project), or if it is where the object came from: the ``owner`` of a project is nobody's ``user``.
    """
    relationship = obj.entity.relationships.get(name)
    if relationship is None or relationship.many or relationship.target is None:
        return False
    if obj.entity.refers_by(name, run.entities.behind(relationship)) is False:
        return False  # The key is on the other side.
    own = state.sessions.get(obj.sid) if obj.sid is not None else None
    if not relationship.by_key and own is not None and own.factory is not None:
        return False  # In a session that somebody else has opened, the object may be an old one that has it.
    if obj.columns.loss is not None:
        return False  # Its foreign key has expired, too.
    if f"{name}_id" in obj.load.keyed:
        return True  # Who asks by the key of a row holds that row, as a rule.
    alone = not isinstance(obj.key, Every)
    for oid, other in state.objects.items():
        if other is obj or not isinstance(other, Object) or other.columns.loss is not None or _is_left(run, state, oid):
            continue  # An expired one would have to be loaded first.
        # An object that came in as an argument belongs to some session, most likely to this one.
        near = other.sid == obj.sid or (other.sid is None and other.life is None)
        if near and other.life in (Life.PERSISTENT, None) and relationship.target in other.entity.lineage:
            is_ancestor = bool(other.path) and other.path == obj.path[: len(other.path)]
            enough = alone or other.several or is_ancestor  # One is not behind all rows of a table.
            if enough and (is_ancestor or _may_be(run, state, oid, name)):
                return True
        if other.sid == obj.sid and _is_behind(run, other.entity, other.load, relationship.target, name):
            return True
    return False


def candidates(run: Interpreter, state: State, obj: Object, name: str) -> list[Object]:
    """The objects one of which the identity map answers with; none where it may be another that is not seen here."""
    relationship = obj.entity.relationships[name]
    own = state.sessions.get(obj.sid) if obj.sid is not None else None
    if own is None or obj.sid is None or relationship.target is None:
        return []
    is_ours = run.key_of(obj.sid)[0] == "session" and obj.sid not in run.lent and not own.kept
    if not is_ours or f"{name}_id" in obj.load.keyed:
        return []
    found: list[Object] = []
    for other in state.objects.values():
        if not isinstance(other, Object) or other is obj or other.sid not in (obj.sid, None):
            continue
        if _is_behind(run, other.entity, other.load, relationship.target, name):
            return []
        if relationship.target in other.entity.lineage:
            found.append(other)
    return found


def let_go(run: Interpreter, state: State, frame: Frame, value: Value, before: AbstractSet[int]) -> None:
    """A function has returned: what only its names stood for is gone, and the identity map, which is weak, lacks it.

    An object that has changes is held by its session.  One that something out of sight was given may be held there, and
    one in a cycle stays until the garbage collector comes by.

    Args:
        run: The walk.
        state: What it ends with.
        frame: Whose names no longer hold anything.
        value: What it returns.
        before: The objects that there were when it was called; its caller has those.
    """
    if state.pending:
        return
    kept = {*before, *lifetimes.refs(value)}
    for other, env in state.envs.items():
        outside = frame.function.free if other == frame.id and frame.function is not None else env
        kept.update(oid for name in outside if name in env for oid in lifetimes.refs(env[name]))
    for obj in state.objects.values():
        for each in (obj.fields if isinstance(obj, Plain) else obj.links).values():
            kept.update(lifetimes.refs(each))
    for oid, obj in list(state.objects.items()):
        if isinstance(obj, Object) and _is_loose(run, state, obj) and not _leads_to(run, oid, kept):
            del state.objects[oid]


def _is_loose(run: Interpreter, state: State, obj: Object) -> bool:
    """Whether nothing but names can hold an object."""
    session = state.sessions.get(obj.sid) if obj.sid is not None else None
    if session is None or obj.life is not Life.PERSISTENT or obj.changed or obj.links or obj.kept:
        return False
    statuses = (obj.columns, *obj.attributes.values())
    if any(status.vague for status in statuses) or all(status.loss is None for status in statuses):
        return False  # Who is given it may load what it lacks: only where it is known to lack something, nobody was.
    return not _is_behind(run, obj.entity, obj.load, obj.entity.symbol, "")


def _leads_to(run: Interpreter, oid: int, kept: AbstractSet[int]) -> bool:
    """Whether an object is kept, or stands behind relationships of one that is."""
    while oid not in kept:
        key = run.key_of(oid)
        if key[0] not in ("child", "focus", "moved"):
            return False
        oid = key[1] if key[0] == "child" else key[-1]
    return True


def _is_left(run: Interpreter, state: State, oid: int) -> bool:
    """Whether an object stood behind a relationship that has lost its value: nobody holds it any longer."""
    key = run.key_of(oid)
    parent = state.object(key[1]) if key[0] == "child" else None
    return parent is not None and parent.status(key[2]).loss is not None


def _may_be(run: Interpreter, state: State, oid: int, name: str) -> bool:
    """Whether an object may be the row in that role: unless it is known to have another role, and no other."""
    role = ""
    while True:
        key = run.key_of(oid)
        while key[0] in ("focus", "moved"):
            key = run.key_of(key[-1])
        if key[0] != "child":
            return not role or role == name
        oid, role = key[1], role or key[2]
        parent = state.object(oid)
        relationship = parent.entity.relationships.get(key[2]) if parent is not None else None
        if relationship is None or relationship.many is not False:
            return True


def _is_behind(run: Interpreter, entity: Entity, load: Load, target: ClassSymbol, name: str) -> bool:
    """Whether options or mappings load objects of a class behind an entity, in the same role or many of them.

    Behind a collection every role will do, and the ``name`` is empty.
    """
    roles = run.entities.loaded_with(entity).get(target, ())
    if roles and (not name or "" in roles or name in roles):
        return True
    for relation, inner in load.rels:
        relationship = entity.relationships.get(relation)
        found = run.entities.behind(relationship)
        if relationship is None or found is None:
            continue
        many = relationship.many is not False
        if target in found.lineage and (many or name in ("", relation)):
            return True
        if _is_behind(run, found, inner, target, "" if many else name):
            return True
    return False
