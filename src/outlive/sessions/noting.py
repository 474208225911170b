"""Notes, on each object, what its session erases: in sessions of our own, and in any other while it is watched.

SQLAlchemy's event of an expiry names neither the operation nor its place, and comes when the values are gone.  So an
operation is noted when it begins, and what has a value right before it is erased.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from weakref import ref

from sqlalchemy import event, inspect, orm
from sqlalchemy.orm import InstanceState, Mapper, SessionTransaction
from sqlalchemy.orm.session import SessionTransactionState

from outlive.lifecycle.causes import Cause
from outlive.lifecycle.frames import At
from outlive.sessions.acts import Act
from outlive.sessions.expiry import NOTED, UNSEEN, has_notes, note, note_all, note_values

_DOINGS = "_outlive_doings"
_IN_SQL = frozenset({Cause.BULK_UPDATE, Cause.BULK_DELETE})
_UNPLACED = {cause: Act(cause) for cause in Cause}


class Doings:
    """What a session is doing that may erase values.

    Attributes:
        cause: The method that runs; ``None`` during commit and rollback, on whose way no method lies.
        is_in_flush: That method was called by something that a flush calls.
        act: What has erased something, with its place.
        transaction: That in which the act was: each flush has one of its own within the session's.
        is_committing: A commit has begun: from now on nothing may stay expired.
        watches: Who watches the session, of those who were asked.
        asked: All who could, when they were asked.
        answered: Which question of these was answered last.
    """

    # Here and not in `__init__`: most are never set, and each session would pay for all.
    cause: Cause | None = None
    is_in_flush = False
    act: Act | None = None
    transaction: ref[SessionTransaction] | None = None
    is_committing = False
    watches: tuple[Any, ...] = ()
    asked: tuple[Any, ...] = ()
    answered = 0


class Observer(Protocol):
    """Somebody who wants to know where operations were asked for."""

    def ask(self, session: orm.Session, doings: Doings) -> None:
        """Say who watches the session: set ``watches`` and ``asked``."""
        ...

    def at(self) -> At | None:
        """The place in the user's code that runs now."""
        ...


class _Observed:
    """Who wants to know now.

    Attributes:
        by: ``None`` for nobody.
        watches: Who watches all sessions, if that is so for all who watch any.
        question: Grows with each change; a session that has answered an earlier one is asked anew.
    """

    by: Observer | None = None
    watches: tuple[Any, ...] | None = None
    question = 0


_observed = _Observed()


def observe(observer: Observer | None, watches: tuple[Any, ...] | None = None) -> None:
    """Say who wants to know from now on.

    Args:
        observer: ``None`` for nobody at all.
        watches: Who watches each session; ``None`` if he is to be asked of each.
    """
    _observed.by, _observed.watches = observer, watches
    _observed.question += 1


def doings_of(session: orm.Session) -> Doings:
    """What a session is doing."""
    found: Doings | None = session.__dict__.get(_DOINGS)
    if found is None:
        found = session.__dict__[_DOINGS] = Doings()
    return found


def is_own(session: orm.Session) -> bool:
    """Whether the session notes what it does by itself."""
    return getattr(session, "outlive_notes", False)


def watches_of(session: orm.Session) -> tuple[Any, ...]:
    """Who wants to know where the session does what; empty for nobody."""
    # Asked several times with everything that a session does: without a step that can be spared.
    watches = _observed.watches
    if watches is not None:
        return watches
    # In this order: another thread may change both in between.
    question, observer = _observed.question, _observed.by
    if observer is None:
        return ()
    doings = doings_of(session)
    if doings.answered != question:
        observer.ask(session, doings)
        doings.answered = question
    return doings.watches


# -- the methods: what they erase, around the session's own -----------------------------------------------------------


def expire(
    session: orm.Session, go: Callable[..., None], instance: object, attribute_names: Iterable[str] | None = None
) -> None:
    """``Session.expire``."""
    if attribute_names is not None and not isinstance(attribute_names, Collection):
        # An iterator would have nothing left to note; an empty one expires nothing, an empty list everything.
        attribute_names = list(attribute_names) or iter(())
    note_values(_expired_with(instance, only=attribute_names))
    with _during(session, Cause.EXPIRE):
        go(instance, attribute_names)


def expire_all(session: orm.Session, go: Callable[[], None]) -> None:
    """``Session.expire_all``."""
    note_values(session.identity_map.all_states())
    with _during(session, Cause.EXPIRE_ALL):
        go()


def refresh(
    session: orm.Session,
    go: Callable[..., None],
    instance: object,
    attribute_names: Iterable[str] | None = None,
    with_for_update: Any = None,
) -> None:
    """``Session.refresh``."""
    if not attribute_names:
        note_values(_expired_with(instance))
    with _during(session, Cause.REFRESH):
        go(instance, attribute_names, with_for_update)


def merge(session: orm.Session, go: Callable[..., Any], *args: Any, **kw: Any) -> Any:
    """``Session.merge`` and ``merge_all``."""
    with _during(session, Cause.MERGE):
        return go(*args, **kw)


@contextmanager
def _during(session: orm.Session, cause: Cause) -> Generator[None]:
    doings = doings_of(session)
    before = doings.cause, doings.is_in_flush
    doings.cause, doings.is_in_flush, doings.act = cause, _is_flushing(session), None
    try:
        yield
    finally:
        doings.cause, doings.is_in_flush = before
        doings.act = None


def _expired_with(instance: object, only: object = None) -> Iterator[InstanceState[Any]]:
    """The states that expiring an object expires: without names also those that it cascades to."""
    state: InstanceState[Any] | None = inspect(instance, raiseerr=False)
    if isinstance(state, InstanceState):
        yield state
        if not only:
            for _, _, reached, _ in state.mapper.cascade_iterator("refresh-expire", state):
                yield reached


# -- commit and rollback: no method of the session lies on the way of each ---------------------------------------------


def before_commit(session: orm.Session) -> None:
    """A commit begins."""
    doings_of(session).is_committing = True


def after_commit(session: orm.Session) -> None:
    """The database has committed; the objects expire next."""
    if session.expire_on_commit and not session.in_nested_transaction() and not watches_of(session):
        note_all(session.identity_map.all_states(), _UNPLACED[Cause.COMMIT])


def after_rollback(session: orm.Session) -> None:
    """The database has rolled back; the objects expire next."""
    if not watches_of(session):
        rolled_back(session, _UNPLACED[Cause.ROLLBACK])


def rolled_back(session: orm.Session, act: Act) -> None:
    """``after_rollback``, for whoever knows where it rolls back."""
    _remember(session, doings_of(session), act)
    # No public name tells what has changed since a savepoint, which is all that its rollback expires.
    flushed = getattr(session.get_nested_transaction(), "_dirty", None)
    if flushed is None:
        note_values(session.identity_map.all_states())
    else:
        note_values({*flushed, *(inspect(obj) for obj in session.dirty)})


def deleted_to_persistent(session: orm.Session, state: InstanceState[Any]) -> None:  # noqa: ARG001
    """A rollback brings a deleted object back, and expires it next."""
    note_values([state])


def after_transaction_end(session: orm.Session, transaction: SessionTransaction) -> None:
    """Commit and rollback are over."""
    if transaction.nested or transaction.parent is None:
        doings_of(session).is_committing = False


LISTENERS: dict[str, Callable[..., None]] = {
    "before_commit": before_commit,
    "after_commit": after_commit,
    "after_rollback": after_rollback,
    "deleted_to_persistent": deleted_to_persistent,
    "after_transaction_end": after_transaction_end,
}
"""By SQLAlchemy's name of the event."""


# -- the expiry itself ------------------------------------------------------------------------------------------------


@event.listens_for(Mapper, "expire", raw=True)
def _note_expiry(state: InstanceState[Any], names: Iterable[str] | None) -> None:
    if names is None and getattr(state, NOTED, False):
        setattr(state, NOTED, False)
        return
    session = state.session
    if session is None or not (watches_of(session) or is_own(session)):
        if has_notes(state):
            # From before: out of date now.
            note(state, names, UNSEEN)
        return
    doings = doings_of(session)
    cause = _cause(session, doings, names)
    if cause is Cause.MERGE and names is not None:
        # Those that load on a read anyhow are in the event, and are not expired.
        names = state.expired_attributes.intersection(names)
    note(state, names, _act(session, doings, cause))


def _act(session: orm.Session, doings: Doings, cause: Cause) -> Act:
    """The operation that erases now: the same for all that it erases."""
    act, within = doings.act, doings.transaction and doings.transaction()
    if act is None or act.what is not cause or within is not _transaction_of(session):
        observer = _observed.by
        act = Act(cause, observer.at()) if observer and watches_of(session) else _UNPLACED[cause]
        # Nothing tells where one UPDATE in SQL ends and the next begins.
        _remember(session, doings, None if cause in _IN_SQL else act)
    return act


def _remember(session: orm.Session, doings: Doings, act: Act | None) -> None:
    transaction = _transaction_of(session)
    doings.act, doings.transaction = act, None if transaction is None else ref(transaction)


def _transaction_of(session: orm.Session) -> SessionTransaction | None:
    # No public name tells of that of a flush, and to be told when one begins costs more.
    return session._transaction  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _cause(session: orm.Session, doings: Doings, names: Iterable[str] | None) -> Cause:
    is_flushing = _is_flushing(session)
    if doings.cause is not None and (doings.is_in_flush or not is_flushing):
        return doings.cause
    if names is not None:
        return Cause.FLUSH if is_flushing else Cause.BULK_UPDATE
    # A transaction that ends is no longer active: by a method, the end of a block, or a flush that fails.
    if session.is_active:
        return Cause.BULK_DELETE
    # Of a rollback that fails itself no event tells.
    state = getattr(_transaction_of(session), "_state", None)
    return Cause.COMMIT if state is SessionTransactionState.COMMITTED else Cause.ROLLBACK


def _is_flushing(session: orm.Session) -> bool:
    # No public name tells, and the events do not say when a flush has failed.
    return session._flushing  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
