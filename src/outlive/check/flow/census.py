"""How much of a program was understood: counted while it is walked, so that silence means something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from outlive.check import ir
from outlive.check.flow.frames import Frame, Out
from outlive.check.flow.interpreter import Interpreter
from outlive.check.flow.state import State
from outlive.check.flow.values import ClassValue, Factory, Query, Ref, SessionRef, Unknown, Value
from outlive.check.knowledge import Knowledge
from outlive.check.program import FunctionSymbol, Program
from outlive.check.targets import NEWEST, Version
from outlive.check.templates import Templates

_UNMISTAKABLE = frozenset({"commit", "expire_all", "expunge", "expunge_all", "flush", "rollback", "scalars"})
"""Methods that tell a session where nothing else does."""
_RUNS = frozenset({"exec", "execute", "get", "get_one", "scalar", "scalars", "stream", "stream_scalars"})
_RESULTS = frozenset({"all", "first", "one", "one_or_none", "scalar"})
"""Methods with which a legacy query runs."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many of something are known.

    Attributes:
        known: That many,
        all: of that many.
    """

    known: int
    all: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a program was understood; places in the source, each counted once, known if it is so on any path.

    Attributes:
        functions: Functions that work with sessions, or call what does; known are those that were followed to the end.
        sessions: Uses of sessions; known if it is known which one, and whether its commit expires.
        queries: Queries that run; known if it is known what they load.
        objects: Reads of mapped attributes; known if it is known whether there is a value.
        calls: Calls; known if it is known what is called.
        given_up: Functions that were left before their end, because they have too many paths: file and name.
    """

    functions: Share
    sessions: Share
    queries: Share
    objects: Share
    calls: Share
    given_up: tuple[tuple[str, str], ...]


class Census(Interpreter):
    """Walks a program, and counts what it knows on the way."""

    def __init__(
        self,
        program: Program,
        fastapi: Version = NEWEST,
        known: Knowledge | None = None,
        templates: Templates | None = None,
    ) -> None:
        self.sessions: dict[int, bool] = {}
        self.queries: dict[int, bool] = {}
        self.reads: dict[int, bool] = {}
        self.calls: dict[int, bool] = {}
        self.started: set[tuple[int, int]] = set()
        super().__init__(program, fastapi, known, templates)

    def starts(self) -> Iterable[FunctionSymbol]:
        """All that can matter: what was not understood shows where no session was seen, too."""
        for module in self.program.modules:
            for index, _ in module.all_functions():
                if (id(module), index) in self.relevant:
                    self.started.add((id(module), index))
                    yield FunctionSymbol(module, index)

    def statement(self, node: ir.Statement, state: State, frame: Frame, out: Out) -> list[State]:
        match node:
            case ir.Call():
                self.count_call(node, state, frame)
            case ir.Read():
                self.count_read(node, state, frame)
            case _:
                pass
        return super().statement(node, state, frame, out)

    def count_call(self, node: ir.Call, state: State, frame: Frame) -> None:
        base = self.value(node.base, state, frame)
        _count(self.calls, node, not isinstance(base, Unknown))
        match base:
            case SessionRef() | Factory(scoped=True):
                expires = base.expires if isinstance(base, Factory) else state.sessions[base.sid].expires
                _count(self.sessions, node, expires is not None)
                if node.method in _RUNS and node.args:
                    _count(self.queries, node, _is_known(self.value(node.args[0], state, frame)))
            case Query(kind="query") if node.method in _RESULTS:
                _count(self.queries, node, _is_known(base))
            case Unknown() if node.method in _UNMISTAKABLE:
                _count(self.sessions, node, known=False)
            case _:
                pass

    def count_read(self, node: ir.Read, state: State, frame: Frame) -> None:
        base = self.value(node.base, state, frame)
        obj = state.object(base.oid) if isinstance(base, Ref) else None
        if obj is not None and (node.name in obj.entity.columns or node.name in obj.entity.relationships):
            _count(self.reads, node, not obj.status(node.name).vague)

    def coverage(self) -> Coverage:
        """What was counted."""
        modules = {id(module): module for module in self.program.modules}
        given_up = [
            (modules[module].filename, modules[module].function(index).qualname)
            for module, index in self.unfinished
            if index >= 0
        ]
        every = len(self.started)
        followed = every - len(given_up)
        return Coverage(
            functions=Share(followed, every),
            sessions=_share(self.sessions),
            queries=_share(self.queries),
            objects=_share(self.reads),
            calls=_share(self.calls),
            given_up=tuple(sorted(given_up)),
        )


def _count(seen: dict[int, bool], node: ir.Statement, known: bool) -> None:
    seen[id(node)] = known or seen.get(id(node), False)


def _share(seen: dict[int, bool]) -> Share:
    return Share(sum(seen.values()), len(seen))


def _is_known(query: Value) -> bool:
    """Whether it is known what running it loads."""
    return isinstance(query, ClassValue) or (
        isinstance(query, Query) and not any(isinstance(entity, Unknown) for entity in query.entities)
    )
