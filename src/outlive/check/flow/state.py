"""The state of a program point: names, objects and sessions, on one path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
    Ref,
    Spot,
    Unknown,
    Value,
)
from outlive.check.program import ClassSymbol, External, ModuleSymbol
from outlive.lifecycle.states import State as Life


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
        if self.sessions != other.sessions:
            return False
        blank: list[tuple[int, str]] = []
        for oid, obj in self.objects.items():
            others = other.objects.get(oid)
            if others is None or obj is others or obj == others:
                continue
            if not isinstance(obj, Plain) or not isinstance(others, Plain) or obj.entered != others.entered:
                return False
            names = _differing(self, other, obj.fields, others.fields)
            if names is None:
                return False
            blank += [(oid, name) for name in names]
        changed: list[tuple[int, str]] = []
        for frame, env in self.envs.items():
            theirs = other.envs.get(frame)
            if theirs is None:
                return False
            if env is theirs:
                continue
            names = _differing(self, other, env, theirs)
            if names is None:
                return False
            changed += [(frame, name) for name in names]
        for oid, name in blank:
            plain = self.objects[oid]
            assert isinstance(plain, Plain)
            self.objects[oid] = replace(plain, fields={**plain.fields, name: UNKNOWN})
        for oid, obj in other.objects.items():
            self.objects.setdefault(oid, obj)
        for frame, env in self.envs.items():
            theirs = other.envs[frame]
            new = [name for name in theirs if name not in env] if env is not theirs else []
            if new:
                own = self.own(frame)
                for name in new:
                    own[name] = theirs[name]
        for frame, name in changed:
            self.own(frame)[name] = UNKNOWN
        if self.assumed != other.assumed:
            self.assumed = {k: v for k, v in self.assumed.items() if other.assumed.get(k) == v}
        return True

    def object(self, oid: int) -> Object | None:
        found = self.objects.get(oid)
        return found if isinstance(found, Object) else None

    def of_session(self, sid: int) -> list[tuple[int, Object]]:
        return [(oid, obj) for oid, obj in self.objects.items() if isinstance(obj, Object) and obj.sid == sid]


def _differing(
    state: State, other: State, left: Mapping[str, Value], right: Mapping[str, Value]
) -> list[str] | None:
    """The names that stand for something else here and there, none of which matters; ``None`` if one does."""
    names: list[str] = []
    for name, value in left.items():
        others = right.get(name)
        if others is None:
            if name[0] == "%" and isinstance(value, Const):
                return None
            continue
        if value is others or value == others:
            continue
        if name[0] == "%" and (isinstance(value, Const) or isinstance(others, Const)):
            return None  # The answer of a condition, about to be tested.
        if not (_is_inert(value, state, 2) and _is_inert(others, other, 2)):
            return None
        names.append(name)
    if len(right) > len(left) - len(names) and any(
        name[0] == "%" and isinstance(value, Const) for name, value in right.items() if name not in left
    ):
        return None
    return names


def _is_inert(value: Value, state: State, depth: int) -> bool:
    """Whether losing track of a value can at most keep us silent."""
    match value:
        case Unknown() | Const() | External() | ClassValue() | Mapped() | ModuleSymbol() | Option():
            return True
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
