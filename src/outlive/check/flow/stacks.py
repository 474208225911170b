"""``ExitStack`` and ``AsyncExitStack``: what is entered on one is left when it is, the last one first.

Source: contextlib of CPython 3.11 and 3.13.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlive.check.flow import calls, managers, orphans
from outlive.check.flow.arguments import Given
from outlive.check.flow.frames import Frame, Pairs
from outlive.check.flow.meeting import prune
from outlive.check.flow.state import State
from outlive.check.flow.values import NONE, UNKNOWN, FunctionValue, MethodValue, SessionRef, Stack, Value

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_CALLED = "__call__"


def made(run: Interpreter, state: State, frame: Frame, span: int) -> Stack:
    """An empty one."""
    stack = Stack(run.frame_id(frame.id, span, frame.module, -1))
    state.envs[stack.frame] = {}
    return stack


def method(run: Interpreter, given: Given, stack: Stack, name: str, span: int) -> Pairs:
    """``stack.enter_context(...)`` and its like."""
    state, frame = given.state, given.frame
    first = given.args[0] if given.args else UNKNOWN
    match name:
        case "enter_context" | "enter_async_context":
            pairs = managers.enter(run, first, state, frame, span, given.out)
            for one, _ in pairs:
                _push(one, stack, first)
            return pairs
        case "push" | "push_async_exit":
            is_exit = isinstance(first, MethodValue) and first.name in managers.EXIT
            _push(state, stack, first.base if isinstance(first, MethodValue) and is_exit else first)
            return [(state, first)]
        case "callback" | "push_async_callback":
            words = dict(given.keywords)
            if isinstance(first, FunctionValue) and not given.starred:
                _push(state, stack, MethodValue(first.partial(tuple(given.args[1:]), words), _CALLED))
            elif isinstance(first, MethodValue) and isinstance(first.base, SessionRef) and len(given.args) == 1:
                _push(state, stack, MethodValue(first, _CALLED))
            else:
                calls.unknown_call(state, [*given.args, *words.values()])
            return [(state, first)]
        case "pop_all":
            other = made(run, state, frame, span)
            state.envs[other.frame], state.envs[stack.frame] = state.envs.get(stack.frame, {}), {}
            return [(state, other)]
        case "close" | "aclose":
            ends, escaped = leave(run, stack, state, frame, span, raised=False)
            if given.out is not None and run.try_depth:
                given.out.raises.extend(escaped)
            return [(one, NONE) for one in ends]
        case _:
            return [(state, UNKNOWN)]


def _push(state: State, stack: Stack, value: Value) -> None:
    env = state.own(stack.frame)
    orphans.keep(state, value)
    if value != UNKNOWN and value not in env.values():  # In a loop, once for all rounds.
        env[str(len(env))] = value


def leave(
    run: Interpreter, stack: Stack, state: State, frame: Frame, span: int, *, raised: bool
) -> tuple[list[State], list[State]]:
    """The states after all of it, and those in which an exception is on its way."""
    entered = state.envs.get(stack.frame, {})
    state.envs[stack.frame] = {}
    ends, raising = ([], [state]) if raised else ([state], [])
    for name in sorted(entered, key=int, reverse=True):
        after: tuple[list[State], list[State]] = [], []
        for states, is_raising in ((ends, False), (raising, True)):
            for one in states:
                left = _left(run, entered[name], one, frame, span, raised=is_raising)
                after[0].extend(left[0])
                after[1].extend(left[1])
        ends, raising = prune(after[0]), prune(after[1])
    return ends, raising


def _left(
    run: Interpreter, entered: Value, state: State, frame: Frame, span: int, *, raised: bool
) -> tuple[list[State], list[State]]:
    if isinstance(entered, MethodValue) and entered.name == _CALLED:
        given = Given(state, frame, [], [], False)
        states = [one for one, _ in calls.apply(run, entered.base, [], [], given, span)]
        return ([], states) if raised else (states, [])
    return managers.left(run, entered, state, frame, span, raised=raised)
