"""Notes, on each object, what its session erases: in sessions of our own, and in any other while it is watched.

SQLAlchemy's event of an expiry names neither the operation nor its place, and comes when the values are gone.  So an
operation is noted when it begins, and what has a value right before it is erased.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any, Protocol

from sqlalchemy import event, inspect, orm
from sqlalchemy.orm import InstanceState, Mapper, SessionTransaction

from outlive.lifecycle.acts import Act
from outlive.lifecycle.causes import Cause
from outlive.sessions.expiry import UNSEEN, has_notes, note, note_values

_DOINGS = "_outlive_doings"
_IN_SQL = frozenset({Cause.BULK_UPDATE, Cause.BULK_DELETE})
_UNPLACED = {cause: Act(cause) for cause in Cause}


class Doings:
    """What a session is doing that may erase values.

    Attributes:
        is_own: The session notes what it does by itself.
        cause: The method that runs; ``None`` during commit and rollback, on whose way no method lies.
        act: What has erased something, with its place.
        at: Where the method that runs was called; ``None`` if it was not looked for.
        is_committing: A commit has begun: from now on nothing may stay expired.
        has_committed: The database has committed: what expires as a whole before the next transaction, expires by that.
        is_leaving: A method runs that takes objects out of the session.
        watches: Who watches the session.
        asked: All who could, when they were asked.
        number: In the order in which they were asked of sessions; 0 before.
        answer: The attribute of the session where the last answer lies.
    """

    # Here and not in `__init__`: most are never set, and each session would pay for all.
    cause: Cause | None = None
    act: Act | None = None
    at: tuple[str, int] | None = None
    is_committing = False
    has_committed = False
    is_leaving = False
    watches: tuple[Any, ...] = ()
    asked: tuple[Any, ...] = ()
    number = 0
    answer = ""

    def __init__(self, *, is_own: bool) -> None:
        self.is_own = is_own

    @contextmanager
    def during(self, cause: Cause) -> Generator[None]:
        """A method of the session that may erase values."""
        before = self.cause
        self.cause, self.act = cause, None
        try:
            yield
        finally:
            self.cause, self.act = before, None


class Observer(Protocol):
    """Somebody who wants to know where operations were asked for."""

    def ask(self, session: orm.Session, doings: Doings) -> None:
        """Say who watches the session: set ``watches``, ``asked`` and ``number``."""
        ...

    def at(self) -> tuple[str, int] | None:
        """The place in the user's code that runs now."""
        ...


class _Observed:
    """Who wants to know now.

    Attributes:
        by: ``None`` for nobody.
        answer: The attribute of a session in which it says whether he wants to know of that one.
    """

    by: Observer | None = None
    answer: str | None = None


_observed = _Observed()
_answers = count(1)


def observe(observer: Observer | None) -> None:
    """From now on this one wants to know, and is asked of each session anew; ``None`` for nobody at all."""
    _observed.by = observer
    _observed.answer = None if observer is None else f"_outlive_watched_{next(_answers)}"


def doings_of(session: orm.Session) -> Doings:
    """What a session is doing."""
    found: Doings | None = session.__dict__.get(_DOINGS)
    if found is None:
        found = session.__dict__[_DOINGS] = Doings(is_own=is_own(session))
    return found


def is_own(session: orm.Session) -> bool:
    """Whether the session notes what it does by itself."""
    return getattr(session, "outlive_notes", False)


def watched(session: orm.Session) -> Doings | None:
    """What a session is doing, if somebody wants to know where it does what."""
    # Asked several times with everything that a session does: without a step that can be spared.
    answer = _observed.answer
    if answer is None:
        return None
    try:
        doings: Doings | None = session.__dict__[answer]
    except KeyError:
        return _ask(session, answer)
    return doings


def _ask(session: orm.Session, answer: str) -> Doings | None:
    observer, doings = _observed.by, doings_of(session)
    if observer is None:  # Another thread has just stopped watching.
        return None
    if doings.answer:
        session.__dict__.pop(doings.answer, None)
    doings.answer = answer
    observer.ask(session, doings)
    found = session.__dict__[answer] = doings if doings.watches else None
    return found


def _act_of(session: orm.Session, what: Cause) -> Act:
    """An operation of the session, with the place in the user's code if somebody watches."""
    observer = _observed.by
    return Act(what, observer.at()) if observer and watched(session) else _UNPLACED[what]


# -- the methods: what they erase, around the session's own -----------------------------------------------------------


def expire(
    session: orm.Session, go: Callable[..., None], instance: object, attribute_names: Iterable[str] | None = None
) -> None:
    """``Session.expire``."""
    if attribute_names is not None and not isinstance(attribute_names, Collection):
        # An iterator would have nothing left to note; an empty one expires nothing, an empty list everything.
        attribute_names = list(attribute_names) or iter(())
    note_values(_expired_with(instance, only=attribute_names))
    with doings_of(session).during(Cause.EXPIRE):
        go(instance, attribute_names)


def expire_all(session: orm.Session, go: Callable[[], None]) -> None:
    """``Session.expire_all``."""
    note_values(session.identity_map.all_states())
    with doings_of(session).during(Cause.EXPIRE_ALL):
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
    with doings_of(session).during(Cause.REFRESH):
        go(instance, attribute_names, with_for_update)


def merge(session: orm.Session, go: Callable[..., Any], *args: Any, **kw: Any) -> Any:
    """``Session.merge`` and ``merge_all``."""
    with doings_of(session).during(Cause.MERGE):
        return go(*args, **kw)


def flush(session: orm.Session, go: Callable[..., None], objects: Sequence[Any] | None = None) -> None:
    """``Session.flush``."""
    # Autoflush comes here with every query: a context manager each time would be a tenth of its cost.
    doings = doings_of(session)
    before = doings.cause
    doings.cause, doings.act = Cause.FLUSH, None
    try:
        go(objects)
    finally:
        doings.cause, doings.act = before, None


def _expired_with(instance: object, only: object = None) -> Iterator[InstanceState[Any]]:
    """The states that expiring an object expires: without names also those that it cascades to."""
    state: InstanceState[Any] | None = inspect(instance, raiseerr=False)
    if isinstance(state, InstanceState):
        yield state
        if not only:
            for _, _, reached, _ in state.mapper.cascade_iterator("refresh-expire", state):
                yield reached


# -- commit and rollback: no method of the session lies on the way of each ---------------------------------------------


def after_begin(session: orm.Session, *_: object) -> None:
    """A transaction has a connection: the commit of the one before is over."""
    doings = doings_of(session)
    doings.has_committed, doings.act = False, None


def before_commit(session: orm.Session) -> None:
    """A commit begins."""
    doings_of(session).is_committing = True


def after_commit(session: orm.Session) -> None:
    """The database has committed; the objects expire next."""
    committed(session, doings_of(session))


def committed(session: orm.Session, doings: Doings) -> None:
    """``after_commit``, for whoever knows what the session is doing."""
    doings.act = None
    if not session.in_nested_transaction():
        doings.has_committed = True
        if session.expire_on_commit:
            note_values(session.identity_map.all_states())


def after_rollback(session: orm.Session) -> None:
    """The database has rolled back; the objects expire next."""
    rolled_back(session, doings_of(session))


def rolled_back(session: orm.Session, doings: Doings) -> None:
    """``after_rollback``, for whoever knows what the session is doing."""
    doings.has_committed, doings.act = False, None
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
    "after_begin": after_begin,
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
    session = state.session
    doings = None if session is None else watched(session) or (doings_of(session) if is_own(session) else None)
    if session is None or doings is None:
        if has_notes(state):
            # From before: out of date now.
            note(state, names, UNSEEN)
        return
    cause = _cause(session, doings, names)
    if cause is Cause.MERGE and names is not None:
        # Those that load on a read anyhow are in the event, and are not expired.
        names = state.expired_attributes.intersection(names)
    act = doings.act
    if act is None or act.what is not cause:
        act = _act_of(session, cause)
        # Nothing tells where one UPDATE in SQL ends and the next begins.
        doings.act = None if cause in _IN_SQL else act
    note(state, names, act)


def _cause(session: orm.Session, doings: Doings, names: Iterable[str] | None) -> Cause:
    if names is not None:
        return doings.cause or Cause.BULK_UPDATE
    if doings.cause is not None and doings.cause is not Cause.FLUSH:
        return doings.cause
    # A flush that fails rolls back, and so does the end of a block.
    if doings.has_committed:
        return Cause.COMMIT
    return Cause.BULK_DELETE if session.is_active else Cause.ROLLBACK
