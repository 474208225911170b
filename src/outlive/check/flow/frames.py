"""Where the walk stands, and the bounds that it keeps; each errs on the side of silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from outlive.check.facts import Function
from outlive.check.flow.state import State
from outlive.check.flow.values import Spot, Value
from outlive.check.program import Module

PATHS = 8
DEPTH = 7
STEPS = 3_000
ROOT_STEPS = 18_000
CALL_STEPS = 4_000
"""Of one call near the root: what takes longer is followed on one path alone, and then without it."""

FEWER_STEPS = 300
"""Of a call of a function that took longer on one path, too."""

MANY = 100
"""Objects: with so many at hand a step counts twice, with twice as many three times."""

LITTLE_STEPS = 1_000
"""Who was given up after fewer was not too long: its caller had none left for it."""

AT_EASE = 0.25
"""When that part of the steps is used up, fewer paths are followed, so that the walk sees the end of the function."""

BOUNDED = 2
"""How near to the root that is."""


Pairs = list[tuple[State, Value]]


def is_within(frames: Mapping[int, tuple[int, int, Module, int]], frame: int, call: Spot) -> bool:
    """Whether a frame was entered by a call, or by what that calls."""
    while frame >= 0:
        parent, span, *_ = frames[frame]
        if (parent, span) == (call.frame, call.span):
            return True
        frame = parent
    return False


def apart(frames: Mapping[int, tuple[int, int, Module, int]], spot: Spot, other: Spot) -> tuple[Spot, Spot]:
    """Where the ways to two spots part: the calls, in the same frame, that lead to them."""
    ways = [[spot], [other]]
    for way in ways:
        while way[-1].frame >= 0:
            parent, span, *_ = frames[way[-1].frame]
            way.append(Spot(parent, span))
    calls = {one.frame: one for one in reversed(ways[1])}
    return next(((one, calls[one.frame]) for one in ways[0] if one.frame in calls), (spot, other))


def within(frames: Mapping[int, tuple[int, int, Module, int]], spot: Spot, frame: int) -> Spot:
    """The call in a frame that leads to a spot; the spot itself, where it stands there."""
    while spot.frame != frame and spot.frame >= 0:
        parent, span, *_ = frames[spot.frame]
        spot = Spot(parent, span)
    return spot


def outermost(frames: Mapping[int, tuple[int, int, Module, int]], frame: int) -> int:
    """The frame from which the walk started."""
    while frames[frame][0] >= 0:
        frame = frames[frame][0]
    return frame


class Frame(Struct):
    """One function being interpreted."""

    id: int
    module: Module
    function: Function | None
    closure: dict[str, Value]
    depth: int
    on_yield: OnYield | None = None
    stack: tuple[tuple[int, ...], ...] = ()
    caught: list[str] = []
    locals: bool = True


class Out(Struct):
    """The ways out of a block other than its end."""

    returns: list[tuple[State, Value]] = []
    breaks: list[State] = []
    continues: list[State] = []
    raises: list[State] = []


OnYield = Callable[[State, Value, int, Out], list[State]]
"""What happens at a ``yield`` with this span; exceptions that come in there leave through ``Out``."""


class OutOfStepsError(Exception):
    """The walk from one root has become too long; what was seen so far stands."""
