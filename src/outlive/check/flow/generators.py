"""``next(get_session())``: the first value of a generator, and what becomes of the generator.

A generator that no name holds is collected when ``next`` returns: ``GeneratorExit`` is raised at its ``yield``, so its
blocks are left and its ``finally`` runs.  An async generator is closed by the event loop, a little later.

Source: CPython; run with SQLAlchemy 2.0 and 2.1, sync and async.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow import calls, lifetimes
from outlive.check.flow.arguments import Given
from outlive.check.flow.frames import PATHS, Pairs
from outlive.check.flow.state import State
from outlive.check.flow.values import UNKNOWN, Context, SessionRef, Spot, Value

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_FIRST = "%first"


def method(run: Interpreter, node: ir.Call, given: Given, generator: Context) -> Pairs:
    """``generator.__anext__()``, and ``generator.aclose()`` behind it, which closes the session that it has given."""
    state, frame = given.state, given.frame
    key = f"%yielded {generator.span}"
    if node.method in ("__next__", "__anext__"):
        pairs = first(run, node, given, generator)
        for one, value in pairs:
            one.own(frame.id)[key] = value
        return pairs
    given_then = state.envs[frame.id].get(key)
    if node.method in ("close", "aclose") and isinstance(given_then, SessionRef):
        lifetimes.close(state, given_then.sid, Spot(frame.id, node.span), left=True)
    elif isinstance(given_then, SessionRef):
        calls.unknown_call(state, [given_then])
    return [(state, UNKNOWN)]


def first(run: Interpreter, node: ir.Call, given: Given, generator: Context) -> Pairs:
    """``next(generator)`` and ``anext(generator)``, of a generator that has not begun."""
    state, frame = given.state, given.frame
    if generator.function.symbol.facts.is_async and node.base == "next":
        state.failed = True  # "'async_generator' object is not an iterator"
        return [(state, UNKNOWN)]
    held = node.base if node.method else node.args[0] if node.args else ""
    is_collected = isinstance(held, str) and held.startswith("%")
    waiting: Pairs = []

    def at_yield(one: State, value: Value) -> list[State]:
        if not is_collected:
            waiting.append((one, value))
            return []
        if _FIRST not in one.envs[frame.id]:  # It does not yield again.
            one.own(frame.id)[_FIRST] = value
            raised.append(one)
        return []

    raised: list[State] = []
    before = state.fork()
    run.try_depth += 1
    _, escaped = calls.generate(run, generator, state, frame, at_yield, raised)
    run.try_depth -= 1
    for one in escaped:
        value = one.own(frame.id).pop(_FIRST, None)
        if value is not None:
            for sid, session in one.sessions.items():
                if sid not in before.sessions and session.closed is not None:
                    one.sessions[sid] = replace(session, collected=True, left=True)
            waiting.append((one, value))
    return waiting[:PATHS] or [(before, UNKNOWN)]
