"""Where the walk stands, and the bounds that it keeps; each errs on the side of silence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from outlive.check.facts import Function
from outlive.check.flow.state import State
from outlive.check.flow.values import Value
from outlive.check.program import Module

PATHS = 8
DEPTH = 7
STEPS = 3_000
CALL_STEPS = 1_000
"""Of one call near the root: what takes longer is given up, and the caller goes on without it."""

FEWER_STEPS = 300
"""Of a call of a function that was given up before."""

SHARE = 1
"""The root is charged a third of what its calls take: they are bounded by themselves."""

BOUNDED = 2
"""How near to the root that is."""


Pairs = list[tuple[State, Value]]
OnYield = Callable[[State, Value], list[State]]


@dataclass(slots=True)
class Frame:
    """One function being interpreted."""

    id: int
    module: Module
    function: Function | None
    closure: dict[str, Value]
    depth: int
    on_yield: OnYield | None = None
    stack: tuple[tuple[int, int], ...] = ()
    caught: list[str] = field(default_factory=list[str])
    locals: bool = True


@dataclass(slots=True)
class Out:
    """The ways out of a block other than its end."""

    returns: list[tuple[State, Value]] = field(default_factory=list[tuple[State, Value]])
    breaks: list[State] = field(default_factory=list[State])
    continues: list[State] = field(default_factory=list[State])
    raises: list[State] = field(default_factory=list[State])


class OutOfStepsError(Exception):
    """The walk from one root has become too long; what was seen so far stands."""
