"""What the resolvers of a GraphQL schema share: the context, which a function makes once for each request.

The fields of a query are resolved at the same time, and so are those of each object in a list; a client may ask for one
field under several names.  Only the fields of a mutation are resolved one after the other.

Source: Strawberry 0.341 with graphql-core 3.3, run with FastAPI and SQLAlchemy 2.0 and 2.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from outlive.check import ir
from outlive.check.flow import calls, queries
from outlive.check.flow.arguments import Given
from outlive.check.flow.elements import item
from outlive.check.flow.frames import Frame, Pairs, outermost, within
from outlive.check.flow.log import Meeting, Note
from outlive.check.flow.observations import Meets
from outlive.check.flow.relevance import walk
from outlive.check.flow.state import Session, State
from outlive.check.flow.values import UNKNOWN, FunctionValue, Many, MethodValue, Spot, Value
from outlive.check.ir import Term
from outlive.check.program import ClassSymbol, External, FunctionSymbol, GlobalSymbol, Module, Program, Symbol

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

INFO = External("strawberry.types.info.Info()")
_INFOS = frozenset({"strawberry.Info", "strawberry.types.Info", "strawberry.types.info.Info"})
_FIELDS = frozenset({"strawberry.field"})
_GETTER = "context_getter"
_IN_TURN = ("mutation", "subscription")
"""Of a schema: what is resolved one by one."""

_CONTEXT = "%graphql context"
LOADER = "%loader"
LOADS = frozenset({"load", "load_many"})


class Resolvers:
    """Which functions resolve fields, and which one makes the context that they are given."""

    def __init__(self, program: Program) -> None:
        self.program = program
        imports = (name for module in program.modules for name in module.facts.imports.values())
        self.is_used = any(name.partition(".")[0] == "strawberry" for name in imports)

    @cached_property
    def getter(self) -> FunctionSymbol | None:
        """``GraphQLRouter(schema, context_getter=get_context)``; ``None`` where there are several."""
        found = set(self._given(_GETTER))
        one = found.pop() if len(found) == 1 else None
        return one if isinstance(one, FunctionSymbol) else None

    @cached_property
    def fields(self) -> frozenset[FunctionSymbol]:
        """The functions that resolve fields at the same time as others."""
        found: set[FunctionSymbol] = set()
        for class_ in {*self.program.classes()} - self._in_turn if self.getter is not None else ():
            module, facts = class_.module, class_.facts
            for symbol in (FunctionSymbol(module, index) for index in facts.methods.values()):
                if any(self.program.is_one_of(module, each, _FIELDS) for each in symbol.facts.decorators):
                    found.add(symbol)
            for attribute in facts.attributes:
                if attribute.value is not None and self.program.is_one_of(module, attribute.value, _FIELDS):
                    found.update(self._resolvers(module, attribute.value.keyword("resolver") or attribute.value))
        return frozenset(found)

    @cached_property
    def takers(self) -> frozenset[FunctionSymbol]:
        """The functions that are given the context."""
        return frozenset(
            symbol
            for symbol in (self.program.functions() if self.getter is not None else ())
            if any(self.is_info(symbol.module, parameter.annotation) for parameter in symbol.facts.parameters)
        )

    def links(self) -> Iterator[tuple[FunctionSymbol, FunctionSymbol]]:
        """Every function that is given the context, with the one that makes it."""
        for taker in self.takers:
            assert self.getter is not None
            yield taker, self.getter

    def is_info(self, module: Module, annotation: Term | None) -> bool:
        """``info: strawberry.Info``, ``Info[Context, None]``, or a name for that."""
        symbol = self.program.resolve(module, annotation.head) if annotation is not None and annotation.head else None
        if isinstance(symbol, GlobalSymbol):
            module, annotation = symbol.module, self.program.global_term(symbol)
        return annotation is not None and self.program.is_one_of(module, annotation, _INFOS)

    def digest(self) -> str:
        """Of what stands in functions, which is all that walks depend on besides their own files."""
        made = (self.getter.module.filename, self.getter.facts.qualname) if self.getter is not None else None
        return repr((made, sorted((each.module.filename, each.facts.qualname) for each in self._in_turn)))

    @cached_property
    def _in_turn(self) -> frozenset[ClassSymbol]:
        """Types whose fields are resolved one by one."""
        named = [each for word in _IN_TURN for each in self._given(word) if isinstance(each, ClassSymbol)]
        return frozenset(base for class_ in named for base in self.program.lineage(class_)[0])

    def _given(self, word: str) -> Iterator[Symbol | None]:
        """What stands for names that are given to a call under a keyword, anywhere in the program."""
        for module in self.program.modules if self.is_used else ():
            for body in module.bodies_with(word):
                for node in walk(body):
                    for name, value in node.keywords if isinstance(node, ir.Call) else ():
                        if name == word:
                            yield self.program.resolve(module, value) if isinstance(value, str) else None

    def _resolvers(self, module: Module, term: Term) -> Iterator[FunctionSymbol]:
        """``list_books``, ``logged(list_books)``"""
        for one in (term, *term.parts):
            found = self.program.resolve(module, one.text) if one.kind == "name" else None
            if isinstance(found, FunctionSymbol):
                yield found


def keep(state: State, root: Frame, context: Value) -> None:
    """What is behind ``info.context`` in this request."""
    state.own(root.id)[_CONTEXT] = context


def context(run: Interpreter, state: State, frame: Frame) -> Value:
    """``info.context``"""
    return state.envs.get(outermost(run.frames, frame.id), {}).get(_CONTEXT, UNKNOWN)


def shared(run: Interpreter, root: Frame, came: Mapping[int, Session]) -> None:
    """Note the first use of each session that has come with the context: others use it meanwhile."""
    getter = run.resolvers.getter
    assert getter is not None
    made = Spot(run.frame_id(-1, 0, getter.module, -1), getter.facts.span)
    noted: set[int] = set()
    for use in run.uses.values():
        session = came.get(use.sid)
        if session is None or not session.is_async or use.sid in noted:
            continue
        if use.is_clumsy or use.is_first:
            noted.add(use.sid)
            left = run.left_at.get(use.sid)
            meeting = Meeting(made, use.spot, use.spot, Meets.RESOLVED, left)
            run.log.add(Note("shared", within(run.frames, use.spot, root.id), "", session=session, meeting=meeting))


def loader(work: Value) -> Value:
    """``DataLoader(load_authors)``"""
    return MethodValue(work, LOADER) if isinstance(work, FunctionValue) else UNKNOWN


def loaded(run: Interpreter, node: ir.Call, given: Given, function: FunctionValue) -> Pairs:
    """``await loader.load(key)``, ``await loader.load_many(keys)``: what the load function returns, when it is done."""
    others, run.uses = run.uses, {}  # One batch serves all who have asked.
    keys = Given(given.state, given.frame, [Many(UNKNOWN)], [], starred=False, out=given.out)
    pairs = calls.apply(run, function, keys.args, keys.keywords, keys, node.span)
    run.uses = others
    done: Pairs = []
    for state, value in pairs:
        one = item(queries.iterated(run, value, state, given.frame, node.span), UNKNOWN)
        done.append((state, Many(one) if node.method == "load_many" else one))
    return done
