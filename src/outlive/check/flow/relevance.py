"""Which functions can matter: those that, themselves or through a call, do something with a session.

One walk, without types: a plain name is resolved, a method is known by its name alone.  A function that is left out is
still interpreted where it is given an object or a session.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from outlive.check import ir
from outlive.check.facts import Function
from outlive.check.program import (
    ClassSymbol,
    External,
    FunctionSymbol,
    GlobalSymbol,
    Module,
    ModuleSymbol,
    Program,
    Symbol,
)

_SESSION_WORDS = frozenset(
    {
        "AsyncSession", "Session", "add_all", "apply_async", "async_sessionmaker", "commit", "delay", "execute",
        "expire", "expire_all", "expunge", "expunge_all", "flush", "get_one", "merge", "query", "refresh", "rollback",
        "run_sync", "scalar", "scalars", "send_task", "session", "sessionmaker", "stream", "stream_scalars",
    }
)  # fmt: skip
_COMMON = frozenset(
    {
        "__init__", "add", "append", "call", "close", "copy", "create", "debug", "decode", "delete", "encode", "error",
        "format", "get", "info", "items", "join", "keys", "load", "main", "next", "open", "pop", "read", "run", "send",
        "set", "split", "start", "stop", "strip", "update", "validate", "values", "wait", "warning", "write",
    }
)  # fmt: skip
"""Names that say nothing about which method is called."""

_ENTERED = ("__init__", "__enter__", "__aenter__")


def relevant_functions(program: Program) -> set[tuple[int, int]]:
    """The functions that can matter, by the identity of their module and their index."""
    waiting: dict[tuple[int, int], set[str]] = {}
    called_as: dict[tuple[int, int], str] = {}
    kept: list[tuple[set[str], str]] = []
    for module in program.modules:
        for index, function in enumerate(module.facts.functions):
            key = (id(module), index)
            waiting[key] = set(_uses(program, module, function))
            called_as[key] = _called_as(module, index, function)
            kept.extend(_kept(program, module, function))
    words = set(_SESSION_WORDS)
    found: set[tuple[int, int]] = set()
    while True:
        words |= {name for called, name in kept if not called.isdisjoint(words)}
        new = [key for key, used in waiting.items() if not used.isdisjoint(words)]
        if not new:
            return found
        for key in new:
            del waiting[key]
            found.add(key)
            words.add(_function(*key))
            words.add(called_as[key])
        words -= _COMMON


def _function(module: int, index: int) -> str:
    return f"{module}:{index}"


def _class(module: int, index: int) -> str:
    return f"{module}:class:{index}"


def _called_as(module: Module, index: int, function: Function) -> str:
    if function.parent < 0:
        return _function(id(module), index)
    return _class(id(module), function.parent) if function.name in _ENTERED else function.name


def _uses(program: Program, module: Module, function: Function) -> Iterator[str]:
    """What a function uses: functions and classes of the program, methods by their names, words about sessions."""
    for parameter in function.parameters:
        if "session" in parameter.name.lower() or (parameter.annotation and "Session" in parameter.annotation.head):
            yield "Session"
    for node in walk(function.body):
        match node:
            case ir.Call():
                yield from _called(program, module, node)
                for operand in (*node.args, *(value for _, value in node.keywords)):
                    if isinstance(operand, str):
                        yield from _named(program, program.name(module, operand))
            case ir.Read(base=base, name=name):
                symbol = program.name(module, base) if isinstance(base, str) else None
                if isinstance(symbol, (ModuleSymbol, External)):
                    yield from _named(program, program.member(symbol, name))
                else:
                    yield name
            case ir.MakeFunction(index=index):
                yield _function(id(module), index)
            case _:
                pass


def _called(program: Program, module: Module, node: ir.Call) -> Iterator[str]:
    if not isinstance(node.base, str):
        return
    if "session" in node.base.lower():
        yield "session"
    symbol = program.name(module, node.base)
    if not node.method:
        yield from _named(program, symbol)
    elif isinstance(symbol, (ModuleSymbol, External)):
        yield from _named(program, program.member(symbol, node.method))
    else:
        yield node.method


def _kept(program: Program, module: Module, function: Function) -> Iterator[tuple[set[str], str]]:
    """What is called, and the attribute that keeps the result: ``self.shop = sessionmaker(engine)``."""
    made: dict[ir.Operand, set[str]] = {}
    for node in walk(function.body):
        match node:
            case ir.Call():
                made[node.target] = set(_called(program, module, node))
            case ir.Store(value=str() as value, name=name) if value in made:
                yield made[value], name
            case _:
                pass


def _named(program: Program, symbol: Symbol | None) -> Iterator[str]:
    match symbol:
        case FunctionSymbol(module=module, index=index):
            yield _function(id(module), index)
        case ClassSymbol():
            for class_ in program.lineage(symbol)[0]:
                yield _class(id(class_.module), class_.index)
            if any(isinstance(base, External) and "Session" in base.last for base in program.lineage(symbol)[1]):
                yield "Session"
        case GlobalSymbol(module=module):
            term = program.global_term(symbol)
            # `get_session_ctx = asynccontextmanager(get_session)` is used as what it wraps.
            for head in (term.head, *(part.text for part in term.parts if term.kind == "call" and part.kind == "name")):
                made = program.resolve(module, head) if head else None
                if not isinstance(made, GlobalSymbol):
                    yield from _named(program, made)
        case External():
            yield symbol.sqlalchemy or symbol.last
        case _:
            pass


def walk(body: Sequence[ir.Statement]) -> Iterator[ir.Statement]:
    """Every statement, those in blocks included."""
    for node in body:
        yield node
        match node:
            case ir.If() | ir.For():
                yield from walk(node.body)
                yield from walk(node.orelse)
            case ir.While():
                yield from walk(node.head)
                yield from walk(node.body)
                yield from walk(node.orelse)
            case ir.With():
                yield from walk(node.body)
            case ir.Try():
                yield from walk(node.body)
                for handler in node.handlers:
                    yield from walk(handler.body)
                yield from walk(node.orelse)
                yield from walk(node.final)
            case _:
                pass
