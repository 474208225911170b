"""Generators that wait at a ``yield``: entered by ``with``, asked for ``next``, and gone on with when they are left.

While one waits its frame stays in the state, with the ``yield`` that it waits at.

A generator that no name holds is collected when ``next`` returns: ``GeneratorExit`` is raised at its ``yield``, so its
blocks are left and its ``finally`` runs.  An async generator is closed by the event loop, a little later.

Source: CPython; run with SQLAlchemy 2.0 and 2.1, sync and async.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow import calls, loops, queries
from outlive.check.flow.arguments import Given
from outlive.check.flow.elements import item
from outlive.check.flow.frames import PATHS, Frame, Out, Pairs
from outlive.check.flow.meeting import prune, prune_raised
from outlive.check.flow.state import State
from outlive.check.flow.values import UNKNOWN, Const, Context, FunctionValue, Value

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_AT = "%at"
_CLOSED = "%closed"
_ONCE = "%once"


class How(Enum):
    """How a generator that waits goes on: to its next ``yield``, or to its end, where it must not yield any more.

    ``RAISE``: with an exception that is thrown in; ``CLOSE``: with ``GeneratorExit``, which is no ``Exception``.
    """

    NEXT = auto()
    END = auto()
    RAISE = auto()
    CLOSE = auto()


def made(
    run: Interpreter, function: FunctionValue, bound: dict[str, Value], state: State, frame: Frame, span: int
) -> Context:
    """What a call of a function that yields gives; in a loop, the one of the former round is gone."""
    generator = Context(function, tuple(bound.items()), span, frame.id)
    state.leave(frame_of(run, generator))
    return generator


def frame_of(run: Interpreter, generator: Context) -> int:
    """The frame of its body, whoever enters it."""
    symbol = generator.function.symbol
    return run.frame_id(generator.home, generator.span, symbol.module, symbol.index)


def advance(
    run: Interpreter, generator: Context, state: State, frame: Frame, how: How = How.NEXT
) -> tuple[Pairs, list[State], list[State]]:
    """Begin, or go on; what is yielded, the states at its end, and those with an exception on its way."""
    id_, body = frame_of(run, generator), generator.function.symbol.facts.body
    env = state.envs.get(id_, dict(generator.arguments))
    at = env.get(_AT)
    if isinstance(at, Const) and isinstance(at.value, int):
        body = _rest(body, at.value, how)
    inner = calls.enter(run, generator.function, state, frame, generator.span, env, generator.home) if body else None
    if inner is None:
        state.leave(id_)
        calls.unknown_call(state, list(env.values()))
        return [], [state], []
    waiting: Pairs = []

    def at_yield(one: State, value: Value, span: int, out: Out) -> list[State]:
        if one.own(id_).pop(_AT, None) is None:
            one.own(id_)[_AT] = Const(span)
            waiting.append((one, value))
            return []
        if how is How.CLOSE:
            one.own(id_)[_CLOSED] = Const(True)
        if how in (How.RAISE, How.CLOSE):
            out.raises.append(one)
            return []
        return [one]

    inner.on_yield = at_yield
    inside = Out()
    ends = calls.block_with_raises(run, body, state, inner, inside)
    done = [*ends, *(one for one, _ in inside.returns)]
    for one in (*done, *inside.raises):
        one.leave(id_)
    return waiting[:PATHS], prune(done), prune_raised(inside.raises)


def finish(
    run: Interpreter, generator: Context, state: State, frame: Frame, how: How
) -> tuple[list[State], list[State]]:
    """Have a generator that waits go on to its end; the states there, and those with an exception on its way."""
    if frame_of(run, generator) not in state.envs:  # It has not begun, or has ended.
        return ([], [state]) if how is How.RAISE else ([state], [])
    if how is How.RAISE and _CLOSED in state.envs.get(frame.id, {}):
        how = How.CLOSE  # It is entered by a generator that is closed.
    _, ends, escaped = advance(run, generator, state, frame, how)
    return ends, escaped


def _rest(body: Sequence[ir.Statement], at: int, how: How) -> list[ir.Statement]:
    """What a block still has to do from a ``yield`` on; empty if that is not in it."""
    for index, node in enumerate(body):
        rest = _rest_of(node, at, how)
        if rest:
            return [*rest, *body[index + 1 :]]
    return []


def _rest_of(node: ir.Statement, at: int, how: How) -> list[ir.Statement]:
    match node:
        case ir.Yield(target=target, span=span) if span == at:
            return [ir.Yield(target, ir.Lit(None), False, span)]
        case ir.If(body=body, orelse=orelse):
            return _rest(body, at, how) or _rest(orelse, at, how)
        case ir.With(body=body):
            rest = _rest(body, at, how)
            return [replace(node, body=rest, resumed=True)] if rest else []
        case ir.Try(body=body, handlers=handlers, orelse=orelse, final=final):
            rest = _rest(body, at, how)
            if rest:
                caught = [handler for handler in handlers if how is not How.CLOSE or _catches_all(handler)]
                return [ir.Try(rest, caught, orelse, final, resumed=True)]
            for block in (*(handler.body for handler in handlers), orelse):
                rest = rest or _rest(block, at, how)
            return [ir.Try(rest, [], [], final, resumed=True)] if rest else _rest(final, at, how)
        case ir.For(body=body, orelse=orelse) | ir.While(body=body, orelse=orelse):
            rest = _rest(body, at, how)
            if not rest:
                return _rest(orelse, at, how)
            # The round in which it waits is one of its own; then come those of the loop, unless it is broken off.
            once = ir.Pack(_ONCE, "tuple", [ir.Lit(None)], [])
            return [once, ir.For(_ONCE, "%round", rest, [node] if how is How.NEXT else _further(node, at), at)]
        case _:
            return []


def _catches_all(handler: ir.Handler) -> bool:
    return not handler.types or any(name in ("BaseException", "GeneratorExit") for name in handler.types)


def _further(node: ir.For | ir.While, at: int) -> list[ir.Statement]:
    """The rounds that are to come when it must not yield any more: another try is "generator didn't stop"."""
    if isinstance(node, ir.While):
        return [node]
    return [ir.Raise(at)] if loops.is_retry(node) else node.orelse


def yielded(run: Interpreter, node: ir.Yield, state: State, frame: Frame, out: Out) -> list[State]:
    value = run.value(node.value, state, frame)
    if node.whole:
        value = item(queries.iterated(run, value, state, frame, node.span), UNKNOWN)
    states = frame.on_yield(state, value, node.span, out) if frame.on_yield is not None else [state]
    for one in states:
        one.own(frame.id)[node.target] = UNKNOWN
    return states


def method(run: Interpreter, node: ir.Call, given: Given, generator: Context) -> Pairs:
    """``generator.__anext__()``, and ``generator.aclose()`` behind it."""
    if node.method in ("__next__", "__anext__"):
        return first(run, node, given, generator)
    ends, escaped = finish(run, generator, given.state, given.frame, How.CLOSE)
    return [(one, UNKNOWN) for one in prune([*ends, *escaped])]


def first(run: Interpreter, node: ir.Call, given: Given, generator: Context) -> Pairs:
    """``next(generator)`` and ``anext(generator)``."""
    state, frame = given.state, given.frame
    if generator.function.symbol.facts.is_async and node.base == "next":
        state.failed = True  # "'async_generator' object is not an iterator"
        return [(state, UNKNOWN)]
    held = node.base if node.method else node.args[0] if node.args else ""
    before = state.fork()
    pairs, ends, _ = advance(run, generator, state, frame)
    if isinstance(held, str) and held.startswith("%"):
        pairs = [collected for pair in pairs for collected in _collected(run, generator, pair, frame, before)]
    return pairs[:PATHS] or [(one, UNKNOWN) for one in ends] or [(before, UNKNOWN)]


def _collected(run: Interpreter, generator: Context, pair: tuple[State, Value], frame: Frame, before: State) -> Pairs:
    """What a generator has yielded that nobody holds, so that it is closed at once."""
    state, value = pair
    ends, escaped = finish(run, generator, state, frame, How.CLOSE)
    for one in (*ends, *escaped):
        for sid, session in one.sessions.items():
            if sid not in before.sessions and session.closed is not None:
                one.sessions[sid] = replace(session, collected=True, left=True)
    return [(one, value) for one in (*ends, *escaped)]
