"""Paths that meet again: of those that differ in nothing that matters, one goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import TypeVar

from msgspec.structs import replace

from outlive.check.flow import keys
from outlive.check.flow.frames import PATHS, Frame, Out
from outlive.check.flow.state import ANYWHERE, LOADED, Object, Plain, Session, State
from outlive.check.flow.values import (
    UNKNOWN,
    ClassValue,
    Const,
    Group,
    Many,
    Mapped,
    Member,
    Query,
    Ref,
    Shelf,
    Unknown,
    Value,
)
from outlive.check.program import External, ModuleSymbol
from outlive.lifecycle.states import State as Life

T = TypeVar("T")

WAITING = 4 * PATHS
"""States with an exception on its way that are kept at once."""

_of_session = attrgetter(
    *(name for name in Session.__struct_fields__ if name not in ("begun", "connected", "saves", "unsaved"))
)
_of_object = attrgetter(
    *(name for name in Object.__struct_fields__ if name not in ("links", "changed", "written", "empty", "renewed"))
)
_differing: dict[int, str] = {}
"""The name that told the last two paths apart: most likely it tells the next two apart."""

_differing_object: list[int] = []
"""And the object, or session."""


def prune(states: list[State]) -> list[State]:
    """States that differ in the life of an object; of those that are alike, one that knows only what all of them do."""
    if len(states) < 2:
        return states
    kept: list[State] = []
    for state in states:
        for other in kept:
            if absorb(other, state):
                break
        else:
            kept.append(state)
    return most_at_stake(kept, PATHS)


def prune_raised(states: list[State]) -> list[State]:
    """The same for states with an exception on its way, those with one kind of it by themselves."""
    kinds: dict[Value | None, list[State]] = {}
    for state in states:
        kinds.setdefault(state.raised, []).append(state)
    return most_at_stake([state for alike in kinds.values() for state in prune(alike)], PATHS)


def most_at_stake(states: list[State], count: int) -> list[State]:
    """Of too many paths, those on which most values are lost: there is most to find."""
    if len(states) <= count:
        return states
    chosen = sorted(range(len(states)), key=lambda index: -_at_stake(states[index]))[:count]
    return [states[index] for index in sorted(chosen)]


def _at_stake(state: State) -> int:
    """How many values cannot be read."""
    return sum(
        (obj.columns.loss is not None) + sum(status.loss is not None for status in obj.attributes.values())
        for obj in state.objects.values()
        if isinstance(obj, Object) and obj.life is not None
    )


def absorb(state: State, other: State) -> bool:
    """Stand for another path too, if it differs in nothing that a finding could depend on.

    A name or an object that only one of them knows is kept: on the other path it cannot be read.
    """
    for frame, name in _differing.items():
        ours, theirs = state.envs.get(frame), other.envs.get(frame)
        if ours is not None and theirs is not None and ours is not theirs and name in theirs:
            mine = ours.get(name)
            if mine is not None and _are_apart(name, mine, theirs[name], state, other):
                return False
    for oid in _differing_object:
        one, two = state.objects.get(oid), other.objects.get(oid)
        if one is not None and two is not None and one != two and _joined_object(one, two, state, other) is None:
            return False
    sessions = _joined(state.sessions, other.sessions, _joined_session)
    if sessions is None:
        return False
    changed: list[tuple[int, dict[str, Value]]] = []
    for frame, env in state.envs.items():
        theirs = other.envs.get(frame)
        if theirs is None:
            return False
        if env is theirs or env == theirs:
            continue
        names = _joined_names(env, theirs, state, other, frame)
        if names is None:
            return False
        if names:
            changed.append((frame, names))
    # Last: they are many, and most paths that do not meet differ in a name.
    objects = _joined(state.objects, other.objects, lambda one, two: _joined_object(one, two, state, other))
    if objects is None:
        return False
    for oid in [oid for oid in state.objects.keys() - other.objects.keys() if _is_absent(state.objects[oid])]:
        del state.objects[oid]
    if len(other.envs) > len(state.envs):  # A generator waits on that path.
        state.envs.update({frame: env for frame, env in other.envs.items() if frame not in state.envs})
    state.sessions.update(sessions)
    state.objects.update(objects)
    for frame, names in changed:
        state.own(frame).update(names)
    state.stand_for(other)
    return True


def _joined(left: dict[int, T], right: dict[int, T], join: Callable[[T, T], T | None]) -> dict[int, T] | None:
    """What changes in the left one for it to stand for both; ``None`` if it cannot."""
    made: dict[int, T] = {}
    if left == right:
        return made
    if left.keys() != right.keys() and any(_stands_alone(left[key]) for key in left.keys() - right.keys()):
        return None
    for key, theirs in right.items():
        ours = left.get(key)
        if ours is theirs:
            continue
        if ours is None:
            if _stands_alone(theirs):
                return None
            if not _is_absent(theirs):
                made[key] = theirs
        elif ours != theirs:
            both = join(ours, theirs)
            if both is None:
                _differing_object[:] = [key]
                return None
            if both is not ours:
                made[key] = both
    return made


def _stands_alone(value: object) -> bool:
    """Whether it matters that an object is known on one path only.

    A session may return it once more, if somebody asks for its key.  One behind a relationship is there on the other
    path, too, as its query left it: not with what was loaded afterwards.
    """
    if not isinstance(value, Object):
        return False
    is_findable = value.life is Life.PERSISTENT and keys.is_known(value.key)
    return is_findable or (bool(value.path) and _has_gained(value))


def _is_absent(value: object) -> bool:
    """Whether it is what a condition has found missing behind a relationship: on the other path it may be there."""
    return isinstance(value, Object) and bool(value.path) and _is_blank(value)


def _has_gained(obj: Object) -> bool:
    """Whether something of it was loaded by itself."""
    columns, relationships = obj.entity.columns, obj.entity.relationships
    return any(
        status == LOADED
        and (
            (name in columns and columns[name].deferred and name not in obj.load.columns)
            or (name in relationships and not relationships[name].eager and obj.load.get(name) is None)
        )
        for name, status in obj.attributes.items()
    )


def _joined_session(ours: Session, theirs: Session) -> Session | None:
    """A transaction that only one path has begun can still be rolled back there, and what it changed can be lost."""
    if _of_session(ours) != _of_session(theirs):
        return None
    both = replace(
        ours,
        begun=ours.begun or theirs.begun,
        connected=ours.connected and theirs.connected,
        saves=ours.saves or theirs.saves,
        unsaved=ours.unsaved or theirs.unsaved,
    )
    return ours if both == ours else both


def _joined_object(ours: Object | Plain, theirs: Object | Plain, state: State, other: State) -> Object | Plain | None:
    if isinstance(ours, Plain):
        if not isinstance(theirs, Plain) or ours.symbol != theirs.symbol or ours.entered != theirs.entered:
            return None
        fields = _joined_names(ours.fields, theirs.fields, state, other)
        return None if fields is None else replace(ours, fields={**ours.fields, **fields}) if fields else ours
    if not isinstance(theirs, Object):
        return None
    if _is_blank(theirs):
        return ours
    if _is_blank(ours):
        return theirs
    changed, written = ours.changed | theirs.changed, ours.written or theirs.written
    if changed != ours.changed and any(column.onupdate for column in ours.entity.columns.values()):
        return None
    if _of_object(ours) != _of_object(theirs):
        return None
    links = _joined_names(ours.links, theirs.links, state, other)
    if links is None:
        return None
    empty = ours.empty & theirs.empty
    renewed = ours.renewed | theirs.renewed
    return replace(ours, links={**ours.links, **links}, changed=changed, written=written, empty=empty, renewed=renewed)


def _is_blank(obj: Object) -> bool:
    """Nothing is known about it: an element of a collection that is empty on this path."""
    return obj.life is None and obj.columns.vague and all(status.vague for status in obj.attributes.values())


def _joined_names(
    ours: Mapping[str, Value], theirs: Mapping[str, Value], state: State, other: State, frame: int | None = None
) -> dict[str, Value] | None:
    """Names that are new in the other path, or stand for something else there that does not matter."""
    made: dict[str, Value] = {}
    for name, value in theirs.items():
        mine = ours.get(name)
        if value is mine or value == mine:
            continue
        if mine is None and not (name[0] == "%" and isinstance(value, Const)):
            made[name] = value
        elif isinstance(mine, Query) and isinstance(value, Query) and _are_one_query(mine, value):
            made[name] = _joined_query(mine, value)
        elif mine is None or _are_apart(name, mine, value, state, other):
            if frame is not None:
                _differing.clear()
                _differing[frame] = name
            return None
        else:
            made[name] = UNKNOWN
    return made


def _are_one_query(mine: Query, value: Query) -> bool:
    """Whether two queries load the same, of other rows."""
    return replace(mine, key=None, joined=False, load=replace(mine.load, keyed=frozenset())) == replace(
        value, key=None, joined=False, load=replace(value.load, keyed=frozenset())
    )


def _joined_query(mine: Query, value: Query) -> Query:
    keyed = mine.load.keyed | value.load.keyed
    key = mine.key if mine.key == value.key else None
    return replace(mine, key=key, joined=mine.joined or value.joined, load=replace(mine.load, keyed=keyed))


def _are_apart(name: str, mine: Value, value: Value, state: State, other: State) -> bool:
    """Whether a name stands for two things on two paths, and which of them may matter."""
    if value is mine or value == mine:
        return False
    if isinstance(mine, Query) and isinstance(value, Query) and _are_one_query(mine, value):
        return False
    if name[0] == "%" and (isinstance(value, Const) or isinstance(mine, Const)):
        return True  # The answer of a condition, about to be tested.
    return not (_is_inert(mine, state, 2) and _is_inert(value, other, 2))


def _is_inert(value: Value, state: State, depth: int) -> bool:
    """Whether losing track of a value can at most keep us silent."""
    match value:
        case Unknown() | Const() | Member() | External() | ClassValue() | Mapped() | ModuleSymbol() | Shelf():
            return True
        case Query(entities=entities):
            return not any(isinstance(entity, ClassValue) for entity in entities)
        case Ref(oid=oid):
            plain = state.objects.get(oid)
            return (
                depth > 0
                and isinstance(plain, Plain)
                and all(_is_inert(field, state, depth - 1) for field in plain.fields.values())
            )
        case Many(element=element):
            return _is_inert(element, state, depth)
        case Group(items=items):
            return all(_is_inert(item, state, depth) for item in items)
        case _:
            return False


def forget(state: State, frame: Frame, name: str) -> None:
    """A name is assigned: what was assumed about it no longer holds."""
    last = f"{name.rpartition('.')[2]} "
    stale = [
        key
        for key in state.assumed
        if (key[0] == frame.id and name in key[1]) or (key[0] == ANYWHERE and key[1].startswith(last))
    ]
    for key in stale:
        del state.assumed[key]


def note_raise(out: Out, state: State) -> None:
    for other in out.raises[-3:]:
        if other.raised is None and other.same(state):
            other.stand_for(state)
            return
    out.raises.append(state.fork())
    if len(out.raises) > WAITING:
        # Whoever catches them prunes them all; the ones that go on are the same.
        out.raises[:] = prune_raised(out.raises)


def merge_out(out: Out, inner: Out, raises: bool) -> None:
    out.returns.extend(inner.returns)
    out.breaks.extend(inner.breaks)
    out.continues.extend(inner.continues)
    if raises:
        out.raises.extend(inner.raises)
