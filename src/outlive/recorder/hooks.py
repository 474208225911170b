"""What is listened to, and wrapped where SQLAlchemy has no event, while somebody watches.

Sessions of our own note by themselves what they erase; the others are made to.  Source of the order of things:
SQLAlchemy 2.0 and 2.1, "Persistence Events" and "Object Lifecycle Events" (orm/session_events).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from importlib import import_module
from sys import _getframe  # pyright: ignore[reportPrivateUsage]
from typing import Any

from sqlalchemy import event, inspect, orm
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstanceState

from outlive.lifecycle.causes import Cause
from outlive.lifecycle.frames import At
from outlive.recorder.callers import caller, leaving, maker, makers
from outlive.recorder.patches import Method, Patches
from outlive.sessions import noting
from outlive.sessions.acts import Act, Departure
from outlive.sessions.expiry import note_all, note_birth, note_departure, note_query

_ASKED = "outlive_asked"
_SESSIONS = orm.Session.close.__code__.co_filename

Told = Callable[..., None]
Tell = Callable[[orm.Session, tuple[Any, ...], str, At | None, int], None]

_COMMIT = Cause.COMMIT
"""By a name of its own: to look up a member of an enumeration takes Python 3.11 as long as three calls."""


class Hooks:
    """All that is put into SQLAlchemy, and taken out again.

    Args:
        tell: Called for each thing that a watched session does: with the session, who watches it, a word, the place and
            how many objects the session holds.
        failed: Called with each error of SQLAlchemy's when it is made.
    """

    def __init__(self, tell: Tell, failed: Callable[[SQLAlchemyError], None]) -> None:
        self._tell = tell
        self._failed = failed
        self._patches = Patches()
        self._listening: list[tuple[type[orm.Session], str, Told]] = []

    def install(self) -> None:
        """Begin."""
        self._listen()
        self._wrap_sessions()
        self._wrap_async()
        self._patches.wrap(SQLAlchemyError, "__init__", self._announced)

    def remove(self) -> None:
        """Leave SQLAlchemy as it was."""
        self._patches.restore()
        while self._listening:
            event.remove(*self._listening.pop())

    # -- events ------------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        self._listen_to("deleted_to_persistent", _for_others(noting.deleted_to_persistent))
        self._listen_to("deleted_to_detached", _departed(Departure.DELETE))
        self._listen_to("persistent_to_transient", _departed(Departure.ROLLBACK))
        self._listen_to("after_commit", self._committed)
        self._listen_to("after_rollback", self._rolled_back)

    def _listen_to(self, name: str, told: Told) -> None:
        # Raw: SQLAlchemy hands over states and not objects, where an event is about one.
        event.listen(orm.Session, name, told, raw=True)
        self._listening.append((orm.Session, name, told))

    def _committed(self, session: orm.Session) -> None:
        watches = noting.watches_of(session)
        if not watches:
            return
        # Below `Session.commit` and `SessionTransaction.__exit__` are what checks the state, `commit` and the event.
        at, states = caller(above=4), session.identity_map.all_states()
        if session.in_nested_transaction():
            self._tell(session, watches, "release", at, len(states))
            return
        if session.expire_on_commit:
            note_all(states, Act(_COMMIT, at))
        self._tell(session, watches, "commit", at, len(states))

    def _rolled_back(self, session: orm.Session) -> None:
        watches = noting.watches_of(session)
        if not watches:
            return
        at = caller()
        noting.rolled_back(session, Act(Cause.ROLLBACK, at))
        what = "rollback to savepoint" if session.in_nested_transaction() else "rollback"
        self._tell(session, watches, what, at, len(session.identity_map))

    # -- methods -----------------------------------------------------------------------------------------------------

    def _wrap_sessions(self) -> None:
        self._patches.wrap(orm.Session, "__init__", _opened)
        for name in ("expire", "expire_all", "refresh"):
            self._patches.wrap(orm.Session, name, _noted(getattr(noting, name)))
        for name in ("merge", "merge_all"):
            self._patches.wrap(orm.Session, name, _noted(noting.merge))
        for name in ("close", "reset", "invalidate"):
            self._patches.wrap(orm.Session, name, self._emptied(name, Departure.CLOSE))
        self._patches.wrap(orm.Session, "expunge_all", self._expunged_all)
        self._patches.wrap(orm.Session, "expunge", self._expunged)

    def _emptied(self, name: str, departure: Departure) -> Callable[[Method], Method]:
        def wrapper(original: Method) -> Method:
            def method(session: orm.Session) -> None:
                watches = noting.watches_of(session)
                if watches:
                    at, states = caller(), session.identity_map.all_states()
                    self._tell(session, watches, name, at, len(states))
                    note_departure(states, Act(departure, at, session.hash_key))
                original(session)

            return method

        return wrapper

    def _expunged_all(self, original: Method) -> Method:
        noted = self._emptied("expunge_all", Departure.EXPUNGE_ALL)(original)

        def method(session: orm.Session) -> None:
            # `close` itself calls it.
            is_closing = _getframe(1).f_code.co_filename == _SESSIONS
            (original if is_closing else noted)(session)

        return method

    def _expunged(self, original: Method) -> Method:
        def method(session: orm.Session, instance: object) -> None:
            watches = noting.watches_of(session)
            if watches:
                at = caller()
                self._tell(session, watches, "expunge", at, len(session.identity_map))
                note_departure(_with(instance), Act(Departure.EXPUNGE, at, session.hash_key))
            original(session, instance)

        return method

    def _wrap_async(self) -> None:
        try:
            asyncio: Any = import_module("sqlalchemy.ext.asyncio")
        except ImportError:  # Since SQLAlchemy 2.1 without greenlet.
            return
        self._patches.wrap(asyncio.AsyncSession, "__aexit__", _in_a_task_of_its_own)
        self._patches.wrap(asyncio.async_sessionmaker, "begin", _begun)

    def _announced(self, original: Method) -> Method:
        def method(error: SQLAlchemyError, *args: Any, **kw: Any) -> None:
            original(error, *args, **kw)
            self._failed(error)

        return method


class QueryHooks:
    """What tells where objects were loaded: one listener for each query, one for each object."""

    def install(self) -> None:
        """Begin."""
        event.listen(orm.Session, "do_orm_execute", _asked)
        event.listen(orm.Mapper, "load", _loaded, raw=True)

    def remove(self) -> None:
        """Leave SQLAlchemy as it was."""
        event.remove(orm.Session, "do_orm_execute", _asked)
        event.remove(orm.Mapper, "load", _loaded)


def _asked(execution: orm.ORMExecuteState) -> None:
    if noting.watches_of(execution.session) and (at := caller()):
        execution.update_execution_options(**{_ASKED: at})


def _loaded(state: InstanceState[Any], context: orm.QueryContext) -> None:
    at: Any = context.execution_options.get(_ASKED)
    if at is not None:
        note_query(state, at)


def _for_others(noted: Told) -> Told:
    """What a session of our own has noted is not noted twice."""

    def told(session: orm.Session, *args: Any) -> None:
        if noting.watches_of(session) and not noting.is_own(session):
            noted(session, *args)

    return told


def _with(instance: object) -> Iterable[InstanceState[Any]]:
    """The states that leave with an object, as ``Session.expunge`` finds them."""
    state: InstanceState[Any] | None = inspect(instance, raiseerr=False)
    if not isinstance(state, InstanceState):
        return ()
    return [state, *(it for _, _, it, _ in state.mapper.cascade_iterator("expunge", state))]


def _departed(departure: Departure) -> Told:
    def told(session: orm.Session, state: InstanceState[Any]) -> None:
        if noting.watches_of(session):
            note_departure([state], Act(departure, caller(), session.hash_key))

    return told


def _noted(noted: Callable[..., Any]) -> Callable[[Method], Method]:
    def wrapper(original: Method) -> Method:
        def method(session: orm.Session, *args: Any, **kw: Any) -> Any:
            if not noting.watches_of(session) or noting.is_own(session):
                return original(session, *args, **kw)
            return noted(session, original.__get__(session), *args, **kw)

        return method

    return wrapper


def _opened(original: Method) -> Method:
    def method(*args: Any, **kw: Any) -> None:
        original(*args, **kw)
        note_birth(args[0], caller(), maker() if makers else None)

    return method


def _in_a_task_of_its_own(original: Method) -> Method:
    async def method(session: Any, *args: Any) -> Any:
        with _remembered():
            return await original(session, *args)

    return method


@contextmanager
def _remembered() -> Generator[None]:
    """The place of the block's end, for the task in which it will run."""
    token = leaving.set(caller() or leaving.get())
    try:
        yield
    finally:
        leaving.reset(token)


def _begun(original: Method) -> Method:
    def method(factory: Any) -> Any:
        return _Block(original(factory))

    return method


class _Block:
    """The ``async with`` block of ``async_sessionmaker.begin()``, which commits and closes in a task of its own."""

    def __init__(self, block: Any) -> None:
        self._block = block

    async def __aenter__(self) -> Any:
        return await self._block.__aenter__()

    async def __aexit__(self, *raised: object) -> Any:
        with _remembered():
            return await self._block.__aexit__(*raised)
