"""Loops that count, and the comparisons that ask whether a round is their last.

``for attempt in range(tries)`` ends behind the round in which ``attempt == tries - 1``, and so behind none in which
that was answered with no.  ``attempt + 1 < tries``, ``attempt >= tries - 1`` and their like ask the same.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from outlive.check.lower.terms import condition_key, dotted

_COMPARE: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.NotEq: operator.ne,
}
_SHORT_OF_END: dict[type[ast.cmpop], tuple[int, int]] = {
    ast.Lt: (0, -1),
    ast.LtE: (1, 0),
    ast.Gt: (0, 1),
    ast.GtE: (-1, 0),
}
"""Of ``while left < right``: the difference of the two at which it ends, and that of the round before."""

_TARGETS = (ast.Name, ast.Attribute)


@dataclass(frozen=True, slots=True)
class Counting:
    """A loop that counts.

    Attributes:
        key: That of a condition.
        negated: It is false, not true, where the loop is at its end.
        distance: Names whose sum says how far the counter has come, each with its factor.
        end: That sum where the loop is at its end.
        before: And a step earlier; what lies further away is on the same side.
    """

    key: str
    negated: bool
    distance: Mapping[str, int]
    end: int
    before: int

    def answer(self, node: ast.expr) -> tuple[str, bool] | None:
        """The key of a condition that asks whether the loop is at its end, and whether it is negated."""
        if isinstance(node, ast.Name):
            node = ast.Compare(node, [ast.NotEq()], [ast.Constant(0)])
        if not isinstance(node, ast.Compare) or len(node.ops) != 1 or type(node.ops[0]) not in _COMPARE:
            return None
        distance = _difference(node.left, node.comparators[0])
        more = distance.pop("", 0) if distance is not None else 0
        for sign in (1, -1):
            if distance == {name: sign * factor for name, factor in self.distance.items()}:
                compare = _COMPARE[type(node.ops[0])]
                at_end, earlier = (compare(sign * value + more, 0) for value in (self.end, self.before))
                # An equation tells one round from all others: it has to be the last.
                is_other = isinstance(node.ops[0], ast.NotEq if at_end else ast.Eq)
                return (self.key, self.negated == at_end) if at_end != earlier and not is_other else None
        return None


def of_for(node: ast.For | ast.AsyncFor) -> Counting | None:
    """``for attempt in range(tries)``, with a step of one, up or down."""
    match node:
        case ast.For(target=ast.Name(id=name), iter=ast.Call(func=ast.Name(id="range"), args=[*args], keywords=[])):
            pass
        case _:
            return None
    step = _sum(args[2]) if len(args) == 3 else {"": 1}
    one = step.get("", 0) if step is not None and step.keys() == {""} else 0
    distance = _difference(ast.Name(name), args[1 if len(args) > 1 else 0]) if len(args) in (1, 2, 3) else None
    if one not in (1, -1) or distance is None or not _assigned(node.body).isdisjoint(distance):
        return None
    end = -distance.pop("", 0) - one
    return Counting(f"{name} is last", False, distance, end, end - one)


def of_while(node: ast.While) -> Counting | None:
    """``while attempt < tries``, where the counter goes up or down by one."""
    test = node.test
    if isinstance(test, ast.Name):
        test = ast.Compare(test, [ast.Gt()], [ast.Constant(0)])
    if not isinstance(test, ast.Compare) or type(test.ops[0]) not in _SHORT_OF_END or len(test.ops) != 1:
        return None
    key, negated = condition_key(node.test)
    distance = _difference(test.left, test.comparators[0])
    if not key or negated or distance is None:
        return None
    more = distance.pop("", 0)
    end, before = (value - more for value in _SHORT_OF_END[type(test.ops[0])])
    steps = {name: factor * (end - before) for name, factor in distance.items()}
    return Counting(key, True, distance, end, before) if _steps(node.body, steps) else None


def _steps(body: Sequence[ast.stmt], wanted: Mapping[str, int]) -> bool:
    """Whether a loop counts, and assigns these names in steps of one, in the direction that is wanted, and only so."""
    steps = stored = 0
    for each in (each for statement in body for each in ast.walk(statement)):
        match each:
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add() | ast.Sub(), value=ast.Constant(value=1)):
                steps += wanted.get(name) == (1 if isinstance(each.op, ast.Add) else -1)
            case ast.Name(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()):
                stored += dotted(each) in wanted
            case _:
                pass
    return 0 < steps == stored


def _sum(node: ast.expr) -> dict[str, int] | None:
    """A sum of names and numbers: how often each name is in it, and the number under an empty one."""
    match node:
        case ast.Constant(value=int() as number) if not isinstance(number, bool):
            return {"": number}
        case ast.Name() | ast.Attribute():
            name = dotted(node)
            return {name: 1} if name else None
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _difference(ast.Constant(0), operand)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _difference(left, right)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _difference(left, ast.UnaryOp(ast.USub(), right))
        case _:
            return None


def _difference(left: ast.expr, right: ast.expr) -> dict[str, int] | None:
    ours, theirs = _sum(left), _sum(right)
    if ours is None or theirs is None:
        return None
    factors = {name: ours.get(name, 0) - theirs.get(name, 0) for name in (*ours, *theirs)}
    return {name: factor for name, factor in factors.items() if factor}


def _assigned(body: Sequence[ast.stmt]) -> set[str]:
    """The names that a block assigns, and the attributes."""
    nodes = (each for statement in body for each in ast.walk(statement))
    return {dotted(each) for each in nodes if isinstance(each, _TARGETS) and isinstance(each.ctx, ast.Store)}
