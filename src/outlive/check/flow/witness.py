"""What is known at one line: the walk of a check, watched as it comes by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from outlive.check import ir
from outlive.check.flow.analysis import walk_program
from outlive.check.flow.frames import Frame, Out
from outlive.check.flow.interpreter import Interpreter
from outlive.check.flow.known import Names, names
from outlive.check.flow.relevance import walk
from outlive.check.flow.state import State
from outlive.check.flow.values import Spot
from outlive.check.program import FunctionSymbol, Module, Program
from outlive.check.source import Source, unpack
from outlive.lifecycle.places import Place


class View(Struct, frozen=True):
    """What is known at a line in one context.

    Attributes:
        callers: The calls that lead there, the nearest first; empty where its function is looked at by itself.
        before: What is known before the line, on each path that leads there.
        after: What is known after it; empty if a block begins there.
    """

    callers: tuple[Place, ...]
    before: tuple[Names, ...]
    after: tuple[Names, ...]


class Account(Struct, frozen=True):
    """What a walk has seen at a line.

    Attributes:
        place: The line itself, or the next one in its function at which anything happens.
        function: Qualified name of the function; empty for a module.
        views: What is known there; empty if no path leads there.
        given_up: The function was left before its end, because it would have taken too long.
    """

    place: Place
    function: str
    views: tuple[View, ...]
    given_up: bool


def account_of(program: Program, sources: Mapping[str, Source], place: Place) -> Account | None:
    """What is known at a line of a program; ``None`` if nothing is executed there or later in its function."""
    module = next(module for module in program.modules if module.filename == place.filename)
    found = _statements(module, place.line)
    if found is None:
        return None
    index, nodes = found
    witness = _Witness(program, sources, nodes, FunctionSymbol(module, index))
    walk_program(witness)
    function = module.facts.functions[index] if index >= 0 else None
    return Account(
        Place(place.filename, _line(nodes[0])),
        function.qualname if function else "",
        tuple(witness.views()),
        (id(module), index) in witness.unfinished,
    )


class _Witness(Interpreter):
    """Walks a program, and notes what is known around some statements of one function."""

    def __init__(
        self, program: Program, sources: Mapping[str, Source], nodes: Sequence[ir.Statement], function: FunctionSymbol
    ) -> None:
        super().__init__(program)
        self.function = function
        self.relevant.add(function)
        self.sources = sources
        self.first = nodes[0]
        self.last = _end(nodes)
        self.before: dict[int, dict[Names, None]] = {}
        self.after: dict[int, dict[Names, None]] = {}

    def starts(self) -> Iterable[FunctionSymbol]:
        """The function that is looked at is one of them, whatever it does, and the first: callers only add to it."""
        others = [symbol for symbol in super().starts() if symbol != self.function]
        return others if self.function.index < 0 else [self.function, *others]

    def statement(self, node: ir.Statement, state: State, frame: Frame, out: Out) -> list[State]:
        if node is self.first:
            self.before.setdefault(frame.id, {})[self.names(state, frame)] = None
        states = super().statement(node, state, frame, out)
        if node is self.last:
            self.after.setdefault(frame.id, {}).update((self.names(one, frame), None) for one in states)
        return states

    def names(self, state: State, frame: Frame) -> Names:
        values = {**frame.closure, **state.envs.get(frame.id, {})}
        # Others are temporary, or those of comprehensions.
        return names(self.place, state, {name: value for name, value in values.items() if name.isidentifier()})

    def place(self, spot: Spot) -> Place:
        return self.sources[self.frames[spot.frame][2].filename].place(spot.span)

    def views(self) -> Iterator[View]:
        for frame, before in self.before.items():
            yield View(tuple(self.callers(frame)), tuple(before), tuple(self.after.get(frame, ())))

    def callers(self, frame: int) -> Iterator[Place]:
        parent, span, *_ = self.frames[frame]
        while parent >= 0:
            yield self.place(Spot(parent, span))
            parent, span, *_ = self.frames[parent]


def _statements(module: Module, line: int) -> tuple[int, list[ir.Statement]] | None:
    """What is executed at a line, or else next after it in the same function, and the function's index."""
    bodies = [(-1, module.facts.body), *((n, function.body) for n, function in module.all_functions())]
    for index, body in bodies:
        # A function comes before those that stand in it, such as a lambda on the same line.
        if at := [node for node in walk(body) if _line(node) == line]:
            return index, at
    index = _function_at(module, line)
    later = [node for node in walk(dict(bodies)[index]) if _line(node) > line]
    return (index, later[:1]) if later else None


def _end(nodes: Sequence[ir.Statement]) -> ir.Statement | None:
    """The last statement of a line, a comprehension as a whole; ``None`` if a block begins on it."""
    inside = [each for node in nodes for each in walk([node]) if each is not node]
    if any(_line(each) > _line(nodes[0]) for each in inside):
        return None
    return [node for node in nodes if all(node is not each for each in inside)][-1]


def _function_at(module: Module, line: int) -> int:
    """The innermost function around a line; -1 for the module itself."""
    inside = [
        (last - first, index)
        for index, function in enumerate(module.facts.functions)
        for first, _, last, _ in [unpack(function.span)]
        if first <= line <= last
    ]
    return min(inside)[1] if inside else -1


def _line(node: ir.Statement) -> int:
    """The line on which a statement begins; 0 for one that has no place."""
    return unpack(getattr(node, "span", 0))[0]
