"""Context managers: what entering one gives and what leaving it does, in ``with``, on a stack, or by hand.

Source: SQLAlchemy 2.0 and 2.1, CPython 3.11 and 3.13; each way run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow import background, calls, generators, lifetimes, listeners, reads, stacks
from outlive.check.flow.arguments import Given, unpacked
from outlive.check.flow.frames import Frame, Out, Pairs
from outlive.check.flow.generators import How
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
    Stack,
    Value,
)
from outlive.check.program import External

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

ENTER = ("__enter__", "__aenter__")
EXIT = ("__exit__", "__aexit__")
EXPECTING = ("raises",)
"""What marks ``pytest.raises(...)`` and ``self.assertRaises(...)``, as a group of the exceptions."""

_SWALLOWING = (("suppress",), EXPECTING)
_BROAD = frozenset({"BaseException", "Exception", "SQLAlchemyError"})
_OF_LATE_READS = ("DetachedInstanceError", "MissingGreenlet", "InvalidRequestError")

ASSERTING = frozenset({"assertRaises", "assertRaisesRegex"})

_TRANSACTIONS = ("begin", "factory", "nested")


def enter(run: Interpreter, context: Value, state: State, frame: Frame, span: int, out: Out | None) -> Pairs:
    """Enter a context manager, and what that gives."""
    match context:
        case SessionRef() | Stack():
            return [(state, context)]
        case Block(sid=sid, kind=kind) if sid in state.sessions:
            _begin(state, sid, kind, Spot(frame.id, span))
            return [(state, SessionRef(sid) if kind in ("factory", "closing", "quiet") else UNKNOWN)]
        case Context():
            pairs, ends, escaped = generators.advance(run, context, state, frame)
            if out is not None and run.try_depth:
                out.raises.extend(escaped)
            return pairs or [(one, UNKNOWN) for one in ends]
        case Ref(oid=oid) if isinstance(state.objects.get(oid), Plain):
            own = _method(run, state, context, "__aenter__", "__enter__")
            if own is None:
                return [(state, context)]
            return calls.inline(run, own, [], [], False, state, frame, span, out)
        case Group(items=items, names=("nullcontext",)):
            return [(state, items[0])]
        case External() if not context.dotted.endswith("()"):
            return [(state, UNKNOWN)]
        case Ref() | External():
            return [(state, context)]
        case _:
            return [(state, UNKNOWN)]


def left(
    run: Interpreter, context: Value, state: State, frame: Frame, span: int, *, raised: bool
) -> tuple[list[State], list[State]]:
    """Leave a context manager: the states after it, and those with an exception on its way."""
    states = [state]
    match context:
        case SessionRef(sid=sid):
            lifetimes.close(state, sid, Spot(frame.id, span), left=True)
        case Block(sid=sid, kind=kind) if sid in state.sessions:
            _end(run, state, sid, kind, Spot(frame.id, span), raised=raised)
        case Stack():
            return stacks.leave(run, context, state, frame, span, raised=raised)
        case Context():
            return generators.finish(run, context, state, frame, How.RAISE if raised else How.END)
        case Ref(oid=oid) if isinstance(state.objects.get(oid), Plain):
            own = _method(run, state, context, "__aexit__", "__exit__")
            if own is not None:
                states = _given_up(run, own, state, frame, span, raised=raised)
        case FunctionValue():
            states = _given_up(run, context, state, frame, span, raised=raised)
        case External() if context.dotted.endswith("()"):
            background.leave_block(run, state, context)
        case _:
            pass
    return ([], states) if raised else (states, [])


def by_hand(run: Interpreter, node: ir.Call, given: Given, context: Value) -> Pairs:
    """``session = manager.__enter__()``, and ``manager.__exit__(None, None, None)`` behind it."""
    state, frame = given.state, given.frame
    if node.method in ENTER:
        return enter(run, context, state, frame, node.span, given.out)
    if given.starred:
        given = unpacked(run, node, given)
    raised = bool(given.args) and given.args[0] != NONE
    ends, escaped = left(run, context, state, frame, node.span, raised=raised)
    if raised:
        return [*((one, Const(True)) for one in ends), *((one, Const(False)) for one in escaped)]
    if given.out is not None and run.try_depth:
        given.out.raises.extend(escaped)
    return [(one, NONE) for one in ends]


def _begin(state: State, sid: int, kind: str, spot: Spot) -> None:
    if kind == "quiet":
        state.sessions[sid] = replace(state.sessions[sid], autoflush=False)
        return
    lifetimes.begin(state, sid, spot)
    session = state.sessions[sid]
    state.sessions[sid] = replace(session, blocks=session.blocks + (kind in _TRANSACTIONS))


def _end(run: Interpreter, state: State, sid: int, kind: str, spot: Spot, *, raised: bool) -> None:
    session = state.sessions[sid]
    if kind in _TRANSACTIONS:
        state.sessions[sid] = replace(session, blocks=max(session.blocks - 1, 0), ended=False)
    if kind == "quiet":
        state.sessions[sid] = replace(session, autoflush=True)
    else:
        end(run, state, sid, kind, spot, saves=not raised)
    if kind in ("factory", "closing"):
        lifetimes.close(state, sid, spot, left=True)


def end(run: Interpreter, state: State, sid: int, kind: str, spot: Spot, *, saves: bool) -> None:
    """The end of a transaction or savepoint, at the end of its block or by hand."""
    if kind == "nested":
        session = state.sessions[sid]
        state.sessions[sid] = replace(session, savepoints=max(session.savepoints - 1, 0))
        (lifetimes.savepoint_release if saves else lifetimes.savepoint_rollback)(state, sid, spot)
    elif kind in ("begin", "factory"):
        (listeners.commit if saves else listeners.rollback)(run, state, sid, spot)


def _method(run: Interpreter, state: State, owner: Ref, *names: str) -> FunctionValue | None:
    """The first of these methods that an instance of a class of the program has."""
    plain = state.objects[owner.oid]
    assert isinstance(plain, Plain)
    found = next((method for name in names if (method := reads.method(run, plain.symbol, name))), None)
    return FunctionValue(found, owner) if found is not None else None


def _given_up(
    run: Interpreter, function: FunctionValue, state: State, frame: Frame, span: int, *, raised: bool
) -> list[State]:
    """``__exit__`` of the program, which is told of the exception."""
    kind: Value = Const(True) if raised else NONE
    return [one for one, _ in calls.inline(run, function, [kind] * 3, [], False, state, frame, span, Out())]


def suppressed(context: Value) -> list[str]:
    """The exceptions that ``contextlib.suppress`` swallows, and those that ``pytest.raises`` waits for."""
    if not isinstance(context, Group) or context.names not in _SWALLOWING:
        return []
    names = [each.last for each in context.items if isinstance(each, External)]
    # `pytest.raises(Exception)` waits for them, too.
    return [*names, *_OF_LATE_READS] if is_expecting(context) and not _BROAD.isdisjoint(names) else names


def is_expecting(context: Value) -> bool:
    """Whether its block is left by an exception, and the program goes on behind it."""
    return isinstance(context, Group) and context.names == EXPECTING


def is_guard(context: Value) -> bool:
    """Whether it may keep others out: it is not known to do something else."""
    if isinstance(context, External):
        return not context.dotted.endswith("()")
    if isinstance(context, Group) and context.names == ("nullcontext",):
        return is_guard(context.items[0])
    if isinstance(context, Group):
        return context.names not in _SWALLOWING
    return not isinstance(context, (SessionRef, Block, Context))
