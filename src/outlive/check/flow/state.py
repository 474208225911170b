"""The state of a program point: names, objects and sessions, on one path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from outlive.check.entities import Entity
from outlive.check.flow.observations import Exit, Loss
from outlive.check.flow.values import (
    NOTHING,
    UNKNOWN,
    ClassValue,
    Const,
    Factory,
    Group,
    Load,
    Many,
    Mapped,
    Option,
    Query,
    Ref,
    Spot,
    Unknown,
    Value,
)
from outlive.check.program import ClassSymbol, External, ModuleSymbol
from outlive.lifecycle.states import State as Life

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of one attribute's value.

    Attributes:
        loss: ``None`` while it is loaded.
        spot: Where it was lost.
        eager: It had been loaded by an option or the mapping when it was lost.
        vague: Not known at all; nothing is reported for it.
    """

    loss: Loss | None = None
    spot: Spot | None = None
    eager: bool = False
    vague: bool = False


LOADED = Status()
VAGUE = Status(vague=True)
UNLOADED = Status(Loss.NEVER_LOADED)


@dataclass(frozen=True, slots=True)
class Object:
    """A mapped object.

    Attributes:
        life: ``None`` when it cannot be known.
        columns: Status of every column that is not in ``attributes``.
        attributes: Status of single attributes; every relationship is here unless the object is new.
        links: Values assigned to, or read from, attributes.
        born: Where it was loaded or made.
        query: The query that loaded it.
        root: The class that the query selects, and the way from there.
        exit: How it was detached, and where.
        changed: Attributes with changes that no flush has seen.
        optioned: Its query has loader options already.
        written: A flush has written changes of it since the last savepoint began.
        made: It was made by its constructor and not loaded.
        merged: Where it was given to ``merge`` and the result thrown away.
    """

    entity: Entity
    sid: int | None
    life: Life | None
    columns: Status
    attributes: dict[str, Status] = field(default_factory=dict[str, Status])
    links: dict[str, Value] = field(default_factory=dict[str, Value])
    born: Spot | None = None
    query: Spot | None = None
    path: tuple[tuple[str, str], ...] = ()
    load: Load = NOTHING
    exit: tuple[Exit, Spot] | None = None
    changed: frozenset[str] = frozenset()
    written: bool = False
    optioned: bool = False
    made: bool = False
    deleted: bool = False
    merged: tuple[Spot, bool] | None = None

    def status(self, name: str) -> Status:
        found = self.attributes.get(name)
        if found is not None:
            return found
        return self.columns

    def with_status(self, name: str, status: Status) -> Object:
        return replace(self, attributes={**self.attributes, name: status})


@dataclass(frozen=True, slots=True)
class Plain:
    """An instance of a class of the program that is not mapped."""

    symbol: ClassSymbol
    fields: dict[str, Value] = field(default_factory=dict[str, Value])
    entered: Spot | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A session.

    Attributes:
        begun: A transaction is open; without one a rollback expires nothing.
        closed: Where it was last closed.
        lent: Inside ``run_sync``, where reading may load.
        autoflush: A query flushes first; off inside ``no_autoflush``.
        methods: Names that the program has assigned to it.
    """

    is_async: bool
    expires: bool | None
    name: str
    factory: Factory | None
    spot: Spot
    begun: bool = False
    closed: Spot | None = None
    lent: int = 0
    autoflush: bool = True
    methods: frozenset[str] = frozenset()


class State:
    """One path's view; mutable, copied where paths part (the names of a frame only when they are written)."""

    __slots__ = ("_owned", "assumed", "envs", "objects", "sessions")

    def __init__(self) -> None:
        self.envs: dict[int, dict[str, Value]] = {}
        self.objects: dict[int, Object | Plain] = {}
        self.sessions: dict[int, Session] = {}
        self.assumed: dict[tuple[int, str], bool] = {}
        self._owned: set[int] = set()

    def fork(self) -> State:
        made = State()
        made.envs = dict(self.envs)
        made.objects = dict(self.objects)
        made.sessions = dict(self.sessions)
        made.assumed = dict(self.assumed)
        self._owned.clear()
        return made

    def own(self, frame: int) -> dict[str, Value]:
        """The names of a frame, to be written."""
        if frame not in self._owned:
            self.envs[frame] = dict(self.envs.get(frame, {}))
            self._owned.add(frame)
        return self.envs[frame]

    def leave(self, frame: int) -> None:
        """The frame is done with, and its names are."""
        self.envs.pop(frame, None)
        self._owned.discard(frame)

    def same(self, other: State) -> bool:
        return self.sessions == other.sessions and self.objects == other.objects and self.envs == other.envs

    def absorb(self, other: State) -> bool:
        """Stand for another path too, if it differs in nothing that a finding could depend on.

        A name or an object that only one of them knows is kept: on the other path it cannot be read.
        """
        sessions = _joined(self.sessions, other.sessions, _joined_session)
        if sessions is None:
            return False
        objects = _joined(self.objects, other.objects, lambda one, two: _joined_object(one, two, self, other))
        if objects is None:
            return False
        changed: list[tuple[int, dict[str, Value]]] = []
        for frame, env in self.envs.items():
            theirs = other.envs.get(frame)
            if theirs is None:
                return False
            if env is theirs:
                continue
            names = _joined_names(env, theirs, self, other)
            if names is None:
                return False
            if names:
                changed.append((frame, names))
        self.sessions.update(sessions)
        self.objects.update(objects)
        for frame, names in changed:
            self.own(frame).update(names)
        if self.assumed != other.assumed:
            self.assumed = {k: v for k, v in self.assumed.items() if other.assumed.get(k) == v}
        return True

    def object(self, oid: int) -> Object | None:
        found = self.objects.get(oid)
        return found if isinstance(found, Object) else None

    def of_session(self, sid: int) -> list[tuple[int, Object]]:
        return [(oid, obj) for oid, obj in self.objects.items() if isinstance(obj, Object) and obj.sid == sid]


def _joined(left: dict[int, T], right: dict[int, T], join: Callable[[T, T], T | None]) -> dict[int, T] | None:
    """What changes in the left one for it to stand for both; ``None`` if it cannot."""
    made: dict[int, T] = {}
    for key, theirs in right.items():
        ours = left.get(key)
        if ours is theirs:
            continue
        if ours is None:
            made[key] = theirs
        elif ours != theirs:
            both = join(ours, theirs)
            if both is None:
                return None
            if both is not ours:
                made[key] = both
    return made


def _joined_session(ours: Session, theirs: Session) -> Session | None:
    """A transaction that only one path has begun can still be rolled back there."""
    if replace(ours, begun=theirs.begun) != theirs:
        return None
    return ours if ours.begun else theirs


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
    if replace(theirs, links=ours.links, changed=ours.changed, written=ours.written) != ours:
        return None
    links = _joined_names(ours.links, theirs.links, state, other)
    return None if links is None else replace(ours, links={**ours.links, **links}, changed=changed, written=written)


def _is_blank(obj: Object) -> bool:
    """Nothing is known about it: an element of a collection that is empty on this path."""
    return obj.life is None and obj.columns.vague and all(status.vague for status in obj.attributes.values())


def _joined_names(
    ours: Mapping[str, Value], theirs: Mapping[str, Value], state: State, other: State
) -> dict[str, Value] | None:
    """Names that are new in the other path, or stand for something else there that does not matter."""
    made: dict[str, Value] = {}
    for name, value in theirs.items():
        mine = ours.get(name)
        if value is mine or value == mine:
            continue
        if name[0] == "%" and (isinstance(value, Const) or isinstance(mine, Const)):
            return None  # The answer of a condition, about to be tested.
        if mine is None:
            made[name] = value
        elif _is_inert(mine, state, 2) and _is_inert(value, other, 2):
            made[name] = UNKNOWN
        else:
            return None
    return made


def _is_inert(value: Value, state: State, depth: int) -> bool:
    """Whether losing track of a value can at most keep us silent."""
    match value:
        case Unknown() | Const() | External() | ClassValue() | Mapped() | ModuleSymbol() | Option():
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
