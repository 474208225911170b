"""``try`` and ``with``: every way out of a block passes through its exit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow import lifetimes, managers, raising
from outlive.check.flow.frames import Frame, Out, Pairs
from outlive.check.flow.meeting import merge_out, prune, prune_raised
from outlive.check.flow.state import State
from outlive.check.flow.values import SOMETHING, Context
from outlive.check.program import ClassSymbol

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


def try_(run: Interpreter, node: ir.Try, state: State, frame: Frame, out: Out) -> list[State]:
    guarded = bool(node.handlers)
    before = state.fork()
    inner, caught = Out(), [name for handler in node.handlers for name in handler.types]
    run.try_depth += 1
    frame.caught.extend(caught)
    try:
        normal = run.block(node.body, [state], frame, inner)
    finally:
        run.try_depth -= 1
        del frame.caught[len(frame.caught) - len(caught) :]
    final = Out()
    if node.final:
        run.try_depth += 1
    ends = run.block(node.orelse, normal, frame, final)
    own = [one for one in inner.raises if one.raised not in (None, raising.FAILED_FLUSH)]
    raised = prune_raised(inner.raises)
    if not raised and not node.resumed:
        before.doubtful = True
        raised = [before]  # Nothing is seen that raises; somebody may have seen it.
    first = raised[:1]
    for handler in node.handlers:
        entering = (prune_raised(own) or first) if _is_own(run, frame, handler) else raised
        for one in [one for one in entering if raising.catches(run, frame, handler, one.raised) is not False]:
            chosen = one.fork()
            chosen.pending = {}  # What was going on may be what has raised.
            _excuse(chosen)
            if handler.name:
                run.bind(chosen, frame, handler.name, SOMETHING)
            handled = Out()
            after = run.block(handler.body, [chosen], frame, handled)
            # What a call in a handler may raise has nothing to do with the flush.
            strangers = [each for each in handled.raises if each.raised is None]
            for each in (*after, *handled.breaks, *handled.continues, *(end for end, _ in handled.returns), *strangers):
                lifetimes.forget_failure(each)
            ends.extend(after)
            merge_out(final, handled, raises=True)
        own, raised = (
            [one for one in states if not raising.catches(run, frame, handler, one.raised)] for states in (own, raised)
        )
    if not guarded or not any(_is_broad(handler) for handler in node.handlers):
        final.raises.extend(raised)
    if node.final:
        run.try_depth -= 1
    final.returns.extend(inner.returns)
    final.breaks.extend(inner.breaks)
    final.continues.extend(inner.continues)
    if not node.final:
        merge_out(out, final, run.try_depth > 0)
        return prune(ends)

    def leaving(one: State, raised: bool) -> tuple[list[State], list[State]]:
        after = run.block(node.final, [one], frame, out)
        return ([], after) if raised else (after, [])

    return leave(ends, final, out, leaving)


def _excuse(state: State) -> None:
    """Who catches an exception knows that it has kept changes from being saved, and answers accordingly."""
    for sid, session in state.sessions.items():
        if session.unsaved is not None:
            state.sessions[sid] = replace(session, unsaved=None)


def leave(
    ends: list[State], inner: Out, out: Out, leaving: Callable[[State, bool], tuple[list[State], list[State]]]
) -> list[State]:
    """Pass every way out of a block through an exit; the flag says whether an exception is on its way.

    An exit gives the states after it, and those with an exception on its way.
    """

    def regularly(state: State) -> list[State]:
        after, escaped = leaving(state, False)
        out.raises.extend(escaped)
        return after

    for state, value in inner.returns:
        out.returns.extend((after, value) for after in regularly(state))
    for state in inner.breaks:
        out.breaks.extend(regularly(state))
    for state in inner.continues:
        out.continues.extend(regularly(state))
    swallowed: list[State] = []
    for state in prune_raised(inner.raises):
        raised = state.raised
        after, escaped = leaving(state, True)
        swallowed.extend(after)
        for one in escaped:
            if one.raised != raising.FAILED_FLUSH:  # Of its own, which hides what was on its way.
                one.raised = raised
            out.raises.append(one)
    return prune([*(after for state in prune(ends) for after in regularly(state)), *swallowed])


def with_(run: Interpreter, node: ir.With, state: State, frame: Frame, out: Out) -> list[State]:
    context = run.value(node.context, state, frame)
    pairs = [(state, context)] if node.resumed else managers.enter(run, context, state, frame, node.span, out)
    names = managers.suppressed(context)
    is_guard = managers.is_guard(context)
    ends: list[State] = []
    inner = Out()
    frame.caught.extend(names)
    run.try_depth += 1
    run.guards += is_guard
    try:
        for one, value in pairs:
            if not node.resumed:
                run.bind(one, frame, node.target, value)
            ends.extend(run.block(node.body, [one], frame, inner))
    finally:
        run.try_depth -= 1
        run.guards -= is_guard
        del frame.caught[len(frame.caught) - len(names) :]
    if managers.is_expecting(context) and not ends:
        ends = [one for one in inner.raises if one.raised not in (None, raising.FAILED_FLUSH)]
        inner.raises = [one for one in inner.raises if one not in ends]
    elif names and not managers.is_expecting(context):
        ends.extend(inner.raises)
        inner.raises = []
    if not run.try_depth:
        inner.raises = []
    if isinstance(context, Context):
        inner.returns = _together(inner.returns, frame)

    def leaving(one: State, raised: bool) -> tuple[list[State], list[State]]:
        after, escaped = managers.left(run, context, one, frame, node.span, raised=raised)
        return after, escaped if run.try_depth else []

    return leave(ends, inner, out, leaving)


def _together(returns: Pairs, frame: Frame) -> Pairs:
    """Of returns that are alike, one: what goes on behind the block has a way to go for each."""
    for state, value in returns:
        state.own(frame.id)["%value"] = value
    return [(state, state.own(frame.id).pop("%value")) for state in prune([state for state, _ in returns])]


def _is_own(run: Interpreter, frame: Frame, handler: ir.Handler) -> bool:
    """Whether the program itself raises what is caught: a call of a library does not, so not every call comes here.

    Where no ``raise`` is seen, only what was so from the beginning is known.
    """
    found = [run.program.resolve(frame.module, name) for name in handler.types]
    return bool(found) and all(isinstance(symbol, ClassSymbol) for symbol in found)


def _is_broad(handler: ir.Handler) -> bool:
    return not handler.types or any(name in ("Exception", "BaseException") for name in handler.types)
