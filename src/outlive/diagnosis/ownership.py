"""Sessions that were asked for what they do not have: an object of another session, a method of another library."""

from __future__ import annotations

from difflib import get_close_matches

from sqlalchemy.orm import Session

from outlive.diagnosis.acts import LEFT, departures_before
from outlive.diagnosis.objects import Subject, get_arguments, subject_from
from outlive.diagnosis.sessions import is_async_session, sessions_in, sync_session_of
from outlive.diagnosis.surroundings import in_async_code, met
from outlive.diagnosis.tracebacks import local, orm_frames
from outlive.diagnosis.unwrap import Failure
from outlive.lifecycle.explanation import Explanation
from outlive.lifecycle.states import State

_METHODS = ("refresh", "expire", "expunge", "delete")
_INSTEAD = {
    "clear": "expunge_all()",
    "detach": "expunge(obj)",
    "evict": "expunge(obj)",
    "exec": "execute(statement)",
    "find": "get(Entity, key)",
    "persist": "add(obj)",
    "query": "execute(select(Entity))",
    "remove": "delete(obj)",
    "save": "add(obj)",
    "update": "merge(obj)",
}
_AWAITED = ("execute", "get", "merge", "delete", "flush", "commit", "rollback", "refresh", "scalar", "stream")


def explain_foreign(failure: Failure) -> Explanation:
    """A method that acts on objects of its session was given another."""
    subject = subject_from(failure.calls, message=failure.message)
    state = state_when_refused(subject, failure)
    names = (frame.f_code.co_name for frame in orm_frames(failure.calls))
    method = next((name for name in names if name in _METHODS), None)
    called = f"`session.{method}()`" if method else "A method of a session"
    which = f"a {state} {subject}" if state else f"{subject}"
    return Explanation(
        hazard="refresh-of-foreign-object",
        what=f"{called} was called with {which}, which this session does not hold.",
        where=(
            *(departures_before(subject) if state is State.DETACHED else ()),
            *met(failure, f"{called} was called here"),
        ),
        why=standing(subject, state),
        remedies=bring_in(subject, method, is_async=in_async_code(failure.calls)),
        entity=subject.entity,
        identity_key=subject.identity_key,
        state=state,
    )


def state_when_refused(subject: Subject, failure: Failure) -> State | None:
    """The object's state when the session refused it; ``None`` if a session that closed since may have changed it."""
    refusing = next((local(frame, "self") for frame in orm_frames(failure.calls)), None)
    if subject.state is State.DETACHED:
        around = [sync_session_of(session) for call in failure.calls if call.user for session in sessions_in(call.user)]
        return None if any(session not in (None, refusing) for session in around) else State.DETACHED
    if subject.state is State.TRANSIENT:
        # A pending object is transient again when its session closes, and adding it had begun a transaction.
        return State.TRANSIENT if isinstance(refusing, Session) and refusing.in_transaction() else None
    return subject.state


def standing(subject: Subject, state: State | None) -> str:
    """How the object stands to the session that refused it."""
    if subject.state is None:
        return "It is detached, belongs to another session, or was not flushed yet."
    if subject.identity_key is None:
        return "It has no row yet: it was not flushed, or never added."
    if subject.was_deleted:
        return "It was deleted, which takes an object out of its session."
    match state:
        case State.DETACHED if subject.left is not None:
            return f"No session holds a detached object: {LEFT[subject.left.what]}."
        case State.DETACHED:
            return "No session holds a detached object: the one that loaded it was closed, or expunged it."
        case None:
            return "It was detached, or belonged to another session."
        case _:
            return "It belongs to another session, which is still open."


def bring_in(subject: Subject, method: str | None, *, is_async: bool) -> tuple[str, ...]:
    """Remedies for an object that the session does not hold."""
    wait = "await " if is_async else ""
    name = subject.variable
    if subject.was_deleted:
        return ("Read what you still need before the row is deleted.",)
    leave = (f"Leave the `{method}` out: there is nothing to take out of this session.",) if method == "expunge" else ()
    if subject.state is State.PENDING:
        return (f"Flush it first: `{wait}session.flush()`.",)
    if subject.state is not None and subject.identity_key is None:
        return (*leave, f"Add it, if nobody did, and flush it first: `session.add({name})`, `{wait}session.flush()`.")
    merge = f"Bring it in and go on with the result: `{name} = {wait}session.merge({name})`."
    return (*leave, merge, *load_again(subject, wait))


def load_again(subject: Subject, wait: str) -> tuple[str, ...]:
    """The remedy that starts from the key; empty when the key is not known."""
    if subject.identity_key is None:
        return ()
    return (f"Load it in this session: `{subject.variable} = {wait}session.get({get_arguments(subject)})`.",)


def explain_in_two_sessions(failure: Failure) -> Explanation:
    """An object was given to a session while another held it."""
    subject = subject_from(failure.calls, message=failure.message)
    wait = "await " if in_async_code(failure.calls) else ""
    name = subject.variable
    return Explanation(
        hazard="object-in-two-sessions",
        what=f"{subject} was given to a session while another session held it.",
        where=met(failure, "given to the second session here"),
        why="An object belongs to one session at a time, and what it is related to comes along with it.",
        remedies=(
            "Load and use the object in one session.",
            f"Work with a copy that belongs to this session: `{name} = {wait}session.merge({name})`.",
            f"Take it out of the other session first: `other_session.expunge({name})`.",
        ),
        entity=subject.entity,
        identity_key=subject.identity_key,
        # The other session may have closed since the error.
        state=State.PERSISTENT if subject.state is State.DETACHED else subject.state,
    )


def explain_twin(failure: Failure) -> Explanation:
    """A second object for a row was given to a session."""
    subject = subject_from(failure.calls, message=failure.message)
    wait = "await " if in_async_code(failure.calls) else ""
    name = subject.variable
    return Explanation(
        hazard="two-objects-for-one-row",
        what=f"{subject} was given to a session that already has another object for that row.",
        where=met(failure, "given to the session here"),
        why="A session keeps one object for each identity key.",
        remedies=(f"Merge it into the one that is there and use the result: `{name} = {wait}session.merge({name})`.",),
        entity=subject.entity,
        identity_key=subject.identity_key,
        state=subject.state,
    )


def explain_no_such_method(failure: Failure) -> Explanation | None:
    """A session was asked for a public method that it does not have; ``None`` for anything else."""
    error = failure.error
    if not isinstance(error, AttributeError) or error.name is None or error.name.startswith("_"):
        return None
    session, method = type(error.obj), error.name
    is_async = is_async_session(error.obj)
    instead = _INSTEAD.get(method) or closest(session, method)
    wait = "await " if is_async and instead and instead.startswith(_AWAITED) else ""
    return Explanation(
        hazard="no-such-session-method",
        what=f"`{session.__name__}` has no `{method}`.",
        where=met(failure, f"`{method}` was looked up here"),
        why="The name comes from another library, from an older SQLAlchemy, or from the other kind of session.",
        remedies=(f"Call `{wait}session.{instead}`.",)
        if instead
        else (f"Choose one of the methods that `{session.__name__}` has.",),
    )


def closest(session: type, method: str) -> str | None:
    """The method that was probably meant."""
    names = [name for base in session.__mro__ for name in vars(base) if not name.startswith("_")]
    return next((f"{name}()" for name in get_close_matches(method, names, 1, 0.7)), None)
