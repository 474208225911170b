"""The state of a program point: names, objects and sessions, on one path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from outlive.check.entities import Entity
from outlive.check.flow.observations import Exit, Loss
from outlive.check.flow.values import (
    NOTHING,
    UNKNOWN,
    Factory,
    Load,
    Spot,
    Value,
)
from outlive.check.program import ClassSymbol
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.background import Work


class Status(Struct, frozen=True):
    """What is known of one attribute's value.

    Attributes:
        loss: ``None`` while it is loaded.
        spot: Where it was lost.
        loaded: It had been loaded when it was lost.
        eager: That was done by an option or the mapping.
        vague: Not known at all; nothing is reported for it.
    """

    loss: Loss | None = None
    spot: Spot | None = None
    eager: bool = False
    loaded: bool = False
    vague: bool = False


LOADED = Status()
VAGUE = Status(vague=True)
UNLOADED = Status(Loss.NEVER_LOADED)


class Object(Struct, frozen=True):
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
        written: A flush has written changes of it, or deleted it, since the last savepoint began.
        made: It was made by its constructor and not loaded.
        inserted: How deep in transactions (1) and savepoints (2, ...) that are still open; 0 if its row is older.
        renewed: Relationships that were loaded again, so that other objects stand behind them.
        merged: Where it was given to ``merge`` and the result thrown away.
        key: The primary key that it was got by, where the program spells it out.
        several: It stands for all elements of a list or collection, not for one of them.
        empty: Collections that a condition on this path has found empty.
        kept: Something that we cannot see into was given it to hold.
    """

    entity: Entity
    sid: int | None
    life: Life | None
    columns: Status
    attributes: dict[str, Status] = {}
    links: dict[str, Value] = {}
    born: Spot | None = None
    query: Spot | None = None
    path: tuple[tuple[str, str], ...] = ()
    load: Load = NOTHING
    exit: tuple[Exit, Spot] | None = None
    changed: frozenset[str] = frozenset()
    written: bool = False
    optioned: bool = False
    made: bool = False
    inserted: int = 0
    renewed: frozenset[str] = frozenset()
    deleted: bool = False
    merged: tuple[Spot, bool] | None = None
    key: Value | None = None
    several: bool = False
    empty: frozenset[str] = frozenset()
    kept: bool = False

    def status(self, name: str) -> Status:
        found = self.attributes.get(name)
        if found is not None:
            return found
        return self.columns

    def with_status(self, name: str, status: Status) -> Object:
        return replace(self, attributes={**self.attributes, name: status})


class Plain(Struct, frozen=True):
    """An instance of a class of the program that is not mapped."""

    symbol: ClassSymbol
    fields: dict[str, Value] = {}
    entered: Spot | None = None


class Session(Struct, frozen=True):
    """A session.

    Attributes:
        begun: A transaction is open; without one a rollback expires nothing.
        connected: And has its connection, on every path that has led here.
        closed: Where it was last closed.
        left: It was closed because its block was left: nobody means to close it again.
        collected: The generator that made it is collected, which closes it.
        anew: Where it has begun a transaction after that.
        final: It was made with ``close_resets_only=False``: once closed, it refuses to work.
        lent: Inside ``run_sync``, where reading may load.
        autoflush: A query flushes first; off inside ``no_autoflush``.
        methods: Names that the program has assigned to it.
        blocks: How many ``with session.begin()`` or ``begin_nested()`` are open.
        savepoints: How many savepoints are open, in blocks or by hand.
        ended: Its transaction was ended inside such a block, after which it refuses to work until the block is left.
        kept: Somebody whom we cannot see may hold it.
        unsaved: Where the first change was made that no commit has saved yet.
        failed: Its flush has failed, and nobody has rolled back since: it emits no SQL.
        saves: Whoever works with it commits: what is changed after that is not left to anybody.
    """

    is_async: bool
    expires: bool | None
    name: str
    factory: Factory | None
    spot: Spot
    begun: bool = False
    connected: bool = False
    closed: Spot | None = None
    left: bool = False
    collected: bool = False
    anew: Spot | None = None
    final: bool = False
    lent: int = 0
    autoflush: bool = True
    methods: frozenset[str] = frozenset()
    blocks: int = 0
    savepoints: int = 0
    ended: bool = False
    kept: bool = False
    unsaved: Spot | None = None
    failed: bool = False
    saves: bool = False


ANYWHERE = -2
"""Instead of a frame, in what is assumed: wherever the same is asked."""


class State:
    """One path's view; mutable, copied where paths part (the names of a frame only when they are written)."""

    __slots__ = (
        "_owned",
        "assumed",
        "doubtful",
        "envs",
        "failed",
        "objects",
        "pending",
        "raised",
        "sessions",
        "suspended",
    )

    def __init__(self) -> None:
        self.envs: dict[int, dict[str, Value]] = {}
        self.objects: dict[int, Object | Plain] = {}
        self.sessions: dict[int, Session] = {}
        self.assumed: dict[tuple[int, str], bool] = {}
        self.doubtful = False
        """Two conditions that look alike were answered differently, so the program may never go this way."""
        self.failed = False
        """Something on this path has raised: what comes later is reached on other paths, or once that is mended."""
        self.pending: Mapping[int, Work] = {}
        """What has been handed over and may still be going on; replaced as a whole."""
        self.suspended = False
        """Something has been awaited, so others have had their turn."""
        self.raised: Value | None = None
        """What a ``raise`` of the program has ended the path with; a copy begins anew."""
        self._owned: set[int] = set()

    def fork(self) -> State:
        made = State()
        made.envs = dict(self.envs)
        made.objects = dict(self.objects)
        made.sessions = dict(self.sessions)
        made.assumed = dict(self.assumed)
        made.doubtful = self.doubtful
        made.failed = self.failed
        made.pending = self.pending
        made.suspended = self.suspended
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
        return (
            self.sessions == other.sessions
            and self.objects == other.objects
            and self.envs == other.envs
            and self.pending.keys() == other.pending.keys()
        )

    def stand_for(self, other: State) -> None:
        """Go on for a path that is the same too, with what is assumed on both; where one has failed, on the other."""
        if self.failed != other.failed:
            self.assumed = dict(other.assumed if self.failed else self.assumed)
        elif self.assumed != other.assumed:
            self.assumed = {key: value for key, value in self.assumed.items() if other.assumed.get(key) == value}
        self.doubtful = self.doubtful and other.doubtful
        self.failed = self.failed and other.failed
        self.suspended = self.suspended and other.suspended
        if self.raised != other.raised:
            self.raised = UNKNOWN
        if self.pending is not other.pending:
            self.pending = {**other.pending, **self.pending}

    def answer(self, question: str, answer: bool) -> None:
        """What one object was asked, another will be."""
        if self.assumed.setdefault((ANYWHERE, question), answer) != answer:
            self.doubtful = True

    def answers(self) -> dict[str, bool]:
        """What was asked so far."""
        return {question: answer for (where, question), answer in self.assumed.items() if where == ANYWHERE}

    def object(self, oid: int) -> Object | None:
        found = self.objects.get(oid)
        return found if isinstance(found, Object) else None

    def of_session(self, sid: int) -> list[tuple[int, Object]]:
        return [(oid, obj) for oid, obj in self.objects.items() if isinstance(obj, Object) and obj.sid == sid]
