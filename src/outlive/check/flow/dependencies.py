"""Dependencies of FastAPI: what stands behind a parameter, and what happens after a path operation has returned.

A dependency is called once for a request, however many ask for it; with another scope it is another one.  Code after
its ``yield`` runs before the response is sent, or after it.

Source: FastAPI 0.105 to 0.165, run over a socket; ``scope=`` came with 0.121.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from outlive.check.facts import Parameter
from outlive.check.flow import classes, generators, lifetimes, reads, sessions
from outlive.check.flow.frames import Frame
from outlive.check.flow.generators import How
from outlive.check.flow.log import Note
from outlive.check.flow.meeting import prune
from outlive.check.flow.state import State
from outlive.check.flow.values import UNKNOWN, Context, Factory, FunctionValue, Ref, SessionRef, Spot, Value
from outlive.check.ir import Term
from outlive.check.knowledge import Lender
from outlive.check.program import ClassSymbol, External, FunctionSymbol, GlobalSymbol, Module
from outlive.check.targets import ends_early

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


class Dependency(Struct, frozen=True):
    """``Depends(get_session, scope="function")`` at a parameter.

    Attributes:
        function: What is called: a function, a method, ``__init__`` of a class, ``__call__`` of an instance.
        makes: The class whose instance that needs first; its constructor is called, or the instance is.
        site: The call of ``Depends``, in its module.
        scope: As written; empty where it is not.
        shared: Whoever else asks for it in the same request gets the same.
    """

    function: FunctionValue
    site: Spot
    scope: str
    shared: bool
    makes: ClassSymbol | None = None

    @property
    def name(self) -> str:
        """Under which a request keeps its value."""
        symbol, owner = self.function.symbol, self.function.owner
        of: object = owner.oid if isinstance(owner, Ref) else ""
        if self.makes is not None:
            of = f"{id(self.makes.module)}:{self.makes.index}" if self.is_class else self.site
        return f"%depends {id(symbol.module)}:{symbol.index} {of} {self.lasts_for}"

    @property
    def is_class(self) -> bool:
        """A class is depended on: its instance is what it gives."""
        return self.makes is not None and self.function.symbol.facts.name == "__init__"

    @property
    def parameters(self) -> Sequence[Parameter]:
        """What is asked for to call it."""
        parameters = self.function.symbol.facts.parameters
        return parameters[1:] if self.makes is not None or self.function.owner is not None else parameters

    @property
    def lasts_for(self) -> str:
        """``function`` or ``request``; empty where nothing is done after it."""
        return self.scope or ("request" if self.function.symbol.facts.is_generator else "")


class Entered(Struct, frozen=True):
    """A dependency that waits at its ``yield``."""

    dependency: Dependency
    context: Context


class Lent(Struct, frozen=True):
    """A session that a dependency from a library gives.

    Attributes:
        name: Of the dependency.
        site: The call of ``Depends``, in its module.
        scope: As written; empty where it is not.
        lender: What is known of it.
    """

    name: str
    site: Spot
    scope: str
    lender: Lender


class Leaving(Struct, frozen=True):
    """The dependency that goes on after its ``yield``, when the response has been sent.

    Attributes:
        frame: Its frame.
        operation: Name of the path operation that has returned.
        unsaved: Where that has made changes that it has not saved.
    """

    frame: int
    operation: str
    unsaved: frozenset[Spot]


def of_parameter(run: Interpreter, module: Module, parameter: Parameter) -> Dependency | None:
    """What FastAPI calls for it: a function or a class of the program."""
    asked = _asked(run, module, parameter)
    return _dependency(run, *asked) if asked is not None else None


def of_library(run: Interpreter, module: Module, parameter: Parameter) -> Lent | None:
    """What FastAPI calls for it, if that is a function of a library that gives a session."""
    asked = _asked(run, module, parameter) if run.knowledge.lenders else None
    if asked is None or not asked[1].parts:
        return None
    module, term, _ = asked
    called = run.program.resolve(module, term.parts[0].text)
    lender = run.knowledge.lenders.get(called.dotted) if isinstance(called, External) else None
    if lender is None or not isinstance(called, External):
        return None
    scope = term.keyword("scope")
    return Lent(called.last, Spot(run.frame_id(-1, 0, module, -1), term.span), scope.text if scope else "", lender)


def _asked(run: Interpreter, module: Module, parameter: Parameter) -> tuple[Module, Term, Term | None] | None:
    """``= Depends(f)``, ``Annotated[T, Depends(f)]``, an alias of that: where it stands, and the type beside it."""
    default, annotation = parameter.default, parameter.annotation
    if default is not None and _is_depends(default):
        return module, default, annotation
    seen = 0
    while annotation is not None and seen < 3:
        if annotation.kind == "item" and annotation.head.endswith("Annotated"):
            found = next((part for part in annotation.parts[1:] if _is_depends(part)), None)
            return (module, found, annotation.parts[0]) if found is not None else None
        symbol = run.program.resolve(module, annotation.head) if annotation.head else None
        if not isinstance(symbol, GlobalSymbol):
            return None
        module, annotation = symbol.module, run.program.global_term(symbol)
        seen += 1
    return None


def _is_depends(term: Term) -> bool:
    return term.kind == "call" and term.head.rpartition(".")[2] in ("Depends", "Security")


def _dependency(run: Interpreter, module: Module, term: Term, annotation: Term | None) -> Dependency | None:
    """``Depends()`` asks for what the annotation names."""
    called = term.parts[0] if term.parts else term.keyword("dependency") or annotation
    found = _called(run, module, called) if called is not None else None
    if found is None:
        return None
    site = Spot(run.frame_id(-1, 0, module, -1), term.span)
    scope, cached, needed = term.keyword("scope"), term.keyword("use_cache"), term.keyword("scopes")
    shared = (cached is None or cached.text == "True") and needed is None
    return Dependency(found[0], site, scope.text if scope else "", shared, found[1])


def provided(run: Interpreter, module: Module, term: Term) -> Dependency | None:
    """What Litestar calls: ``Provide(get_session)``, or the function itself."""
    if term.kind == "call" and term.head.rpartition(".")[2] == "Provide":
        called = term.parts[0] if term.parts else term.keyword("dependency")
    else:
        called = term
    found = _called(run, module, called) if called is not None else None
    if found is None:
        return None
    return Dependency(found[0], Spot(run.frame_id(-1, 0, module, -1), term.span), "function", True, found[1])


def _called(run: Interpreter, module: Module, term: Term) -> tuple[FunctionValue, ClassSymbol | None] | None:
    """What a dependency is: a function, a class, an instance that is called, or a method of one."""
    head, _, last = term.text.rpartition(".")
    symbol = run.program.resolve(module, term.text) if term.kind in ("name", "call") else None
    if isinstance(symbol, FunctionSymbol) and term.kind == "name":
        return FunctionValue(symbol), None
    if isinstance(symbol, ClassSymbol):
        name = "__init__" if term.kind == "name" else "__call__"
        method = reads.method(run, symbol, name)
        known = run.entities.get(symbol) is None and classes.session_class(run, symbol) is None
        return (FunctionValue(method), symbol) if method is not None and known else None
    if term.kind != "name":
        return None
    if symbol is None and head:
        symbol = run.program.resolve(module, head)
    else:
        last = "__call__"
    instance = run.symbol_value(symbol) if isinstance(symbol, GlobalSymbol) else UNKNOWN
    plain = run.global_plains.get(instance.oid) if isinstance(instance, Ref) else None
    method = reads.method(run, plain.symbol, last) if plain is not None else None
    return (FunctionValue(method, instance), None) if method is not None else None


def of_function(run: Interpreter, symbol: FunctionSymbol) -> Dependency:
    """A function, or a method of an instance, that is called as dependencies are."""
    owner = ClassSymbol(symbol.module, symbol.facts.parent) if symbol.facts.parent >= 0 else None
    return Dependency(FunctionValue(symbol), Spot(run.frame_id(-1, 0, symbol.module, -1), 0), "", True, owner)


def known(state: State, root: Frame, dependency: Dependency) -> Value | None:
    """What the same request has got from it already."""
    return state.envs[root.id].get(dependency.name) if dependency.shared else None


def sites(run: Interpreter) -> Iterator[tuple[Dependency, FunctionSymbol]]:
    """Every dependency of the program, and what asks for it."""
    for module in run.program.modules:
        for index, function in module.all_functions():
            for parameter in function.parameters:
                found = of_parameter(run, module, parameter)
                if found is not None:
                    yield found, FunctionSymbol(module, index)


def lend(run: Interpreter, state: State, lent: Lent) -> SessionRef:
    """The session that a dependency from a library gives: the same for all that ask for it in a request."""
    frame = Frame(lent.site.frame, run.frames[lent.site.frame][2], None, {}, 0)
    sid = run.identity("session", lent.site)
    if sid not in state.sessions:
        made = Factory(lent.lender.asynchronous, lent.lender.expires, "")
        sid = sessions.open_session(run, state, frame, made, lent.site.span).sid
    run.lent[sid] = lent
    return SessionRef(sid)


def note_mixed(run: Interpreter, root: Frame, states: Iterable[State], operation: str) -> None:
    """One dependency that gives a request two sessions, because it is asked for with two scopes."""
    env = next((state.envs[root.id] for state in states), None) or dict[str, Value]()
    shared = [entered.dependency for entered in run.entered if entered.dependency.shared]
    for short in shared:
        for long in shared:
            scopes = short.lasts_for, long.lasts_for
            if scopes == ("function", "request") and short.function.symbol == long.function.symbol:
                given = env.get(short.name), env.get(long.name)
                if all(isinstance(value, SessionRef) for value in given):
                    run.log.add(
                        Note("mixed", short.site, operation, use=long.site, text=short.function.symbol.facts.name)
                    )


def leave(run: Interpreter, root: Frame, states: Iterable[State], operation: str) -> None:
    """The dependencies of a path operation go on after their ``yield``, the last one first."""
    ends = [state.fork() for state in states]
    changed = {session.unsaved for state in ends for session in state.sessions.values()}
    unsaved = frozenset(spot for spot in changed if spot is not None)
    if not unsaved:
        return
    for entered in reversed(run.entered):
        frame = generators.frame_of(run, entered.context)
        is_late = not entered.dependency.scope and not ends_early(run.fastapi)
        run.leaving = Leaving(frame, operation, unsaved) if is_late else None
        ends = _resumed(run, entered, root, ends)
    run.leaving = None
    for sid, lent in run.lent.items():
        if lent.lender.commits and not lent.scope and not ends_early(run.fastapi):
            for state in states:
                use = state.sessions[sid].unsaved if sid in state.sessions else None
                if use is not None:
                    run.log.add(Note("commit", lent.site, operation, cause=lent.site, use=use, text=lent.name))


def left(run: Interpreter, root: Frame, states: Iterable[State], *, early: bool = False) -> list[State]:
    """The states of a path operation when its dependencies have ended, too; ``early``: before the body is sent."""
    ends = [state.fork() for state in states]
    for entered in reversed(run.entered):
        scope = entered.dependency.scope
        if not early or scope == "function" or (not scope and ends_early(run.fastapi)):
            ends = _resumed(run, entered, root, ends)
    for sid, lent in run.lent.items():
        if not early or lent.scope == "function" or (not lent.scope and ends_early(run.fastapi)):
            for state in ends:
                _take_back(state, sid, lent)
    return ends


def _take_back(state: State, sid: int, lent: Lent) -> None:
    if sid in state.sessions:
        if lent.lender.commits:
            lifetimes.commit(state, sid, lent.site)
        lifetimes.close(state, sid, lent.site, left=True)


def _resumed(run: Interpreter, entered: Entered, root: Frame, ends: list[State]) -> list[State]:
    """The states after the rest of a dependency."""
    return prune([after for one in ends for after in generators.finish(run, entered.context, one, root, How.END)[0]])


def forget_changes(states: Iterable[State]) -> None:
    """What dependencies have changed before a path operation begins is their own business."""
    for state in states:
        for sid, session in state.sessions.items():
            if session.unsaved is not None or session.saves:
                state.sessions[sid] = replace(session, unsaved=None, saves=False)
