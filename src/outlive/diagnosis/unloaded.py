"""Reads that could not be served: on detached objects, in async code, behind a raiseload."""

from __future__ import annotations

import re
from dataclasses import replace

from outlive.diagnosis.acts import ERASED, LEFT, acts_before, hazard_of_act, with_acts
from outlive.diagnosis.kinds import Kind
from outlive.diagnosis.objects import Subject, state_of, subject_from, subject_in_text, subject_of, user_of, values_of
from outlive.diagnosis.reads import FailedRead, Gap, failed_read, read_of
from outlive.diagnosis.remedies import before_closing, in_async, keep_on_commit, where_allowed
from outlive.diagnosis.surroundings import has_frames, in_async_code, met
from outlive.diagnosis.unwrap import Failure
from outlive.lifecycle.explanation import Explanation
from outlive.lifecycle.states import State
from outlive.sessions.acts import Departure
from outlive.sessions.expiry import UNSEEN

_LOAD = re.compile(r"; (lazy|deferred) load operation of attribute '(\w+)' cannot proceed")
_RAISELOAD = re.compile(r"^'(?:(\w+)\.)?(\w+)' is not available")


def explain_detached(failure: Failure) -> Explanation:
    """An attribute of a detached object had no value."""
    read = read_in(failure) or read_in_text(failure)
    subject = read.subject if read else serialized(failure) or subject_in_text(failure.message)
    name = f"`{read.name}`" if read else "A column"
    return Explanation(
        hazard=hazard_of(read, is_attached=False) if read else "read-after-commit-and-close",
        what=f"{name} was read on a detached {subject}.",
        where=(*acts_before(read), *met(failure, f"{name} was read here")),
        why=f"{cause(read)} A detached object has no session to load it: {departure(subject)}.",
        remedies=before_closing(read, is_async=in_async_code(failure.calls)),
        entity=subject.entity,
        identity_key=subject.identity_key,
        attribute=read.attribute if read else failure.field,
        state=State.DETACHED,
    )


def explain_greenlet(failure: Failure) -> Explanation:
    """SQL was emitted where an async driver cannot wait for it, nearly always by reading an attribute."""
    read = read_in(failure)
    if read is None:
        return explain_misuse(failure)
    # The session may have closed between the error and the question; SQL was emitted, so it was open.
    state = State.PERSISTENT if read.subject.state in (None, State.DETACHED) else read.subject.state
    return Explanation(
        hazard=hazard_of(read, is_attached=True),
        what=f"`{read.name}` was read in async code on a {state} {read.subject}.",
        where=(*acts_before(read), *met(failure, f"`{read.name}` was read here")),
        why=f"{cause(read)} Reading it emits SQL, and an attribute read cannot be awaited.",
        remedies=in_async(read),
        entity=read.subject.entity,
        identity_key=read.subject.identity_key,
        attribute=read.attribute,
        state=state,
    )


def explain_misuse(failure: Failure) -> Explanation:
    """SQL outside a greenlet that is not the read of a mapped attribute, as far as is known."""
    state = state_of(failure.source)
    subject = subject_of(state, None) if state else Subject()
    read = f"`{subject.entity}.{failure.field}` of {subject} was read, and " if state else ""
    remedies: tuple[str, ...] = (
        "Await the call on the `AsyncSession` instead of its `sync_session` or a plain `Session`.",
        "Hand synchronous code over as a whole: `await session.run_sync(function)`.",
    )
    if state is not None or not has_frames(failure):
        remedies = (
            "Load what is read with the query, through a loader option.",
            keep_on_commit(is_async=True),
            *remedies,
        )
    return Explanation(
        hazard="sql-outside-greenlet",
        what=f"{read}SQL was emitted through an async driver where nobody could await it.",
        where=met(failure, "SQL was emitted here"),
        why="An async driver works inside an awaited call of `AsyncSession` or `AsyncConnection`, or inside"
        " `run_sync()`; a plain call, or an attribute that has to be loaded, is neither.",
        remedies=remedies,
        entity=subject.entity,
        identity_key=subject.identity_key,
        attribute=failure.field,
    )


def explain_raiseload(failure: Failure) -> Explanation:
    """A lazy load that the mapping or the query forbids."""
    read = read_in(failure) or read_in_text(failure)
    subject = read.subject if read else Subject()
    # The session may have closed between the error and the question.
    state = None if subject.state is State.DETACHED else subject.state
    name = f"`{read.name}`" if read else "An attribute"
    return Explanation(
        hazard="read-blocked-by-raiseload",
        what=f"{name} was read on {subject} without having been loaded, and loading it on a read is forbidden.",
        where=met(failure, f"{name} was read here"),
        why='`lazy="raise"` or `raiseload=True` in the mapping, or a `raiseload()` of the query, forbids it.',
        remedies=where_allowed(read, is_async=in_async_code(failure.calls)),
        entity=subject.entity,
        identity_key=subject.identity_key,
        attribute=read.attribute if read else failure.field,
        state=state,
    )


def read_in(failure: Failure) -> FailedRead | None:
    """The read, and what was noted of it; later a session may have erased more, and a detached object has none."""
    read = read_found(failure)
    if read is not None and (failure.is_raised or failure.kind is Kind.DETACHED):
        return with_acts(read)
    return read and replace(read, erased=UNSEEN)


def read_found(failure: Failure) -> FailedRead | None:
    """The read, from the frames; from a serializer's object and field where it kept no frames."""
    state = state_of(failure.source)
    if state is None:
        return failed_read(failure.calls)
    # A property may have read an attribute of another object: then only the message tells.
    load = _LOAD.search(failure.message)
    field = load[2] if load else failure.field
    if serialized(failure) is None or field is None or field in values_of(failure.source):
        return None
    read = read_of(state, field, user_of(state, failure.calls))
    # Of a property only its name is known, and that nothing of an expired object can be read.
    return read if field in state.mapper.attrs or read.is_expired else None


def serialized(failure: Failure) -> Subject | None:
    """The object that a serializer was reading, unless the message is about one of another class."""
    state = state_of(failure.source)
    if state is None or subject_in_text(failure.message).entity not in (None, state.class_.__name__):
        return None
    return subject_of(state, None)


def read_in_text(failure: Failure) -> FailedRead | None:
    """The read, from SQLAlchemy's message alone."""
    load, blocked = _LOAD.search(failure.message), _RAISELOAD.search(failure.message)
    if load:
        gap = Gap.UNLOADED if load[1] == "lazy" else Gap.DEFERRED
        subject = subject_from(failure.calls, message=failure.message)
        return FailedRead(subject, load[2], gap, option_in_text(subject.entity, load[2], gap))
    if blocked:
        gap = Gap.DEFERRED if failure.message.endswith("raiseload=True") else Gap.UNLOADED
        return FailedRead(Subject(blocked[1]), blocked[2], gap, option_in_text(blocked[1], blocked[2], gap))
    return None


def option_in_text(entity: str | None, attribute: str, gap: Gap) -> str:
    """The loader option when only names are known."""
    loader = "selectinload" if gap is Gap.UNLOADED else "undefer"
    return f".options({loader}({entity}.{attribute}))" if entity else ""


def hazard_of(read: FailedRead, *, is_attached: bool) -> str:
    """The likeliest way to the gap; an attached object fails in async code only."""
    known = hazard_of_act(read)
    if known is not None:
        return known
    left = read.subject.left
    if left is not None and left.what in (Departure.EXPUNGE, Departure.EXPUNGE_ALL) and not read.is_expired:
        return "read-after-expunge"
    match read.gap:
        case Gap.EXPIRED | Gap.LOST if read.is_expired and read.keeps_on_commit:
            return "read-after-rollback"
        case Gap.LOST if read.is_expired:
            return "eager-load-lost-at-commit"
        case Gap.EXPIRED if read.is_expired or read.expires_on_flush:
            return "expired-read-in-async" if is_attached else "read-after-commit-and-close"
        case Gap.EXPIRED | Gap.LOST:
            return "expire-then-read"
        case _:
            return "lazy-read-in-async" if is_attached else "lazy-read-after-close"


def cause(read: FailedRead | None) -> str:
    """Why the attribute had no value."""
    if read is None:
        return f"Its value was expired {eraser(read)}."
    match read.gap:
        case Gap.EXPIRED if read.is_expired or read.erased is not UNSEEN:
            return f"Its value was expired {eraser(read)}."
        case Gap.EXPIRED if read.expires_on_flush:
            return (
                "Its value was expired, and that of the key was not: by the flush of an UPDATE, which sets it in SQL."
            )
        case Gap.EXPIRED:
            return "Its value was expired, and that of the key was not: by expire(), or by an UPDATE in SQL."
        case Gap.LOST if read.erased is not UNSEEN:
            return f"It had been loaded, and was expired {eraser(read)}."
        case Gap.LOST if read.is_expired:
            return f"It had been loaded together with its object, and was expired {eraser(read)}."
        case Gap.LOST:
            return "It had been loaded together with its object, and was dropped since: by expire() or another query."
        case Gap.DEFERRED:
            return "The column is deferred: its query left it out."
        case Gap.LEFT_OUT if read.is_expired:
            return f"A query for its base class had left the column out, and its object was expired {eraser(read)}."
        case Gap.LEFT_OUT:
            return "It is a column of a subclass, and a query for the base class left it out."
        case Gap.UNLOADED if read.is_new and read.is_expired:
            return f"It was not loaded, or expired with its object {eraser(read)}."
        case Gap.UNLOADED if read.is_new:
            return "No query loaded the object: the relationships of a new object are unloaded once it is flushed."
        case Gap.UNLOADED if read.is_expired:
            return f"It was not loaded with the query, and its object was expired {eraser(read)}."
        case Gap.UNLOADED:
            return "The relationship was not loaded with the query."


def departure(subject: Subject) -> str:
    """How the object left its session."""
    if subject.left is not None:
        return LEFT[subject.left.what]
    if subject.was_deleted:
        return "it was deleted, which takes an object out of its session"
    return "the session was closed, or the object was expunged"


def eraser(read: FailedRead | None) -> str:
    """What expired the value, or may have expired the whole object."""
    if read and read.erased is not UNSEEN:
        return f"by {ERASED[read.erased.what]}"
    if read and read.keeps_on_commit:
        return "by a rollback or expire(): its session keeps values across a commit"
    return "by a commit, a rollback or expire(); a traceback alone cannot tell which"
