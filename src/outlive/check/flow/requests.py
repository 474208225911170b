"""What travels with a request: ``request.state.user``, left there by a dependency or a middleware that ran before.

The one function of the program that leaves a name there is walked before whatever reads it.  A middleware is walked
as far as ``call_next``: whatever blocks it has left by then are left.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from outlive.check import ir
from outlive.check.facts import Function
from outlive.check.flow import dependencies, responses
from outlive.check.flow.frames import Frame, outermost
from outlive.check.flow.relevance import walk
from outlive.check.flow.state import State
from outlive.check.flow.values import UNKNOWN, SessionRef, Spot, Value
from outlive.check.program import External, FunctionSymbol, Module

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

REQUEST = External("starlette.requests.Request()")
STATE = External("starlette.requests.Request().state")
NEXT = External("starlette.middleware.base.RequestResponseEndpoint()")
_CLASSES = frozenset({"Request", "HTTPConnection", "WebSocket"})
_NEXT = "call_next"


def is_request(symbol: object) -> bool:
    """Whether a class is that of a request."""
    return isinstance(symbol, External) and symbol.last in _CLASSES and symbol.library in ("fastapi", "starlette")


def read(run: Interpreter, state: State, frame: Frame, name: str) -> Value:
    """``request.state.name``"""
    return state.envs.get(outermost(run.frames, frame.id), {}).get(_slot(name), UNKNOWN)


def store(run: Interpreter, state: State, frame: Frame, name: str, value: Value, span: int) -> None:
    """``request.state.name = value``"""
    if isinstance(value, SessionRef):
        run.left_at[value.sid] = Spot(frame.id, span)
    root = outermost(run.frames, frame.id)
    if root in state.envs:
        state.own(root)[_slot(name)] = value


def has_any(state: State, root: Frame) -> bool:
    """Whether something has been left with the request."""
    return any(name.startswith("%request ") for name in state.envs[root.id])


def _slot(name: str) -> str:
    return f"%request {name}"


class Carried:
    """Which functions leave something with a request, and which take it."""

    def __init__(self, run: Interpreter) -> None:
        # Not `run` itself, which holds this: the garbage collector is off during a check.
        self.users = [
            (symbol, {*_names(symbol.facts)})
            for symbol in run.program.functions()
            if "request.state" in symbol.facts.text
        ]
        found: dict[str, set[FunctionSymbol]] = {}
        for symbol, names in self.users:
            for name in {name for name, is_store in names if is_store}:
                if not any(responses.routes(run, symbol)):  # A path operation comes last.
                    found.setdefault(name, set()).add(symbol)
        self.setters = {name: next(iter(symbols)) for name, symbols in found.items() if len(symbols) == 1}
        self.leaving = frozenset(self.setters.values())

    def before(self, run: Interpreter, symbol: FunctionSymbol) -> list[FunctionSymbol]:
        """What has run before a function, because it or a dependency of it takes what that has left."""
        if not self.setters:
            return []
        names = {name for one in _with_dependencies(run, symbol) for name in self._taken(one)}
        found = dict.fromkeys(self.setters[name] for name in sorted(names) if name in self.setters)
        return [setter for setter in found if setter != symbol]

    def links(self) -> Iterator[tuple[FunctionSymbol, FunctionSymbol]]:
        """Every function that takes something, with the one that has left it."""
        for taker, names in self.users if self.setters else ():
            for name in sorted(name for name, is_store in names if not is_store and name in self.setters):
                yield taker, self.setters[name]

    def _taken(self, symbol: FunctionSymbol) -> Iterator[str]:
        for user, names in self.users:
            if user == symbol:
                yield from (name for name, is_store in names if not is_store)


def _with_dependencies(run: Interpreter, symbol: FunctionSymbol) -> Iterator[FunctionSymbol]:
    """A function, and all that it depends on."""
    waiting, seen = [symbol], {symbol}
    while waiting:
        one = waiting.pop()
        yield one
        for parameter in one.facts.parameters:
            found = dependencies.of_parameter(run, one.module, parameter)
            if found is not None and found.function.symbol not in seen:
                seen.add(found.function.symbol)
                waiting.append(found.function.symbol)


def _names(function: Function) -> Iterator[tuple[str, bool]]:
    """The names on ``request.state`` that a function uses, and whether it sets them."""
    given = {parameter.name for parameter in function.parameters}
    held: set[ir.Operand] = set()
    for node in walk(function.body):
        match node:
            case ir.Read(target=target, base=base, name="state") if base in given:
                held.add(target)
            case ir.Read(base=base, name=name) if base in held:
                yield name, False
            case ir.Store(base=base, name=name) if base in held:
                yield name, True
            case ir.Call(base="getattr", args=[base, ir.Lit(value=str() as name), *_]) if base in held:
                yield name, False
            case ir.Read(target=target) | ir.Call(target=target):
                held.discard(target)  # The name of a temporary is used again.
            case _:
                pass


def is_middleware(symbol: FunctionSymbol) -> bool:
    return any(parameter.name == _NEXT for parameter in symbol.facts.parameters)


def parameter(run: Interpreter, module: Module, name: str, annotation: ir.Term | None) -> Value | None:
    """``request: Request``, and the ``call_next`` of a middleware that is walked for what it leaves."""
    if not run.carrying and not run.applications.held:
        return None
    if name == _NEXT and run.passed_on is not None:
        return NEXT
    symbol = run.program.resolve(module, annotation.head) if annotation is not None and annotation.head else None
    return REQUEST if is_request(symbol) else None
