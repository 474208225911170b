"""Decorators of the program: what they make of a function, as far as that matters to the objects in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.facts import Function
from outlive.check.flow import calls
from outlive.check.flow.arguments import evaluate_term
from outlive.check.flow.frames import Frame, OutOfStepsError
from outlive.check.flow.relevance import walk
from outlive.check.flow.state import State
from outlive.check.flow.values import ClassValue, Const, Factory, FunctionValue, Value
from outlive.check.ir import Term
from outlive.check.program import ClassSymbol, External, FunctionSymbol, Module

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


Manner: TypeAlias = Literal["plain", "matters", "hides"]
"""What a decorator does with a function: it passes on what that gets, and has to do with sessions or has not, or makes
something else of it, so that a call cannot be followed as if it were bare."""


def around(run: Interpreter, function: FunctionValue) -> FunctionValue | None:
    """What is called in place of a function: itself, or a wrapper that its decorators make; ``None`` if unknown.

    Decorators from outside the program are taken to pass on what they get.
    """
    symbol = function.symbol
    if function.closure:
        return None if any(_manner(run, *each) == "hides" for each in _of_program(run, symbol)) else function
    if symbol not in run.decorated:
        run.decorated[symbol] = None  # What a decorator finds that calls what it decorates.
        run.decorated[symbol] = _wrapped(run, symbol)
    found = run.decorated[symbol]
    return function if found is not None and found.bare else found


def _of_program(run: Interpreter, symbol: FunctionSymbol) -> list[tuple[FunctionSymbol | ClassSymbol, Term]]:
    """The decorators that the program has itself; the one that is applied first comes first."""
    found = [(run.program.resolve(symbol.module, t.head), t) for t in reversed(symbol.facts.decorators) if t.head]
    return [(made, term) for made, term in found if isinstance(made, (FunctionSymbol, ClassSymbol))]


def _wrapped(run: Interpreter, symbol: FunctionSymbol) -> FunctionValue | None:
    value = FunctionValue(symbol, bare=True)
    for decorator, term in _of_program(run, symbol):
        manner = _manner(run, decorator, term)
        if manner == "plain":
            continue
        made = _applied(run, symbol.module, decorator, term, value) if isinstance(decorator, FunctionSymbol) else None
        if made is not None:
            value = made
        elif manner == "hides":
            return None
    return value


def _applied(
    run: Interpreter, module: Module, decorator: FunctionSymbol, term: Term, value: FunctionValue
) -> FunctionValue | None:
    """What a decorator returns; of several wrappers the one that is async as what it wraps is."""
    frame = Frame(run.frame_id(-1, 0, module, -1), module, None, {}, 0)
    makers = [FunctionValue(decorator)]
    try:
        with run.aside():
            if term.kind == "call":
                words = [(name, evaluate_term(run, module, part)) for name, part in term.keywords]
                args = [evaluate_term(run, module, part) for part in term.parts]
                makers = _functions(run, makers[0], args, words, frame)
            made = [one for maker in makers for one in _functions(run, maker, [value], [], frame)]
    except OutOfStepsError:
        return None
    is_async = value.symbol.facts.is_async
    return next((one for one in made if one.symbol.facts.is_async == is_async), None)


def _functions(
    run: Interpreter, function: FunctionValue, args: list[Value], keywords: list[tuple[str, Value]], frame: Frame
) -> list[FunctionValue]:
    state = State()
    state.envs[frame.id] = {}
    pairs = calls.inline(run, function, args, keywords, False, state, frame, 0, None)
    return [freed(value) for _, value in pairs if isinstance(value, FunctionValue)]


def freed(function: FunctionValue) -> FunctionValue:
    """A function as it is long after what it stands in has run: without what that has made besides functions."""
    closure: dict[str, Value] = {}
    for name, value in function.closure.items():
        if isinstance(value, FunctionValue):
            closure[name] = freed(value)
        elif isinstance(value, (Const, ClassValue, External, Factory)):
            closure[name] = value
    return replace(function, owner=None, closure=closure, home=-1)


def _manner(run: Interpreter, decorator: FunctionSymbol | ClassSymbol, term: Term) -> Manner:
    if isinstance(decorator, ClassSymbol):
        return "hides"
    key = decorator, term.kind == "call"
    found = run.manners.get(key)
    if found is None:
        found = "hides" if not _passes_on(*key) else "matters" if _matters(run, decorator) else "plain"
        run.manners[key] = found
    return found


def _matters(run: Interpreter, decorator: FunctionSymbol) -> bool:
    """Whether a decorator, or a function inside it, has to do with sessions or objects."""
    inside = f"{decorator.facts.qualname}."
    functions = decorator.module.facts.functions
    return any(
        (id(decorator.module), index) in run.relevant
        for index, each in enumerate(functions)
        if index == decorator.index or each.qualname.startswith(inside)
    )


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
