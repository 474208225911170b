"""Functions that never return: they raise on every way through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from outlive.check import ir
from outlive.check.program import FunctionSymbol

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


def never_returns(run: Interpreter, symbol: FunctionSymbol) -> bool:
    """Whether every way through a function ends with a ``raise`` of its own."""
    found = run.endless.get(symbol)
    if found is None:
        facts = symbol.facts
        # The word first: most functions have none, and need not be lowered for that.
        run.program.looked_at.add(symbol.module.filename)
        found = "raise" in facts.text and not facts.is_generator and not _can_end(facts.body)
        run.endless[symbol] = found
    return found


def _can_end(body: Sequence[ir.Statement]) -> bool:
    """Whether the end of a block, or a way out of it that is no exception, may be reached."""
    for node in body:
        match node:
            case ir.Raise():
                return False
            case ir.Return() | ir.Break() | ir.Continue():
                return True
            case ir.If():
                returning = _leaves(node.body) or _leaves(node.orelse)
                if returning:
                    return True
                if not _can_end(node.body) and not _can_end(node.orelse):
                    return False
            case ir.With():
                if _leaves(node.body):
                    return True
            case ir.Try() | ir.For() | ir.While():
                if any(_leaves(block) for block in _blocks(node)):
                    return True
            case _:
                pass
    return True


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
