"""The family of lifetime errors, and how each is recognised."""

from __future__ import annotations

import re
from enum import Enum, auto

from sqlalchemy.exc import IllegalStateChangeError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from outlive.diagnosis.sessions import is_session


class Kind(Enum):
    """What SQLAlchemy refused, before anybody asked why."""

    DETACHED = auto()
    """An attribute of a detached object could not be loaded."""
    GREENLET = auto()
    """SQL was emitted where an async driver cannot wait for it."""
    RAISELOAD = auto()
    FOREIGN = auto()
    """``refresh``, ``expire``, ``expunge`` or ``delete`` of an object that the session does not hold."""
    IN_TWO_SESSIONS = auto()
    TWIN = auto()
    """Another object of the same row is already in the session."""
    ROW_DELETED = auto()
    STALE_ROW = auto()
    NEEDS_ROLLBACK = auto()
    SHARED = auto()
    """Two tasks or threads in one session."""
    COMMITTING = auto()
    """SQL inside a commit hook."""
    NO_SUCH_METHOD = auto()
    SENT = auto()
    """An argument of a task that json cannot write; whether it is a mapped object, the frames tell."""


_BY_CODE = {
    "bhk3": Kind.DETACHED,
    "xd2s": Kind.GREENLET,
    "isce": Kind.SHARED,
    "7s2a": Kind.NEEDS_ROLLBACK,
    "8s2b": Kind.NEEDS_ROLLBACK,
}
_BY_TYPE = (
    (ObjectDeletedError, Kind.ROW_DELETED),
    (StaleDataError, Kind.STALE_ROW),
    (PendingRollbackError, Kind.NEEDS_ROLLBACK),
    # Without a code up to SQLAlchemy 2.0.16 at least.
    (IllegalStateChangeError, Kind.SHARED),
)
# SQLAlchemy gives these no code and no type of their own: 2.0.58 and 2.1.9, orm/session.py, identity.py, strategies.py.
_BY_MESSAGE = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"is not persistent within this Session$", Kind.FOREIGN),
        (r"^Instance .+ is not present in this Session$", Kind.FOREIGN),
        (r"^Instance .+ is not persisted$", Kind.FOREIGN),
        (r"^Object .+ is already attached to session ", Kind.IN_TWO_SESSIONS),
        (r"^Can't attach instance .+; another instance with key ", Kind.TWIN),
        (r"^'.+' is not available due to (lazy='raise|raiseload=True)", Kind.RAISELOAD),
        (r"^Could not refresh instance ", Kind.ROW_DELETED),
        (r"^Instance .+ has been deleted, or its row is otherwise not present", Kind.ROW_DELETED),
        (r"^This session is in '(committed|prepared)' state", Kind.COMMITTING),
        (r"^This session is in 'inactive' state", Kind.NEEDS_ROLLBACK),
        # The driver's own words (asyncpg), wrapped in a DBAPIError.
        (r"another operation is in progress$", Kind.SHARED),
    )
)
_LINK = re.compile(r"https://sqlalche\.me/e/\d+/(\w+)\)$")


def kind_of(error: BaseException) -> Kind | None:
    """The kind of an exception; ``None`` if it is not a lifetime error."""
    if isinstance(error, SQLAlchemyError):
        for known, kind in _BY_TYPE:
            if isinstance(error, known):
                return kind
        return _BY_CODE.get(error.code or "") or kind_of_message(message_of(error))
    if isinstance(error, AttributeError) and is_session(error.obj):
        return Kind.NO_SUCH_METHOD
    if isinstance(error, TypeError) and message_of(error).endswith(" is not JSON serializable"):
        return Kind.SENT
    return None


def kind_of_text(text: str) -> Kind | None:
    """The kind of an error of which only ``Name: message`` is left."""
    name, _, message = text.partition(": ")
    for known, kind in _BY_TYPE:
        if name == known.__name__:
            return kind
    linked = _LINK.search(text)
    return _BY_CODE.get(linked[1]) if linked else kind_of_message(message)


def kind_of_message(message: str) -> Kind | None:
    """The kind of an error that has neither a code nor a type of its own."""
    return next((kind for pattern, kind in _BY_MESSAGE if pattern.search(message)), None)


def message_of(error: BaseException) -> str:
    """The message alone: ``str(error)`` could print the parameters of a statement."""
    return error.args[0] if error.args and isinstance(error.args[0], str) else ""
