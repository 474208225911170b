"""``watch``: from now on every lifetime error says who expired the value and who closed the session."""

from __future__ import annotations

import asyncio
import sys
import threading
from dataclasses import dataclass
from random import random
from time import time
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, orm
from sqlalchemy.exc import SQLAlchemyError, StatementError

from outlive.diagnosis import explain_raised
from outlive.diagnosis.kinds import kind_of
from outlive.lifecycle.frames import At
from outlive.recorder.callers import caller, frames
from outlive.recorder.hooks import Hooks, QueryHooks
from outlive.recorder.recording import Recording
from outlive.sessions import noting


def watch(
    *what: Any, notes: bool = True, queries: bool = False, redact: bool = False, sample: float = 1.0, size: int = 10_000
) -> Watch:
    """Watch sessions from now on: who expires values, who detaches objects, and where.

    Each lifetime error then carries a note with the object, the attribute, these places and the remedy; ``explain``
    says the same, also after ``stop()``.  Type, arguments and code of the error stay what they were.

        with outlive.watch():
            run()

    No mapped object is held, no attribute read, no ``repr`` called and no SQL emitted.  Sessions that were open before
    are watched from now on.  What lies on SQLAlchemy meanwhile (events, and wrappers around ``Session.close`` and other
    public methods without an event) is taken away by ``stop()``.

    Args:
        what: Factories (``sessionmaker``, ``async_sessionmaker``, scoped sessions) and engines whose sessions are
            meant; all sessions without any.
        notes: Whether errors get a note when they are raised.
        queries: Whether to remember for each object where the query was that loaded it, so that the remedy names that
            place.  It is the only part that costs time with each object that is loaded.
        redact: Leave the primary keys of objects out of explanations, everywhere, as long as this watch is on.
        sample: The share of sessions that are watched, from 0 to 1.
        size: How many entries the recording keeps.

    Raises:
        TypeError: Neither a factory nor an engine was given.
        ValueError: ``sample`` or ``size`` makes no sense.
    """
    if not 0 <= sample <= 1:
        raise ValueError(f"sample is a share of the sessions from 0 to 1, got {sample!r}")
    targets = tuple(map(_target_of, what))
    watch = Watch(
        targets=targets, notes=notes, queries=queries, redact=redact, sample=sample, recording=Recording(size=size)
    )
    _HUB.add(watch)
    return watch


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Watch:
    """What ``watch`` returns: a context manager, with the recording.

    Attributes:
        recording: What was seen so far.
        targets: Engines and classes of sessions; empty for all sessions.
        notes: Whether errors get a note when they are raised.
        queries: Whether it is remembered where objects were loaded.
        redact: Whether primary keys are left out.
        sample: The share of sessions that are watched.
    """

    targets: tuple[Any, ...] = ()
    notes: bool
    queries: bool
    redact: bool
    sample: float
    recording: Recording

    def stop(self) -> None:
        """Watch no longer.  A second time does nothing."""
        _HUB.discard(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "on" if self in _HUB.active else "stopped"
        return f"<outlive.watch {state}, {len(self.recording)} entries>"

    def means(self, session: orm.Session) -> bool:
        """Whether the session is one of those that were asked for."""
        if self.targets and not any(_is_meant(session, target) for target in self.targets):
            return False
        return self.sample == 1 or random() < self.sample  # noqa: S311  nothing here is secret


def _target_of(given: Any) -> Any:
    """An engine, or the class of a factory's sessions."""
    if isinstance(given, Engine):
        return given
    for name in ("sync_engine", "session_factory", "class_"):
        inner = getattr(given, name, None)
        if inner is not None:
            return inner if isinstance(inner, (Engine, type)) else _target_of(inner)
    raise TypeError(f"expected a sessionmaker, an async_sessionmaker, a scoped session or an engine, got {given!r}")


def _is_meant(session: orm.Session, target: Any) -> bool:
    if isinstance(target, type):
        if isinstance(session, target):
            return True
        with_async = sys.modules.get("sqlalchemy.ext.asyncio")
        return with_async is not None and isinstance(with_async.async_session(session), target)
    try:
        return session.get_bind().engine is target
    except SQLAlchemyError:  # Each class has an engine of its own.
        return False


class _Thread(threading.local):
    """What is known of a thread.

    Attributes:
        name: Its name when it was first seen.
        is_busy: An error is explained in it.
    """

    def __init__(self) -> None:
        self.name = threading.current_thread().name
        self.is_busy = False


class _Hub:
    """All watches of the process: SQLAlchemy is hooked into once for them."""

    def __init__(self) -> None:
        self.active: tuple[Watch, ...] = ()
        self._hooks = Hooks(self._tell, self._failed)
        self._query_hooks = QueryHooks()
        self._lock = threading.Lock()
        self._thread = _Thread()

    def add(self, watch: Watch) -> None:
        with self._lock:
            if not self.active:
                self._hooks.install()
            self._change((*self.active, watch))

    def discard(self, watch: Watch) -> None:
        with self._lock:
            if watch not in self.active:
                return
            self._change(tuple(it for it in self.active if it is not watch))
            if not self.active:
                self._hooks.remove()

    def _change(self, active: tuple[Watch, ...]) -> None:
        before, now = (any(it.queries for it in some) for some in (self.active, active))
        if now and not before:
            self._query_hooks.install()
        if before and not now:
            self._query_hooks.remove()
        self.active = active
        is_everyone = all(not it.targets and it.sample == 1 for it in active)
        noting.observe(self if active else None, active if active and is_everyone else None)

    # -- what the sessions ask ---------------------------------------------------------------------------------------

    def ask(self, session: orm.Session, doings: noting.Doings) -> None:
        """Say who watches the session; who was asked before is not asked again."""
        active = self.active
        before, asked = doings.watches, doings.asked
        doings.watches = tuple(it for it in active if (it in before if it in asked else it.means(session)))
        doings.asked = active

    def at(self) -> At | None:
        """The place in the user's code that runs now."""
        return caller()

    # -- what they tell ----------------------------------------------------------------------------------------------

    def _tell(self, session: orm.Session, watches: tuple[Watch, ...], what: str, at: At | None, objects: int) -> None:
        entry = (time(), what, session.hash_key, at, self._thread.name, _task() if _loop() else "", objects, None)
        for watch in watches:
            watch.recording.add(entry)

    def _failed(self, error: SQLAlchemyError) -> None:
        # Asking for a name may raise, and an error be made while one is explained.
        if self._thread.is_busy:
            return
        self._thread.is_busy = True
        try:
            inner = sys.exception()
            explanation = explain_raised(error, frames(), redact=any(it.redact for it in self.active))
            if explanation is None:
                return
            note = str(explanation)
            if isinstance(error, StatementError) and isinstance(inner, SQLAlchemyError) and kind_of(inner):
                # SQLAlchemy wraps what its driver has raised: people read the end of what is printed.
                _take_away(inner, note)
            else:
                entry = (time(), "error", 0, caller(), self._thread.name, _task() if _loop() else "", 0, explanation)
                for watch in self.active:
                    watch.recording.add(entry)
            if any(it.notes for it in self.active):
                error.add_note(note)
        finally:
            self._thread.is_busy = False


def _take_away(error: BaseException, note: str) -> None:
    notes: list[str] = getattr(error, "__notes__", [])
    if note in notes:
        notes.remove(note)


def _task() -> str:
    """Name of the asyncio task that runs; empty in a callback of the loop."""
    task = asyncio.current_task()
    return task.get_name() if task is not None else ""


_loop = asyncio._get_running_loop  # noqa: SLF001  the public one raises
_HUB = _Hub()
