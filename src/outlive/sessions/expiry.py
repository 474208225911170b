"""Who expired an attribute: noted when it happens, because afterwards the state of an object does not tell.

The note lies on SQLAlchemy's ``InstanceState``: it lives as long as the object, and is neither pickled nor copied.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import InstanceState, Session

from outlive.lifecycle.causes import Cause
from outlive.sessions.mapped import deferred_columns

_ALL = "_outlive_expired_all"
_SOME = "_outlive_expired_some"
_DEFERRED = "_outlive_had_deferred"


def note(state: InstanceState[Any], names: Iterable[str] | None, cause: Cause) -> None:
    """Remember why these attributes of an object, ``None`` for all, have just been expired."""
    if names is None:
        state.__dict__[_ALL] = cause
        state.__dict__.pop(_SOME, None)
    else:
        state.__dict__.setdefault(_SOME, {}).update(dict.fromkeys(names, cause))


def expire(session: Session, state: InstanceState[Any], names: Iterable[str], cause: Cause) -> None:
    """Expire attributes, and correct what a session of ours notes: that the user did it."""
    session.expire(state.obj(), names)
    if _SOME in state.__dict__:
        note(state, names, cause)


def cause_of(state: InstanceState[Any], name: str) -> Cause:
    """Why an expired attribute was expired last; ``UNKNOWN`` if no session of this package did it."""
    some: dict[str, Cause] = state.__dict__.get(_SOME, {})
    cause: Cause = some.get(name) or state.__dict__.get(_ALL, Cause.UNKNOWN)
    return cause


def expired_by_user(state: InstanceState[Any]) -> set[str]:
    """The attributes that stay expired until they are read, because the user wants them to be read anew."""
    return {name for name in state.expired_attributes if cause_of(state, name) in {Cause.EXPIRE, Cause.EXPIRE_ALL}}


def note_loaded_deferred(state: InstanceState[Any]) -> None:
    """Remember, before a rollback expires them, which deferred columns of an object have a value."""
    deferred = deferred_columns(state.mapper)
    if deferred:
        state.__dict__[_DEFERRED] = deferred.intersection(state.dict)


def had_value(state: InstanceState[Any], name: str) -> bool:
    """Whether an expired column had a value.

    A rollback and a refresh expire all columns, also the deferred ones that nobody has loaded.
    """
    if name not in deferred_columns(state.mapper):
        return True
    cause = cause_of(state, name)
    return cause is Cause.FLUSH or (cause is Cause.ROLLBACK and name in state.__dict__.get(_DEFERRED, ()))
