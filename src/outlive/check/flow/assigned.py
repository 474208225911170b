"""Names that a module leaves ``None``, until a function gives them what makes sessions: ``global Session``.

Whoever calls such a name has seen to it that it is set.  So the functions that set it are walked first, and if all that
they leave there does the same, that is what it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from outlive.check.flow import modules, wiring
from outlive.check.flow.state import State
from outlive.check.flow.values import NONE, UNKNOWN, Factory, Ref, Value
from outlive.check.program import FunctionSymbol, GlobalSymbol, Program

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_DECLARED = re.compile(r"^[ \t]*global (?P<names>[\w, ]+)", re.MULTILINE)
_PROMISING = re.compile(r"session|maker|factory|scope|db|database", re.IGNORECASE)


def learn(run: Interpreter, walk: Callable[[FunctionSymbol], Iterable[State]]) -> None:
    """Walk the functions that set such names; what is noted on the way is told elsewhere."""
    for symbol, setters in _set_later(run.program).items():
        left = [value for setter in setters for value in _left(run, walk, symbol, setter)]
        found = agreed(run, left)
        if found is not None:
            run.module_env(symbol.module)[symbol.name] = run.wiring.names_of_modules[symbol] = found
            _let_matter(run, symbol)
    run.summaries.clear()  # They did not see it.


def _set_later(program: Program) -> Mapping[GlobalSymbol, list[FunctionSymbol]]:
    """The names that promise to make sessions, and the functions that set them."""
    found: dict[GlobalSymbol, list[FunctionSymbol]] = {}
    for function in program.functions():
        module, text = function.module, function.facts.text
        for declared in _DECLARED.finditer(text) if module.facts.free else ():
            for name in re.findall(r"\w+", declared["names"]):
                term = module.facts.globals.get(name)
                is_open = term is not None and term.text == "None"
                if is_open and re.search(rf"\b{name}\b[^=\n]*=(?!=)", text):
                    found.setdefault(GlobalSymbol(module, name), []).append(function)
    return {
        symbol: setters
        for symbol, setters in found.items()
        if _PROMISING.search(symbol.name) or any(wiring.MAKER.search(setter.facts.text) for setter in setters)
    }


def _left(
    run: Interpreter, walk: Callable[[FunctionSymbol], Iterable[State]], symbol: GlobalSymbol, setter: FunctionSymbol
) -> Iterator[Value]:
    """What a function leaves under a name where it sets it."""
    frame = run.frame_id(-1, setter.facts.span, setter.module, setter.index)
    ends = wiring.walked(run, walk, setter)
    if not ends or symbol.name not in setter.facts.free:
        yield UNKNOWN  # A function within it sets the name, or it takes too long.
    for number, end in enumerate(ends):
        value = end.envs[frame].get(symbol.name, NONE)
        if value != NONE:
            yield wiring.outlasting(run, ("assigned", symbol, setter, number), value, end) or UNKNOWN


def agreed(run: Interpreter, values: Sequence[Value]) -> Value | None:
    """What makes sessions, if all who set a name have left what does the same."""
    if values and all(_makes_sessions(run, each) and modules.alike(run, each, values[0]) for each in values):
        return values[0]
    return None


def _makes_sessions(run: Interpreter, value: Value) -> bool:
    """A factory, or an instance that has one."""
    plain = run.global_plains.get(value.oid) if isinstance(value, Ref) else None
    if plain is not None:
        return any(_makes_sessions(run, field) for field in plain.fields.values())
    return isinstance(value, Factory)


def _let_matter(run: Interpreter, symbol: GlobalSymbol) -> None:
    """What uses the name in its module has to do with sessions, whatever else it names."""
    for index, function in symbol.module.all_functions():
        if symbol.name in run.mentions.of(symbol.module, function).words:
            run.relevant.add(FunctionSymbol(symbol.module, index))
