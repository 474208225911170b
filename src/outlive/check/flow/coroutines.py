"""Calls of an ``AsyncSession`` that nobody awaits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow import sessions, sharing
from outlive.check.flow.arguments import Given, bind_arguments
from outlive.check.flow.frames import Frame, Pairs, outermost
from outlive.check.flow.log import Note
from outlive.check.flow.state import Session, State
from outlive.check.flow.values import UNKNOWN, Context, Coroutine, FunctionValue, SessionRef, Spot, Value

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


METHODS = frozenset(
    {
        "aclose", "close", "close_all", "commit", "connection", "delete", "delete_all", "exec", "execute", "flush",
        "get", "get_one", "invalidate", "merge", "merge_all", "refresh", "remove", "reset", "rollback", "run_sync",
        "scalar", "scalars", "stream", "stream_scalars",
    }
)  # fmt: skip
"""The methods of ``AsyncSession``, of SQLModel's and of ``async_scoped_session`` that have to be awaited.

A test compares them with the installed SQLAlchemy.
"""

_OF_COROUTINES = frozenset({"close", "send", "throw", "add_done_callback"})


def call(run: Interpreter, node: ir.Call, given: Given, session: SessionRef) -> Pairs:
    """``session.method(...)``: what it gives is a coroutine until it is awaited."""
    held = given.state.sessions.get(session.sid)
    sharing.used(run, given.state, session, node.method, Spot(given.frame.id, node.span))
    spot = Spot(given.frame.id, node.span)
    if held is not None and held.factory is not None and not held.is_async:
        run.log.fine.add(spot)
    if node.awaited or node.method not in METHODS or held is None or not _is_surely_async(session, held):
        return sessions.call(run, node, given, session.sid, node.method)
    if held.factory is None and not _can_await(run, given.frame):
        given.state.sessions[session.sid] = replace(held, is_async=False, name="", expires=None)
        return sessions.call(run, node, given, session.sid, node.method)
    if node.dropped:
        run.log.add(Note("coroutine", spot, node.method, session=held, cause=spot))
        return [(given.state, UNKNOWN)]
    # Whoever gets it awaits it, sooner or later.
    pairs = sessions.call(run, node, given, session.sid, node.method)
    return [(state, Coroutine(value, spot, session.sid)) for state, value in pairs]


def _is_surely_async(session: SessionRef, held: Session) -> bool:
    """Not only named so, nor the sync session inside; a class of the program's own may have sync methods."""
    scoped = held.factory is not None and held.factory.scoped
    return held.is_async and not held.lent and not session.inner and (scoped or bool(held.name))


def _can_await(run: Interpreter, frame: Frame) -> bool:
    """Whether the walk began in an async function: what another one is given need not be what its annotation says."""
    _, _, module, index = run.frames[outermost(run.frames, frame.id)]
    return index >= 0 and module.function(index).is_async


def of_function(run: Interpreter, node: ir.Call, given: Given, function: FunctionValue, pairs: Pairs) -> Pairs:
    """What a call of an async function of the program gives before it is awaited."""
    if function.symbol.facts.is_generator:
        return pairs
    bound = tuple(bind_arguments(run, function, given.args, given.keywords, given.starred).items())
    made_by = Context(replace(function, owner=None), bound, node.span, given.frame.id)
    spot = Spot(given.frame.id, node.span)
    return [(state, Coroutine(value, spot, None, made_by)) for state, value in pairs]


def awaited(value: Value) -> Value:
    return value.value if isinstance(value, Coroutine) else value


def kept(value: Value) -> Value:
    """A value that is put into a collection."""
    return replace(value, kept=True) if isinstance(value, Coroutine) and not value.kept else value


def used(run: Interpreter, state: State, frame: Frame, value: Value, how: str, span: int) -> Value:
    """A value is used for what it is; a coroutine is not what was meant."""
    if not isinstance(value, Coroutine):
        return value
    if value.sid is None:
        return value.value  # A decorator may have made something else of the function.
    is_asked = value.kept and not how  # Whether there is one at all, before it is awaited.
    if how not in _OF_COROUTINES and not is_asked:
        note = Note("coroutine", value.spot, how, session=state.sessions.get(value.sid), use=Spot(frame.id, span))
        run.log.raised(note, state)
    return UNKNOWN
