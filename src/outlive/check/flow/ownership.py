"""Objects that live in one session and are given to another: SQLAlchemy refuses them.

``add`` takes in what the save-update cascade leads to, and so does a relationship that is assigned or appended to.  An
object that another open session holds cannot be taken in.

Source: SQLAlchemy 2.0 and 2.1, ``Session._before_attach`` and ``unitofwork.track_cascade_events``, each way run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from outlive.check.flow import lifetimes, orphans
from outlive.check.flow.frames import Frame
from outlive.check.flow.log import Note
from outlive.check.flow.state import Object, State
from outlive.check.flow.values import Many, Ref, Spot, Value
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


def refused(
    run: Interpreter, state: State, frame: Frame, sid: int | None, values: Iterable[tuple[Value, str]], spot: Spot
) -> bool:
    """Whether a session refuses to take in one of these; each comes with the way that leads to it."""
    if sid is None or len(state.sessions) < 2 or not _is_ours(state, sid):
        return False
    for value, way in values:
        for oid in lifetimes.refs(value):
            found = _foreign(run, state, sid, oid, way, set())
            if found is None:
                run.log.fine.add(spot)
                continue
            foreign, way_there = found
            obj = state.object(foreign)
            if obj is None or obj.sid is None:
                continue
            if not any(c.rpartition(".")[2] in ("InvalidRequestError", "SQLAlchemyError") for c in frame.caught):
                use = state.sessions[obj.sid].spot
                note = Note(
                    "attached", spot, "", obj, None, None, state.sessions[sid], obj.born, foreign, way_there, use
                )
                run.log.raised(note, state)
            return True
    return False


def assigned(run: Interpreter, state: State, frame: Frame, oid: int, name: str, value: Value, spot: Spot) -> bool:
    """``owner.name = value`` or ``owner.name.append(value)``, where the owner's session takes the value in."""
    owner = state.object(oid)
    relationship = owner.entity.relationships.get(name) if owner is not None else None
    if owner is None or relationship is None or not relationship.saves:
        return False
    if owner.life not in (Life.PENDING, Life.PERSISTENT):
        return False
    return refused(run, state, frame, owner.sid, [(value, f"{owner.entity.name}.{name}")], spot)


def appended(run: Interpreter, state: State, frame: Frame, collection: Value, value: Value, spot: Spot) -> bool:
    """``owner.books.append(value)``"""
    if not isinstance(collection, Many) or not isinstance(collection.element, Ref):
        return False
    key = run.key_of(collection.element.oid)
    return key[0] == "child" and assigned(run, state, frame, key[1], key[2], value, spot)


def _foreign(run: Interpreter, state: State, sid: int, oid: int, way: str, seen: set[int]) -> tuple[int, str] | None:
    """The object behind this one that another session holds, and the way there."""
    obj = state.object(oid)
    if obj is None or oid in seen:
        return None
    seen.add(oid)
    if obj.sid is not None and obj.life in (Life.PENDING, Life.PERSISTENT):
        is_foreign = obj.sid != sid and _is_ours(state, obj.sid) and _is_held(run, state, obj)
        return (oid, way) if is_foreign else None
    for name, value in obj.links.items():
        relationship = obj.entity.relationships.get(name)
        for linked in lifetimes.refs(value) if relationship is not None and relationship.saves else ():
            found = _foreign(run, state, sid, linked, f"{obj.entity.name}.{name}", seen)
            if found is not None:
                return found
    return None


def _is_ours(state: State, sid: int) -> bool:
    """Where it was opened is known, so it is not another name for a session that somebody else has opened."""
    session = state.sessions.get(sid)
    return session is not None and session.factory is not None


def _is_held(run: Interpreter, state: State, obj: Object) -> bool:
    """A session that nothing holds is collected some day, which sets its objects free."""
    assert obj.sid is not None
    return run.is_shared(obj.sid) or orphans.is_held(state, obj.sid, ())
