"""Functions that never return: they raise, or end the program, on every way through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from outlive.check import ir
from outlive.check.facts import Function
from outlive.check.program import ClassSymbol, External, FunctionSymbol

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_PROMISES = frozenset({"Never", "NoReturn"})

_CALL = re.compile(r"\s+([^\W\d][\w.]*)\(.*\)")


def never_returns(run: Interpreter, symbol: FunctionSymbol) -> bool:
    """Whether a function says so, or every way through it ends with a ``raise`` or a call that never returns."""
    found = run.endless.get(symbol)
    if found is None:
        run.endless[symbol] = False  # What a recursive call finds.
        run.program.looked_at.add(symbol.module.filename)
        facts = symbol.facts
        if _is_promised(facts) or _may_be_endless(run, symbol):
            ends = not _is_promised(facts) and _can_end(run, symbol, facts.body)
            run.endless[symbol] = not ends and not facts.is_generator
        found = run.endless[symbol]
    return found


def _is_promised(facts: Function) -> bool:
    """``-> NoReturn``"""
    return facts.returns is not None and facts.returns.head.rpartition(".")[2] in _PROMISES


def _may_be_endless(run: Interpreter, symbol: FunctionSymbol) -> bool:
    """Asked of the text first: most functions are not, and need not be lowered for that."""
    text = symbol.facts.text
    if "raise" in text or any(word in text for word in run.leaving_words):
        return True
    last = _CALL.fullmatch(text.rstrip().rpartition("\n")[2])
    return last is not None and _is_endless_call(run, symbol, last[1])


def _can_end(run: Interpreter, symbol: FunctionSymbol, body: Sequence[ir.Statement]) -> bool:
    """Whether the end of a block, or a way out of it that is no exception, may be reached."""
    for node in body:
        match node:
            case ir.Raise():
                return False
            case ir.Call(base=str() as base, method=method) if base[:1] != "%":
                if _is_endless_call(run, symbol, f"{base}.{method}" if method else base):
                    return False
            case ir.Return() | ir.Break() | ir.Continue():
                return True
            case ir.If() | ir.With() | ir.Try() | ir.For() | ir.While():
                if any(_leaves(block) for block in _blocks(node)):
                    return True
                if isinstance(node, (ir.If, ir.Try)) and not _can_pass(run, symbol, node):
                    return False
            case _:
                pass
    return True


def _can_pass(run: Interpreter, symbol: FunctionSymbol, node: ir.If | ir.Try) -> bool:
    """Whether one of the ways through a statement reaches its end."""
    if isinstance(node, ir.If):
        ways = [node.body, node.orelse]
    else:
        ways = [[*node.body, *node.orelse], *(handler.body for handler in node.handlers)]
        if not _can_end(run, symbol, node.final):
            return False
    return any(_can_end(run, symbol, way) for way in ways)


def _is_endless_call(run: Interpreter, symbol: FunctionSymbol, called: str) -> bool:
    """Whether what a function calls by this name never returns."""
    first, _, rest = called.partition(".")
    facts = symbol.facts
    if rest and first in ("self", "cls") and facts.parent >= 0:
        return _is_endless_method(run, ClassSymbol(symbol.module, facts.parent), rest)
    given = next((parameter for parameter in facts.parameters if parameter.name == first), None)
    if given is not None:
        annotation = given.annotation.head if given.annotation is not None else ""
        made = run.program.resolve(symbol.module, annotation) if annotation else None
        return isinstance(made, External) and f"{made.dotted}().{rest}" in run.knowledge.noreturns
    found = run.program.resolve(symbol.module, called)
    if isinstance(found, FunctionSymbol):
        return _is_endless(run, found)
    known = found.dotted if isinstance(found, External) else "" if found is not None else f"builtins.{called}"
    return known in run.knowledge.noreturns and not _binds(facts.body, first)


def _is_endless(run: Interpreter, function: FunctionSymbol) -> bool:
    """Whether a call of a function of the program never returns; that of a coroutine function does."""
    return not function.facts.is_async and never_returns(run, function)


def _binds(body: Sequence[ir.Statement], name: str) -> bool:
    """Whether a name is assigned in a block."""
    return any(
        getattr(node, "target", "") == name or any(_binds(block, name) for block in _blocks(node)) for node in body
    )


def _is_endless_method(run: Interpreter, owner: ClassSymbol, name: str) -> bool:
    inside, outside, _ = run.program.lineage(owner)
    for each in inside:
        index = each.facts.methods.get(name)
        if index is not None:
            return _is_endless(run, FunctionSymbol(each.module, index))
    return any(isinstance(base, External) and f"{base.dotted}().{name}" in run.knowledge.noreturns for base in outside)


def leaves_at_end(body: Sequence[ir.Statement]) -> bool:
    """Whether whoever comes to the end of a block leaves the function or the loop there."""
    last = next((node for node in reversed(body) if not isinstance(node, ir.Forget)), None)
    match last:
        case ir.Return() | ir.Break():
            return True
        case ir.If():
            return leaves_at_end(last.body) and leaves_at_end(last.orelse)
        case ir.With():
            return leaves_at_end(last.body)
        case _:
            return False


def _leaves(body: Sequence[ir.Statement]) -> bool:
    """Whether there is a ``return`` in it."""
    return any(isinstance(node, ir.Return) or any(_leaves(block) for block in _blocks(node)) for node in body)


def _blocks(node: ir.Statement) -> list[list[ir.Statement]]:
    match node:
        case ir.If() | ir.For():
            return [node.body, node.orelse]
        case ir.While():
            return [node.head, node.body, node.orelse]
        case ir.With():
            return [node.body]
        case ir.Try():
            return [node.body, *(handler.body for handler in node.handlers), node.orelse, node.final]
        case _:
            return []
