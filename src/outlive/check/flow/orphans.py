"""Sessions that nothing holds any longer.

A session without a transaction is in no reference cycle: with its last name it is gone, and its objects detach.  One
that has begun stays until the garbage collector comes by, so nothing is said about it.

Source: SQLAlchemy 2.0 and 2.1 on CPython, each way run: objects know their session by a weak reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check.flow import lifetimes
from outlive.check.flow.frames import Frame
from outlive.check.flow.observations import Exit
from outlive.check.flow.state import Plain, State
from outlive.check.flow.values import (
    Block,
    Const,
    Context,
    Coroutine,
    FunctionValue,
    Group,
    Many,
    MethodValue,
    Query,
    Rows,
    SessionRef,
    Spot,
    Value,
)

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

RETURN = "%return"
"""Where a frame that holds a session has returned."""


def renamed(run: Interpreter, state: State, frame: Frame, name: str, old: SessionRef, new: Value) -> None:
    """A name that stood for a session stands for something else."""
    if frame.function is not None and name in frame.function.free:
        keep(state, old)
        return
    session = state.sessions.get(new.sid if isinstance(new, SessionRef) else old.sid)
    if session is not None and _is_lone(run, state, old.sid) and not is_held(state, old.sid, ()):
        _let_go(state, old.sid, session.spot)


def has_session(state: State, frame: Frame) -> bool:
    return SessionRef in map(type, state.envs[frame.id].values())


def left(run: Interpreter, state: State, frame: Frame, value: Value) -> None:
    """A function returns: its sessions go, unless somebody else has them."""
    if not state.sessions:
        return
    env = state.envs.get(frame.id, {})
    found = {each.sid for each in env.values() if isinstance(each, SessionRef)}
    span = env.get(RETURN)
    for sid in found:
        if not isinstance(span, Const) or not isinstance(span.value, int) or not _is_lone(run, state, sid):
            continue
        if not holds(value, sid) and not is_held(state, sid, (frame.id,)):
            _let_go(state, sid, Spot(frame.id, span.value))


def keep(state: State, value: Value) -> None:
    """Somebody whom we cannot see may hold a session from now on."""
    if isinstance(value, SessionRef) and value.sid in state.sessions:
        state.sessions[value.sid] = replace(state.sessions[value.sid], kept=True)


def _is_lone(run: Interpreter, state: State, sid: int) -> bool:
    session = state.sessions.get(sid)
    return (
        session is not None
        and session.factory is not None
        and session.name == "Session"
        and not session.begun
        and not session.kept
        and not run.is_shared(sid)
    )


def _let_go(state: State, sid: int, spot: Spot) -> None:
    lifetimes.detach(state, [oid for oid, _ in state.of_session(sid)], Exit.LOSS, spot)


def is_held(state: State, sid: int, without: tuple[int, ...]) -> bool:
    for frame, env in state.envs.items():
        if frame not in without and any(holds(value, sid) for value in env.values()):
            return True
    for held in state.objects.values():
        if any(holds(value, sid) for value in (held.fields if isinstance(held, Plain) else held.links).values()):
            return True
    return False


def holds(value: Value, sid: int) -> bool:
    match value:
        case SessionRef(sid=held) | Block(sid=held) | Query(sid=held) if held == sid:
            return True
        case Rows():
            return True  # Of some session, and it holds that.
        case _:
            return any(holds(inner, sid) for inner in _inside(value))


def _inside(value: Value) -> Iterator[Value]:
    parts: Iterable[Value] = ()
    match value:
        case Many(element=element):
            parts = (element,)
        case Group(items=items):
            parts = items
        case MethodValue(base=inner):
            parts = (inner,)
        case Coroutine(value=inner, made_by=made_by):
            parts = (inner, *((made_by,) if made_by is not None else ()))
        case FunctionValue(owner=owner, closure=closure):
            parts = (*closure.values(), *((owner,) if owner is not None else ()))
        case Context(function=function, arguments=arguments):
            parts = (function, *(argument for _, argument in arguments))
        case _:
            pass
    yield from parts
