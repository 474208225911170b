"""Decorators of the program, as far as they come between a call and a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlive.check import ir
from outlive.check.facts import Function
from outlive.check.flow.relevance import walk
from outlive.check.program import ClassSymbol, FunctionSymbol

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


def hides(run: Interpreter, symbol: FunctionSymbol) -> bool:
    """Whether a decorator makes something else of a function, so that a call of it cannot be followed.

    Decorators from outside the program are taken to pass on what they get.
    """
    for term in symbol.facts.decorators:
        decorator = run.program.resolve(symbol.module, term.head) if term.head else None
        if isinstance(decorator, ClassSymbol):
            return True
        if isinstance(decorator, FunctionSymbol):
            key = decorator, term.kind == "call"
            found = run.hiding.get(key)
            if found is None:
                found = run.hiding[key] = not _passes_on(*key)
            if found:
                return True
    return False


def _passes_on(decorator: FunctionSymbol, is_called: bool) -> bool:
    """It returns what it decorates, or a wrapper that calls it with its own arguments in front.

    One that is called to make a decorator gets that in a function inside it; what else it is given it may call at will.
    """
    outer = decorator.facts
    assert outer.body is not None  # Then those inside are known.
    inside = [f for f in decorator.module.facts.functions if f.qualname.startswith(f"{outer.qualname}.")]
    takers = [f for f in inside if f.qualname.count(".") == outer.qualname.count(".") + 1] if is_called else [outer]
    decorated = {name for taker in takers for name in _positional(taker)[:1]}
    seen = False
    for wrapper in (outer, *inside):
        for node in walk(wrapper.body):
            match node:
                case ir.Call(base=str() as base, method="", args=args) if base in decorated:
                    if args != _positional(wrapper)[: len(args)]:
                        return False
                    seen = True
                case ir.Return(value=str() as value) if value in decorated:
                    seen = True
                case _:
                    pass
    return seen


def _positional(function: Function) -> list[str]:
    return [parameter.name for parameter in function.parameters if parameter.kind == ""]
