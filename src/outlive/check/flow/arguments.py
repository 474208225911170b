"""The arguments of calls, and the parameters that they meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow.elements import join_all
from outlive.check.flow.frames import Frame, Out
from outlive.check.flow.state import State
from outlive.check.flow.values import UNKNOWN, Const, FunctionValue, Group, Many, Unknown, Value
from outlive.check.ir import Term
from outlive.check.program import External, Module, ModuleSymbol

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


class Given(Struct):
    """The arguments of one call, evaluated."""

    state: State
    frame: Frame
    args: list[Value]
    keywords: list[tuple[str, Value]]
    starred: bool
    out: Out | None = None

    def keyword(self, name: str) -> Value | None:
        return next((value for word, value in self.keywords if word == name), None)

    def argument(self, index: int, name: str) -> Value | None:
        return self.args[index] if index < len(self.args) else self.keyword(name)


def unpacked(run: Interpreter, node: ir.Call, given: Given) -> Given:
    """The arguments with those behind ``*`` and ``**`` in their places, as far as they are known."""
    lists = [(place, run.value(operand, given.state, given.frame)) for place, operand in node.unpacked]
    dicts = [run.value(operand, given.state, given.frame) for operand in node.mapped]
    args = given.args.copy()
    for place, value in reversed(lists):
        if not isinstance(value, Group) or value.names:
            return given
        args[place:place] = value.items
    keywords = given.keywords.copy()
    for value in dicts:
        if not isinstance(value, Group) or len(value.names) != len(value.items):
            return replace(given, args=args)
        keywords.extend(zip(value.names, value.items, strict=True))
    return replace(given, args=args, keywords=keywords, starred=False)


def bind_arguments(
    run: Interpreter,
    function: FunctionValue,
    args: Sequence[Value],
    keywords: Sequence[tuple[str, Value]],
    starred: bool,
) -> dict[str, Value]:
    facts = function.symbol.facts
    bound: dict[str, Value] = {}
    rest = [*([function.owner] if function.owner is not None else []), *function.args, *args]
    words = {**function.keywords, **dict(keywords)}
    for parameter in facts.parameters:
        if parameter.kind == "*":
            bound[parameter.name] = Many(join_all(rest)) if starred else Group(tuple(rest))
            rest = []
        elif parameter.kind == "**":
            extra = {k: v for k, v in words.items() if k not in bound}
            bound[parameter.name] = UNKNOWN if starred else Group(tuple(extra.values()), tuple(extra))
        elif parameter.name in words:
            bound[parameter.name] = words[parameter.name]
        elif rest and parameter.kind == "":
            bound[parameter.name] = rest.pop(0)
        elif parameter.default is not None and not starred:
            bound[parameter.name] = evaluate_term(run, function.symbol.module, parameter.default)
        else:
            bound[parameter.name] = UNKNOWN
    return bound


def evaluate_term(run: Interpreter, module: Module, term: Term) -> Value:
    """A declarative expression: a default, a class attribute."""
    match term.kind:
        case "text":
            return Const(term.text)
        case "value":
            known = {"None": None, "True": True, "False": False}
            return Const(known[term.text]) if term.text in known else UNKNOWN
        case "name":
            first, _, rest = term.text.partition(".")
            value = run.global_value(module, first)
            while rest and not isinstance(value, Unknown):
                first, _, rest = rest.partition(".")
                if not isinstance(value, (External, ModuleSymbol)):
                    return UNKNOWN
                value = run.symbol_value(run.program.member(value, first))
            return value
        case "group":
            parts = tuple(evaluate_term(run, module, part) for part in term.parts)
            return Group(parts) if not term.keywords else UNKNOWN
        case _:
            return UNKNOWN
