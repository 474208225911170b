"""What can be said of a mapped object without touching it.

Nothing here reads an attribute of a mapped object, calls its methods or keeps a reference to it: only
SQLAlchemy's ``InstanceState`` is asked.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeGuard

from sqlalchemy.orm import InstanceState

from outlive.diagnosis.tracebacks import Call, local, orm_frames, variables_of
from outlive.lifecycle.states import State
from outlive.sessions.acts import Act, Birth
from outlive.sessions.expiry import birth_of, departure_of

redacting: ContextVar[bool] = ContextVar("redacting", default=False)
"""Whether primary keys are left out of what is said."""


@contextmanager
def redacted(redact: bool) -> Generator[None]:
    """Leave primary keys out, or do not, of what is said in the block."""
    token = redacting.set(redact)
    try:
        yield
    finally:
        redacting.reset(token)


_PRINTED = re.compile(r"<(\w+) at 0x[0-9a-fA-F]+>")


@dataclass(frozen=True, slots=True)
class Subject:
    """A mapped object, by name.

    Attributes:
        entity: Class name; ``None`` when nothing is known.
        identity_key: Primary key tuple; ``None`` while the object has none, or when it is not known.
        state: State at the time of asking; ``None`` when it is not known.
        was_deleted: Whether it was deleted with a session.
        variable: What the user's code calls it if that is certain, else the class name in lower case.
        left: What took it out of its session, where somebody watched.
        born: Where that session was made, where somebody watched.
    """

    entity: str | None = None
    identity_key: tuple[object, ...] | None = None
    state: State | None = None
    was_deleted: bool = False
    variable: str = "obj"
    left: Act | None = None
    born: Birth | None = None

    def __str__(self) -> str:
        if self.entity is None:
            return "object"
        return f"`{self.entity}`" if self.identity_key is None else f"`{self.entity} {key_text(self.identity_key)}`"


def subject_of(state: InstanceState[Any], user: FrameType | None) -> Subject:
    """Name the object behind a state; ``user`` is the frame in which its variable is looked up."""
    entity = state.class_.__name__
    key = state.key[1] if state.key else None
    return Subject(
        entity,
        key,
        state_name(state),
        state.was_deleted,
        variable_of(state, user),
        left=departure_of(state),
        born=birth_of(state),
    )


def subject_from(calls: Iterable[Call], message: str = "") -> Subject:
    """Name the object that an ORM frame calls ``state``, else at least the class that the message prints.

    The innermost frame of a call counts: a cascade reaches more objects than the one that the user named.
    """
    calls = tuple(calls)
    for call in calls:
        for frame in reversed(list(orm_frames([call]))):
            state = local(frame, "state")
            if is_state(state):
                return subject_of(state, user_of(state, calls))
    return subject_in_text(message)


def subject_in_text(message: str) -> Subject:
    """The class that SQLAlchemy printed into a message: ``<Author at 0x7f...>``."""
    printed = _PRINTED.search(message)
    return Subject(printed[1], variable=in_lower_case(printed[1])) if printed else Subject()


def state_of(obj: object) -> InstanceState[Any] | None:
    """SQLAlchemy's state of a mapped object, without running the object's own code; ``None`` for other objects."""
    try:
        state: object = object.__getattribute__(obj, "_sa_instance_state")
    except AttributeError:
        return None
    return state if is_state(state) else None


def is_state(value: object) -> TypeGuard[InstanceState[Any]]:
    """Whether the value is one of SQLAlchemy's states."""
    return isinstance(value, InstanceState)


def values_of(obj: object) -> dict[str, object]:
    """The loaded values of a mapped object, without running the object's own code."""
    values: dict[str, object] = object.__getattribute__(obj, "__dict__")
    return values


def state_name(state: InstanceState[Any]) -> State:
    """The object's state in SQLAlchemy's words, now."""
    if state.persistent:
        return State.PERSISTENT
    if state.detached:
        return State.DETACHED
    if state.pending:
        return State.PENDING
    return State.TRANSIENT if state.transient else State.DELETED


def variable_of(state: InstanceState[Any], user: FrameType | None) -> str:
    """The only variable of the frame that holds the object, else its class name in lower case."""
    obj = state.obj()
    if user is not None and obj is not None:
        names = [name for name, value in variables_of(user).items() if value is obj and name.isidentifier()]
        if len(names) == 1:
            return names[0]
    return in_lower_case(state.class_.__name__)


def in_lower_case(name: str) -> str:
    """``OrderItem`` as a variable: ``order_item``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def user_of(state: InstanceState[Any], calls: Iterable[Call]) -> FrameType | None:
    """The innermost frame of the user's that is not a method of the object itself."""
    obj = state.obj()
    users = (call.user for call in calls if call.user)
    return next((user for user in users if obj is None or local(user, "self") is not obj), None)


def get_arguments(subject: Subject) -> str:
    """Arguments of ``Session.get`` for the object: ``Author, 1``."""
    entity, key = subject.entity or "Entity", subject.identity_key
    if key is None or redacting.get():
        return f"{entity}, key"
    return f"{entity}, {key_text(key)[1:-2] if len(key) == 1 else key_text(key)}"


def key_text(key: tuple[object, ...]) -> str:
    """The key as SQLAlchemy prints it; a value that cannot be printed shows its type."""
    if redacting.get():
        return "(...)"
    try:
        return repr(key)
    except Exception:  # noqa: BLE001  the repr of a custom key type is the user's code
        return "(" + ", ".join(type(value).__name__ for value in key) + ")"
