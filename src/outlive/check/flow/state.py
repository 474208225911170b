"""The state of a program point: names, objects and sessions, on one path."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from outlive.check.entities import Entity
from outlive.check.flow.observations import Exit, Loss
from outlive.check.flow.values import (
    NOTHING,
    Factory,
    Load,
    Spot,
    Value,
)
from outlive.check.program import ClassSymbol
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
        key: The primary key that it was got by, where the program spells it out.
        empty: Collections that a condition on this path has found empty.
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
    key: Value | None = None
    empty: frozenset[str] = frozenset()

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
        blocks: How many ``with session.begin()`` or ``begin_nested()`` are open.
        ended: Its transaction was ended inside such a block, after which it refuses to work until the block is left.
        kept: Somebody whom we cannot see may hold it.
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
    blocks: int = 0
    ended: bool = False
    kept: bool = False


class State:
    """One path's view; mutable, copied where paths part (the names of a frame only when they are written)."""

    __slots__ = ("_owned", "assumed", "envs", "failed", "objects", "sessions")

    def __init__(self) -> None:
        self.envs: dict[int, dict[str, Value]] = {}
        self.objects: dict[int, Object | Plain] = {}
        self.sessions: dict[int, Session] = {}
        self.assumed: dict[tuple[int, str], bool] = {}
        self.failed = False
        """Something on this path has raised: what comes later is reached on other paths, or once that is mended."""
        self._owned: set[int] = set()

    def fork(self) -> State:
        made = State()
        made.envs = dict(self.envs)
        made.objects = dict(self.objects)
        made.sessions = dict(self.sessions)
        made.assumed = dict(self.assumed)
        made.failed = self.failed
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

    def object(self, oid: int) -> Object | None:
        found = self.objects.get(oid)
        return found if isinstance(found, Object) else None

    def of_session(self, sid: int) -> list[tuple[int, Object]]:
        return [(oid, obj) for oid, obj in self.objects.items() if isinstance(obj, Object) and obj.sid == sid]
