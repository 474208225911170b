"""What a web framework reads from the object that a path operation returns.

FastAPI turns it into its response model right after the function returns, before dependencies with ``yield`` go on:
every declared field is read, and an async session cannot load for it.

Strawberry resolves the fields of the object that a resolver returns in the same way.

A ``SessionRoute`` of ours commits in between, so what was added has its key by then.

Source: FastAPI 0.105 to 0.165, run; the schema is read with ``from_attributes`` whether it says so or not.
Strawberry 0.341, run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from outlive.check.flow import dumps, identity_map, lifetimes, orphans, schemas
from outlive.check.flow.frames import Frame, Pairs
from outlive.check.flow.state import State
from outlive.check.flow.values import Const, Many, Spot, Value
from outlive.check.ir import Term
from outlive.check.program import ClassSymbol, External, FunctionSymbol, GlobalSymbol, Module, Program

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_ROUTES = frozenset({"get", "post", "put", "patch", "delete", "api_route"})
_APPLICATIONS = frozenset({"APIRouter", "FastAPI"})
_ROUTE_CLASS = "outlive.integrations.fastapi.SessionRoute"
_RESOLVERS = frozenset({"strawberry.field", "strawberry.mutation"})
_COLLECTIONS = frozenset({"list", "List", "Sequence", "Iterable", "set", "tuple"})


def routes(run: Interpreter, symbol: FunctionSymbol) -> Iterator[Term]:
    """The decorators that make a function a path operation."""
    for decorator in symbol.facts.decorators:
        owner, _, method = decorator.head.rpartition(".")
        if decorator.kind == "call" and method in _ROUTES and is_application(run, symbol.module, owner, _APPLICATIONS):
            yield decorator


def returned(
    run: Interpreter,
    symbol: FunctionSymbol,
    routes: Sequence[Term],
    frame: Frame,
    returns: Pairs,
    held: AbstractSet[int],
) -> None:
    """Read what the response model of a path operation declares, when its own names hold nothing any longer."""
    if any(route.keyword("response_class") is not None for route in routes):
        return
    if run.commits_before_responses:
        _flush(returns, symbol)
    model = next(_models(symbol, routes), None)
    is_open = model is None or model.text == "None"
    schema, is_many = (None, False) if model is None else _schema(run, symbol, model)
    for state, value in returns:
        span = state.envs.get(frame.id, {}).get(orphans.RETURN)
        if not isinstance(span, Const) or not isinstance(span.value, int):
            continue
        identity_map.let_go(run, state, frame, value, held)
        one = value if is_open else _one(value, is_many)
        if is_open or (schema is not None and one is not None and _is_instance(state, one, schema)):
            dumps.dumped(run, state, one or value, Spot(frame.id, span.value), "return")
        elif schema is not None and one is not None and run.entities.get(schema) is None:
            schemas.read_fields(run, [state], frame, schema, one, span.value)


def resolves(run: Interpreter, symbol: FunctionSymbol) -> bool:
    """Whether a function is a resolver of Strawberry: ``@strawberry.field``."""
    return any(run.program.is_one_of(symbol.module, each, _RESOLVERS) for each in symbol.facts.decorators)


def resolved(run: Interpreter, symbol: FunctionSymbol, frame: Frame, returns: Pairs) -> None:
    """Read what the type that a resolver returns declares: its fields are resolved when that is done."""
    schema, is_many = _schema(run, symbol, symbol.facts.returns) if symbol.facts.returns is not None else (None, False)
    for state, value in returns if schema is not None and schemas.library_of(run, schema) == "strawberry" else ():
        span = state.envs.get(frame.id, {}).get(orphans.RETURN)
        one = _one(value, is_many)
        if schema is not None and one is not None and isinstance(span, Const) and isinstance(span.value, int):
            schemas.read_fields(run, [state], frame, schema, one, span.value)


def commit_first(program: Program) -> bool:
    """Whether the path operations of a program are ``SessionRoute``s; some of them will do."""
    return any(_ROUTE_CLASS in module.facts.imports.values() for module in program.modules)


def _flush(returns: Pairs, symbol: FunctionSymbol) -> None:
    """What that commit does for the response; its sessions expire nothing."""
    for state, _ in returns:
        for sid in state.sessions:
            lifetimes.flush(state, sid, Spot(symbol.index, 0))
            for oid, _ in list(state.of_session(sid)):
                lifetimes.doubt_flush(state, oid)


def _is_instance(state: State, value: Value, schema: ClassSymbol) -> bool:
    held = [state.object(oid) for oid in lifetimes.refs(value)]
    return bool(held) and all(obj is not None and schema in obj.entity.lineage for obj in held)


def _one(value: Value, is_many: bool) -> Value | None:
    if not is_many:
        return None if isinstance(value, Many) else value
    return value.element if isinstance(value, Many) else None


def _models(symbol: FunctionSymbol, routes: Sequence[Term]) -> Iterator[Term]:
    """The response models of its routes, in the order of precedence."""
    for decorator in routes:
        given = decorator.keyword("response_model") or symbol.facts.returns
        if given is not None:
            yield given


def is_application(run: Interpreter, module: Module, name: str, classes: Collection[str]) -> bool:
    """Whether a name stands for an instance of one of these classes of a library."""
    found = run.program.resolve(module, name) if name else None
    if not isinstance(found, GlobalSymbol):
        return False
    made = run.program.resolve(found.module, run.program.global_term(found).head)
    bases = run.program.lineage(made)[1] if isinstance(made, ClassSymbol) else [made]
    return any(isinstance(base, External) and base.last in classes for base in bases)


def _schema(run: Interpreter, symbol: FunctionSymbol, term: Term) -> tuple[ClassSymbol | None, bool]:
    """The class that a response model names, and whether there is a list of them."""
    last = term.head.rpartition(".")[2]
    if term.kind == "item" and last in _COLLECTIONS and term.parts:
        return _schema(run, symbol, term.parts[0])[0], True
    if term.kind == "item" and last in ("Optional", "Annotated") and term.parts:
        return _schema(run, symbol, term.parts[0])
    if term.kind == "group":
        known = [part for part in term.parts if part.text != "None"]
        return _schema(run, symbol, known[0]) if len(known) == 1 else (None, False)
    found = run.program.resolve(symbol.module, term.text) if term.kind == "name" else None
    return (found if isinstance(found, ClassSymbol) else None), False
