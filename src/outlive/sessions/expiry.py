"""Who expired an attribute: noted when it happens, because afterwards the state of an object does not tell.

The notes lie on SQLAlchemy's ``InstanceState``: they live as long as the object, and are neither pickled nor copied.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

from sqlalchemy.orm import InstanceState, Mapper, Session

from outlive.lifecycle.causes import Cause
from outlive.sessions.mapped import deferred_columns, lazy_attributes

_ALL = "_outlive_expired_all"
_SOME = "_outlive_expired_some"
_WITHOUT_VALUE = "_outlive_without_value"


def note_values(states: Iterable[InstanceState[Any]]) -> None:
    """Remember, right before these objects are expired, which relationships and deferred columns have no value.

    To be expired is no sign of having had one, and SQLAlchemy's event comes when the values are gone.
    """
    lazy: dict[Mapper[Any], frozenset[str]] = {}
    for state in states:
        mapper = state.mapper
        if mapper not in lazy:
            lazy[mapper] = lazy_attributes(mapper)
        state.__dict__[_WITHOUT_VALUE] = lazy[mapper].difference(state.dict)


def note(state: InstanceState[Any], names: Iterable[str] | None, cause: Cause) -> None:
    """Remember why these attributes of an object, ``None`` for all, have just been expired."""
    notes = state.__dict__
    without_value: frozenset[str] = notes.pop(_WITHOUT_VALUE, frozenset())
    # What was erased earlier, and has not been read since, stays erased by that.
    before = _causes_of(state, without_value) if without_value and has_notes(state) else {}
    if names is not None:
        never = dict.fromkeys(without_value, Cause.NEVER_LOADED) | before
        notes[_SOME] = notes.get(_SOME, {}) | {name: never.get(name, cause) for name in names}
        return
    notes[_ALL] = (cause, without_value)
    notes.pop(_SOME, None)
    if before:
        notes[_SOME] = before


def expire(session: Session, state: InstanceState[Any], names: Iterable[str], cause: Cause) -> None:
    """Expire attributes, and correct what a session of ours notes: that the user did it."""
    session.expire(state.obj(), names)
    if _SOME in state.__dict__:
        note(state, names, cause)


def cause_of(state: InstanceState[Any], name: str) -> Cause:
    """Why an attribute was expired last.

    Returns:
        ``UNKNOWN`` if no session of this package did it; ``NEVER_LOADED`` if it had no value when all was expired.
    """
    some: dict[str, Cause] = state.__dict__.get(_SOME, {})
    if name in some:
        return some[name]
    cause: Cause
    without_value: frozenset[str]
    cause, without_value = state.__dict__.get(_ALL, (Cause.UNKNOWN, frozenset()))
    return Cause.NEVER_LOADED if name in without_value else cause


def has_notes(state: InstanceState[Any]) -> bool:
    """Whether a session of this package has expired anything of the object."""
    return _ALL in state.__dict__ or _SOME in state.__dict__


def was_noted(state: InstanceState[Any], name: str) -> bool:
    """Whether an attribute was expired since sessions of this package have had the object."""
    return _ALL in state.__dict__ or name in state.__dict__.get(_SOME, ())


def notes_of(state: InstanceState[Any]) -> Hashable:
    """All that is noted of an object, to be compared with that of another."""
    notes = state.__dict__
    return notes.get(_ALL), frozenset(notes[_SOME].items()) if _SOME in notes else None


def expired_by_user(state: InstanceState[Any]) -> set[str]:
    """The attributes that stay expired until they are read, because the user wants them to be read anew."""
    return {name for name in state.expired_attributes if cause_of(state, name) in {Cause.EXPIRE, Cause.EXPIRE_ALL}}


def expired_by_rollback(state: InstanceState[Any]) -> bool:
    """Whether the object still lacks anything that a rollback has erased."""
    return any(cause_of(state, name) is Cause.ROLLBACK for name in state.expired_attributes)


def had_value(state: InstanceState[Any], name: str) -> bool:
    """Whether an expired column had a value: a deferred one may be expired with its object and have had none."""
    return name not in deferred_columns(state.mapper) or cause_of(state, name) not in {
        Cause.NEVER_LOADED,
        Cause.UNKNOWN,
    }


def _causes_of(state: InstanceState[Any], names: Iterable[str]) -> dict[str, Cause]:
    causes = {name: cause_of(state, name) for name in names}
    return {name: cause for name, cause in causes.items() if cause not in {Cause.NEVER_LOADED, Cause.UNKNOWN}}
