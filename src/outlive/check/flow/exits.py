"""``try`` and ``with``: every way out of a block passes through its exit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow import background, calls, lifetimes, queries, raising, reads
from outlive.check.flow.elements import item
from outlive.check.flow.frames import Frame, Out
from outlive.check.flow.meeting import merge_out, prune, prune_raised
from outlive.check.flow.state import Plain, State
from outlive.check.flow.values import (
    NONE,
    UNKNOWN,
    Block,
    Const,
    Context,
    FunctionValue,
    Group,
    Ref,
    SessionRef,
    Spot,
    Value,
)
from outlive.check.program import ClassSymbol, External

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


_TRANSACTIONS = ("begin", "factory", "nested")


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
    raised = prune_raised(inner.raises) or [before]  # Somebody has seen it raise.
    first = raised[:1]
    for handler in node.handlers:
        entering = (prune_raised(own) or first) if _is_own(run, frame, handler) else raised
        for one in [one for one in entering if raising.catches(run, frame, handler, one.raised) is not False]:
            chosen = one.fork()
            chosen.pending = {}  # What was going on may be what has raised.
            _excuse(chosen)
            if handler.name:
                run.bind(chosen, frame, handler.name, UNKNOWN)
            handled = Out()
            caught_up = run.block(handler.body, [chosen], frame, handled)
            for each in (*caught_up, *handled.breaks, *handled.continues, *(end for end, _ in handled.returns)):
                lifetimes.forget_failure(each)
            ends.extend(caught_up)
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
    return leave(ends, final, out, lambda one, _: run.block(node.final, [one], frame, out))


def _excuse(state: State) -> None:
    """Who catches an exception knows that it has kept changes from being saved, and answers accordingly."""
    for sid, session in state.sessions.items():
        if session.unsaved is not None:
            state.sessions[sid] = replace(session, unsaved=None)


def leave(ends: list[State], inner: Out, out: Out, leaving: Callable[[State, bool], list[State]]) -> list[State]:
    """Pass every way out of a block through an exit; the flag says whether an exception is on its way."""
    for state, value in inner.returns:
        out.returns.extend((after, value) for after in leaving(state, False))
    for state in inner.breaks:
        out.breaks.extend(leaving(state, False))
    for state in inner.continues:
        out.continues.extend(leaving(state, False))
    for state in prune_raised(inner.raises):
        raised = state.raised
        for after in leaving(state, True):
            after.raised = raised
            out.raises.append(after)
    return prune([after for state in prune(ends) for after in leaving(state, False)])


def with_(run: Interpreter, node: ir.With, state: State, frame: Frame, out: Out) -> list[State]:
    context = run.value(node.context, state, frame)
    spot = Spot(frame.id, node.span)
    if isinstance(context, Context):
        return enter_generator(run, node, context, state, frame, out)
    ends: list[State]
    if isinstance(context, Ref) and isinstance(state.objects.get(context.oid), Plain):
        return enter_plain(run, node, context, state, frame, out)
    target, leaving, names = entered(run, context, state, spot)
    run.bind(state, frame, node.target, target)
    inner = Out()
    frame.caught.extend(names)
    is_guard = not isinstance(context, (SessionRef, Block)) and leaving is _stay
    run.try_depth += 1
    run.guards += is_guard
    try:
        ends = run.block(node.body, [state], frame, inner)
    finally:
        run.try_depth -= 1
        run.guards -= is_guard
        del frame.caught[len(frame.caught) - len(names) :]
    if names:
        ends.extend(inner.raises)
        inner.raises = []
    if not run.try_depth:
        inner.raises = []
    return leave(ends, inner, out, leaving)


def entered(
    run: Interpreter, context: Value, state: State, spot: Spot
) -> tuple[Value, Callable[[State, bool], list[State]], list[str]]:
    """What entering a context manager gives, what leaving it does, and the exceptions that it swallows."""
    match context:
        case SessionRef(sid=sid):

            def close(one: State, _: bool) -> list[State]:
                lifetimes.close(one, sid, spot, left=True)
                return [one]

            return context, close, []
        case Block(sid=sid, kind=kind):

            def end(one: State, raised: bool) -> list[State]:
                session = one.sessions[sid]
                if kind in _TRANSACTIONS:
                    savepoints = max(session.savepoints - (kind == "nested"), 0)
                    one.sessions[sid] = replace(
                        session, blocks=max(session.blocks - 1, 0), savepoints=savepoints, ended=False
                    )
                if kind == "quiet":
                    one.sessions[sid] = replace(session, autoflush=True)
                elif kind == "nested":
                    (lifetimes.savepoint_rollback if raised else lifetimes.savepoint_release)(one, sid, spot)
                elif kind in ("begin", "factory"):
                    run.committed(one, sid, spot)
                    (lifetimes.rollback if raised else lifetimes.commit)(one, sid, spot)
                if kind in ("factory", "closing"):
                    lifetimes.close(one, sid, spot, left=True)
                return [one]

            if kind == "quiet":
                state.sessions[sid] = replace(state.sessions[sid], autoflush=False)
            else:
                lifetimes.begin(state, sid, spot)
                session = state.sessions[sid]
                state.sessions[sid] = replace(
                    session,
                    blocks=session.blocks + (kind in _TRANSACTIONS),
                    savepoints=session.savepoints + (kind == "nested"),
                )
            return (SessionRef(sid) if kind in ("factory", "closing", "quiet") else UNKNOWN), end, []
        case External() if context.dotted.endswith("()"):

            def join(one: State, _: bool) -> list[State]:
                background.leave_block(run, one, context)
                return [one]

            return context, join, []
        case Group(items=items, names=("suppress",)):
            return UNKNOWN, lambda one, _: [one], [i.last for i in items if isinstance(i, External)]
        case _:
            return context if isinstance(context, Ref) else UNKNOWN, _stay, []


def _stay(one: State, _: bool) -> list[State]:
    return [one]


def enter_plain(run: Interpreter, node: ir.With, context: Ref, state: State, frame: Frame, out: Out) -> list[State]:
    """``with`` over an instance of a class of the program: its own ``__enter__`` and ``__exit__``."""
    plain = state.objects[context.oid]
    assert isinstance(plain, Plain)
    enter = reads.method(run, plain.symbol, "__aenter__") or reads.method(run, plain.symbol, "__enter__")
    exit_ = reads.method(run, plain.symbol, "__aexit__") or reads.method(run, plain.symbol, "__exit__")
    pairs: list[tuple[State, Value]] = [(state, context)]
    if enter is not None:
        pairs = calls.inline(run, FunctionValue(enter, context), [], [], False, state, frame, node.span, out)
    ends: list[State] = []
    inner = Out()
    run.try_depth += 1
    run.guards += 1
    try:
        for one, value in pairs:
            run.bind(one, frame, node.target, value)
            ends.extend(run.block(node.body, [one], frame, inner))
    finally:
        run.try_depth -= 1
        run.guards -= 1
    if not run.try_depth:
        inner.raises = []

    def leaving(one: State, raised: bool) -> list[State]:
        if exit_ is None:
            return [one]
        kind: Value = Const(True) if raised else NONE
        given: list[Value] = [kind, kind, kind]
        bound = FunctionValue(exit_, context)
        return [s for s, _ in calls.inline(run, bound, given, [], False, one, frame, node.span, Out())]

    return leave(ends, inner, out, leaving)


def enter_generator(
    run: Interpreter, node: ir.With, context: Context, state: State, frame: Frame, out: Out
) -> list[State]:
    """``with`` over a generator function: the body runs where the function yields, once."""
    entered = f"%with{node.span}"

    def body(one: State, value: Value) -> list[State]:
        if entered in one.envs[frame.id]:
            return []  # "generator didn't stop": a retry around a `yield` cannot work.
        one.own(frame.id)[entered] = Const(True)
        run.bind(one, frame, node.target, value)
        inner = Out()
        done = run.block(node.body, [one], frame, inner)
        if not handled:
            inner.raises = []
        return resumed(done, inner, frame, raised)

    raised: list[State] = []
    handled = run.try_depth > 0
    run.try_depth += 1
    ends, escaped = calls.generate(run, context, state, frame, body, raised)
    run.try_depth -= 1
    for one in (*ends, *escaped):
        one.own(frame.id).pop(entered, None)
    if run.try_depth:
        out.raises.extend(escaped)
    return sort(ends, frame, out)


def resumed(done: list[State], inner: Out, frame: Frame, raised: list[State]) -> list[State]:
    """The states with which a generator goes on after its body; other ways out are marked and sorted later."""
    for state, value in inner.returns:
        env = state.own(frame.id)
        env["%exit"], env["%value"] = Const("return"), value
        done.append(state)
    for word, states in (("break", inner.breaks), ("continue", inner.continues)):
        for state in states:
            state.own(frame.id)["%exit"] = Const(word)
            done.append(state)
    raised.extend(prune(inner.raises))
    return prune(done)


def sort(ends: list[State], frame: Frame, out: Out) -> list[State]:
    plain: list[State] = []
    for state in ends:
        env = state.own(frame.id)
        match env.pop("%exit", None):
            case Const(value="return"):
                out.returns.append((state, env.pop("%value", UNKNOWN)))
            case Const(value="break"):
                out.breaks.append(state)
            case Const(value="continue"):
                out.continues.append(state)
            case _:
                plain.append(state)
    return prune(plain)


def yielded(run: Interpreter, node: ir.Yield, state: State, frame: Frame, out: Out) -> list[State]:
    value = run.value(node.value, state, frame)
    if node.whole:
        value = item(queries.iterated(run, value, state, frame, node.span), UNKNOWN)
    states = frame.on_yield(state, value, out) if frame.on_yield is not None else [state]
    for one in states:
        one.own(frame.id)[node.target] = UNKNOWN
    return states


def _is_own(run: Interpreter, frame: Frame, handler: ir.Handler) -> bool:
    """Whether the program itself raises what is caught: a call of a library does not, so not every call comes here.

    Where no ``raise`` is seen, only what was so from the beginning is known.
    """
    found = [run.program.resolve(frame.module, name) for name in handler.types]
    return bool(found) and all(isinstance(symbol, ClassSymbol) for symbol in found)


def _is_broad(handler: ir.Handler) -> bool:
    return not handler.types or any(name in ("Exception", "BaseException") for name in handler.types)
