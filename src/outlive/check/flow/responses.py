"""What a web framework reads from the object that a path operation returns.

FastAPI turns it into its response model right after the function returns, before dependencies with ``yield`` go on:
every declared field is read, and an async session cannot load for it.

Source: FastAPI 0.105 to 0.165, run; the schema is read with ``from_attributes`` whether it says so or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from outlive.check.flow import classes, orphans
from outlive.check.flow.frames import Frame, Pairs
from outlive.check.flow.values import Const, Many, Value
from outlive.check.ir import Term
from outlive.check.program import ClassSymbol, External, FunctionSymbol, GlobalSymbol

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_ROUTES = frozenset({"get", "post", "put", "patch", "delete", "api_route"})
_APPLICATIONS = frozenset({"APIRouter", "FastAPI"})
_COLLECTIONS = frozenset({"list", "List", "Sequence", "Iterable", "set", "tuple"})


def returned(run: Interpreter, symbol: FunctionSymbol, frame: Frame, returns: Pairs) -> None:
    """Read what the response model of a path operation declares."""
    model = next(_models(run, symbol), None)
    schema, is_many = _schema(run, symbol, model) if model is not None else (None, False)
    if schema is None or run.entities.get(schema) is not None:
        return
    for state, value in returns:
        span = state.envs.get(frame.id, {}).get(orphans.RETURN)
        one = _one(value, is_many)
        if one is not None and isinstance(span, Const) and isinstance(span.value, int):
            classes.read_fields(run, [state], frame, schema, one, span.value)


def _one(value: Value, is_many: bool) -> Value | None:
    if not is_many:
        return None if isinstance(value, Many) else value
    return value.element if isinstance(value, Many) else None


def _models(run: Interpreter, symbol: FunctionSymbol) -> Iterator[Term]:
    """The response models of its routes, in the order of precedence."""
    for decorator in symbol.facts.decorators:
        owner, _, method = decorator.head.rpartition(".")
        if decorator.kind == "call" and method in _ROUTES and _is_application(run, symbol, owner):
            given = decorator.keyword("response_model") or symbol.facts.returns
            if decorator.keyword("response_class") is None and given is not None:
                yield given


def _is_application(run: Interpreter, symbol: FunctionSymbol, name: str) -> bool:
    found = run.program.resolve(symbol.module, name) if name else None
    if not isinstance(found, GlobalSymbol):
        return False
    made = run.program.resolve(found.module, run.program.global_term(found).head)
    bases = run.program.lineage(made)[1] if isinstance(made, ClassSymbol) else [made]
    return any(isinstance(base, External) and base.last in _APPLICATIONS for base in bases)


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
