"""Who expired an attribute: noted when it happens, because afterwards the state of an object does not tell.

The notes lie on SQLAlchemy's ``InstanceState``: they live as long as the object, and are neither pickled nor copied.
They are set as attributes, not in its ``__dict__``, which Python would have to make first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from typing import Any

from sqlalchemy.orm import InstanceState, Session

from outlive.lifecycle.causes import Cause
from outlive.lifecycle.frames import At
from outlive.sessions.acts import Act, Birth, Departure
from outlive.sessions.mapped import deferred_columns, lazy_attributes

_ALL = "_outlive_expired_all"
_SOME = "_outlive_expired_some"
_WITHOUT_VALUE = "_outlive_without_value"
_LEFT = "_outlive_left"
_QUERY = "_outlive_query"

NOTED = "_outlive_noted"
"""What ``note_all`` sets on an object, for whoever sees that it expires."""

_births: deque[tuple[int, At | None, str | None]] = deque(maxlen=10_000)

_BY_USER = frozenset({Cause.EXPIRE, Cause.EXPIRE_ALL})

NEVER = Act(Cause.NEVER_LOADED)
UNSEEN = Act(Cause.UNKNOWN)

_NOTHING = frozenset[str]()
_NONE: dict[str, Act] = {}
_UNSEEN = (UNSEEN, _NOTHING)


def note_values(states: Iterable[InstanceState[Any]]) -> None:
    """Remember, right before these objects are expired, which relationships and deferred columns have no value.

    To be expired is no sign of having had one, and SQLAlchemy's event comes when the values are gone.
    """
    for state in states:
        # Not `state.mapper`, which SQLAlchemy works out once for each state.
        if lazy := lazy_attributes(state.manager.mapper):
            setattr(state, _WITHOUT_VALUE, lazy.difference(state.dict))
        # Somebody may have taken it out of the session before it was expired as foretold.
        setattr(state, NOTED, False)


def note_all(states: Iterable[InstanceState[Any]], act: Act) -> None:
    """Remember that all these objects are expired next, as a whole: for many, ``note`` of each costs too much."""
    nothing = act, _NOTHING
    for state in states:
        if lazy := lazy_attributes(state.manager.mapper):
            setattr(state, _WITHOUT_VALUE, lazy.difference(state.dict))
            note(state, None, act)
        else:
            setattr(state, _ALL, nothing)
            if getattr(state, _SOME, None):
                setattr(state, _SOME, {})
        setattr(state, NOTED, True)


def note(state: InstanceState[Any], names: Iterable[str] | None, act: Act) -> None:
    """Remember what has just expired these attributes of an object, ``None`` for all."""
    without_value: frozenset[str] = getattr(state, _WITHOUT_VALUE, _NOTHING)
    before: dict[str, Act] = {}
    if without_value:
        setattr(state, _WITHOUT_VALUE, _NOTHING)
        # What was erased earlier, and has not been read since, stays so, unless the user wants to read it anew.
        before = _acts_on(state, without_value) if has_notes(state) else {}
        if before and act.what in _BY_USER:
            before = dict.fromkeys(before, act)
    if names is not None:
        never = dict.fromkeys(without_value, NEVER) | before
        setattr(state, _SOME, _some(state) | {name: never.get(name, act) for name in names})
        return
    setattr(state, _ALL, (act, without_value))
    if before or _some(state):
        setattr(state, _SOME, before)


def expire(session: Session, state: InstanceState[Any], names: Iterable[str], cause: Cause) -> None:
    """Expire attributes, and correct what a session of ours notes: that the user did it."""
    session.expire(state.obj(), names)
    if _some(state):
        note(state, names, Act(cause))


def act_on(state: InstanceState[Any], name: str) -> Act:
    """What expired an attribute last.

    Returns:
        ``UNSEEN`` if nobody watched; ``NEVER`` if it had no value when all was expired.
    """
    some = _some(state)
    if name in some:
        return some[name]
    act, without_value = _all(state)
    return NEVER if name in without_value else act


def cause_of(state: InstanceState[Any], name: str) -> Cause:
    """Why an attribute was expired last: ``UNKNOWN`` and ``NEVER_LOADED`` as ``act_on`` says."""
    return Cause(act_on(state, name).what)


def erased_as_a_whole_by(state: InstanceState[Any]) -> Cause | None:
    """What has expired all attributes of the object last; ``None`` if nobody has seen that."""
    act, _ = _all(state)
    return None if act is UNSEEN else Cause(act.what)


def has_notes(state: InstanceState[Any]) -> bool:
    """Whether anybody has seen anything of the object expire."""
    return hasattr(state, _ALL) or bool(_some(state))


def was_noted(state: InstanceState[Any], name: str) -> bool:
    """Whether an attribute was expired since somebody has watched the object."""
    return hasattr(state, _ALL) or name in _some(state)


def notes_of(state: InstanceState[Any]) -> Hashable:
    """All that is noted of an object, to be compared with that of another."""
    act, without_value = _all(state)
    return act.what, without_value, frozenset((name, one.what) for name, one in _some(state).items())


def note_departure(states: Iterable[InstanceState[Any]], act: Act) -> None:
    """Remember what takes these objects out of their session now."""
    for state in states:
        setattr(state, _LEFT, act)


def note_query(state: InstanceState[Any], at: At) -> None:
    """Remember where the query was that has just loaded the object."""
    setattr(state, _QUERY, at)


def query_of(state: InstanceState[Any]) -> At | None:
    """The place of the query that loaded the object; ``None`` if nobody watched queries."""
    at: At | None = getattr(state, _QUERY, None)
    return at


def note_birth(session: Session, at: At | None, maker: str | None) -> None:
    """Remember where a session was made, for the last ten thousand."""
    _births.append((session.hash_key, at, maker))


def birth_of(state: InstanceState[Any]) -> Birth | None:
    """Where the session was made in which the object is, or was last; ``None`` if nobody watched."""
    left = departure_of(state)
    session = state.session_id if left is None else left.session
    return None if session is None else _birth(session)


def birth_of_session(session: Session) -> Birth | None:
    """Where a session was made; ``None`` if nobody watched."""
    return _birth(session.hash_key)


def _birth(session: int) -> Birth | None:
    return next((Birth(at, maker) for key, at, maker in reversed(_births.copy()) if key == session), None)


def departure_of(state: InstanceState[Any]) -> Act | None:
    """What took the object out of its last session; ``None`` if nobody watched, or if it is in one."""
    if state.session_id is None:
        act: Act | None = getattr(state, _LEFT, None)
        return act
    # Nobody tells an object that its session is gone (SQLAlchemy 2.0 and 2.1, ``InstanceState.session``).
    if state.session is not None:
        return None
    birth = _birth(state.session_id)
    return Act(Departure.COLLECTED, birth.at if birth else None, state.session_id)


def expired_by_user(state: InstanceState[Any]) -> set[str]:
    """The attributes that stay expired until they are read, because the user wants them to be read anew."""
    return {name for name in state.expired_attributes if cause_of(state, name) in _BY_USER}


def expired_by_rollback(state: InstanceState[Any]) -> bool:
    """Whether the object still lacks anything that a rollback has erased."""
    return any(cause_of(state, name) is Cause.ROLLBACK for name in state.expired_attributes)


def had_value(state: InstanceState[Any], name: str) -> bool:
    """Whether an expired column had a value: a deferred one may be expired with its object and have had none."""
    return name not in deferred_columns(state.mapper) or cause_of(state, name) not in {
        Cause.NEVER_LOADED,
        Cause.UNKNOWN,
    }


def _acts_on(state: InstanceState[Any], names: Iterable[str]) -> dict[str, Act]:
    acts = {name: act_on(state, name) for name in names}
    return {name: act for name, act in acts.items() if act.what not in {Cause.NEVER_LOADED, Cause.UNKNOWN}}


def _all(state: InstanceState[Any]) -> tuple[Act, frozenset[str]]:
    """What has expired all attributes, and which had no value then."""
    found: tuple[Act, frozenset[str]] = getattr(state, _ALL, _UNSEEN)
    return found


def _some(state: InstanceState[Any]) -> dict[str, Act]:
    """What has expired single attributes since."""
    found: dict[str, Act] = getattr(state, _SOME, _NONE)
    return found
