"""Which objects a caller handed over, and whether the session can work with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, cast

from sqlalchemy import Row, inspect
from sqlalchemy.orm import InstanceState, Mapper, Session, scoped_session
from sqlalchemy.orm.exc import UnmappedInstanceError

from outlive.lifecycle.errors import ObjectStateError
from outlive.lifecycle.states import State

AnySession: TypeAlias = "Session | scoped_session[Any]"


def session_of(session: AnySession) -> Session:
    """The session itself, also where the thread's or task's own one was meant.

    Raises:
        TypeError: Anything else, with the remedy for an ``AsyncSession`` and for a factory.
    """
    if isinstance(session, scoped_session):
        found: Session = session()
        return found
    given = cast("object", session)
    if isinstance(given, Session):
        return given
    if hasattr(given, "run_sync"):
        raise TypeError(f"expected a Session, got {type(given).__name__}: use the same function of outlive.asyncio")
    raise TypeError(f"expected a Session or scoped_session, got {given!r}")


def as_list(objs: object) -> list[object]:
    """One mapped object, or the objects of any iterable: keep the list, for a session's identity map is weak.

    Raises:
        UnmappedInstanceError: Neither of both.
    """
    if isinstance(inspect(objs, raiseerr=False), InstanceState):
        return [objs]
    if not isinstance(objs, Iterable) or isinstance(objs, (str, bytes, type)):
        raise UnmappedInstanceError(objs, f"expected a mapped object or an iterable of them, got {shown(objs)}")
    return list(cast("Iterable[object]", objs))


def state_of(obj: object) -> InstanceState[Any]:
    """The state of one mapped object.

    Raises:
        UnmappedInstanceError: Something else.
    """
    state: InstanceState[Any] | None = inspect(obj, raiseerr=False)
    if isinstance(state, InstanceState):
        return state
    raise UnmappedInstanceError(obj, f"expected a mapped object, got {shown(obj)}")


def states_of(objs: object) -> list[InstanceState[Any]]:
    """The states of one mapped object or of any iterable of them, in the order given, each object once.

    Raises:
        UnmappedInstanceError: Something else, or something else among them; the message says at which index.
    """
    states: dict[InstanceState[Any], None] = {}
    for index, obj in enumerate(as_list(objs)):
        # inspect() would take 20 times as long.
        state = getattr(obj, "_sa_instance_state", None)
        if not isinstance(state, InstanceState):
            raise UnmappedInstanceError(obj, f"expected mapped objects, got {shown(obj)} at index {index}")
        states[state] = None
    return list(states)


def persistent_states(session: Session, objs: object) -> list[InstanceState[Any]]:
    """The states of objects that are persistent in this session.

    Raises:
        UnmappedInstanceError: See ``states_of``.
        ObjectStateError: An object is not persistent, or is so in another session; names it and the remedy.
    """
    states, is_persistent = states_of(objs), session.identity_map.contains_state
    for state in states:
        # `is_persistent_in()`, without another call for each.
        if not is_persistent(state):
            raise ObjectStateError(f"{name_of(state)} {_why_not(session, state)}")
    return states


def is_persistent_in(session: Session, state: InstanceState[Any]) -> bool:
    """Whether an object is persistent in this session, as ``Session.refresh`` asks it.

    Its ``InstanceState.persistent`` takes five times as long, and stays true of one that another object of its identity
    has replaced.
    """
    return session.identity_map.contains_state(state)


def by_mapper(states: Iterable[InstanceState[Any]]) -> dict[Mapper[Any], list[InstanceState[Any]]]:
    """The objects of each class."""
    found: dict[Mapper[Any], list[InstanceState[Any]]] = {}
    for state in states:
        found.setdefault(state.mapper, []).append(state)
    return found


def state_name(state: InstanceState[Any]) -> State:
    """SQLAlchemy's word for the state that an object is in."""
    return next(name for name in State if getattr(state, name))


def name_of(state: InstanceState[Any]) -> str:
    """``Order (1,)``: class and identity, as SQLAlchemy's messages have it; reads nothing from the object."""
    identity = state.identity
    return f"{state.class_.__name__} {identity if identity is not None else f'({state_name(state)})'}"


def listed(names: Sequence[str]) -> str:
    """The first of many names, and how many there are besides."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _why_not(session: Session, state: InstanceState[Any]) -> str:
    match state_name(state):
        case State.TRANSIENT:
            return "is transient, it has no row yet: session.add() and session.flush() first"
        case State.PENDING:
            return "is pending, it has no row yet: session.flush() first"
        case State.DELETED:
            return "is deleted: its row goes with the commit"
        case State.DETACHED:
            return "is detached: attach it first, with outlive.reattach(session, obj)"
        case State.PERSISTENT if state.session_id == session.hash_key:
            return "was replaced: its row was deleted, and another object of the session has its identity now"
        case State.PERSISTENT:
            return "belongs to another session: use that one, or work with a copy here, outlive.reattach(session, obj)"


def shown(obj: object) -> str:
    """Something that is no mapped object, for a message."""
    if isinstance(obj, type):
        return f"the class {obj.__name__}"
    if isinstance(obj, Row):
        return "a row (session.scalars() and scalars() of a result give the objects themselves)"
    # The repr of anything else may run that of mapped objects in it, which may lazy load.
    return repr(obj) if isinstance(obj, (str, int, float, type(None))) else f"an instance of {type(obj).__name__}"
