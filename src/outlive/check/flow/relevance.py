"""Which functions can matter: those that, themselves or through a call, do something with a session.

By name alone, so that it costs one walk.  A function that is left out is still interpreted where it is given an object
or a session.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from outlive.check import ir
from outlive.check.program import Module, Program

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
"""Names that say nothing about which function is called."""


def relevant_functions(program: Program) -> set[tuple[int, int]]:
    """The functions that can matter, by the identity of their module and their index."""
    names: dict[tuple[int, int], set[str]] = {}
    called_as: dict[tuple[int, int], str] = {}
    for module in program.modules:
        for index, function in enumerate(module.facts.functions):
            key = (id(module), index)
            names[key] = set(_names(function.body))
            for parameter in function.parameters:
                if parameter.annotation is not None and "Session" in parameter.annotation.head:
                    names[key].add("Session")
            owner = module.facts.classes[function.parent].name if function.parent >= 0 else ""
            called_as[key] = owner if function.name in ("__init__", "__enter__", "__aenter__") else function.name
            for nested in _nested(function.body):
                names[key].add(f"{id(module)}:{nested}")
            names[key].discard("")
    made = [pair for module in program.modules for pair in _bindings(module)]
    words = set(_SESSION_WORDS)
    found: set[tuple[int, int]] = set()
    waiting = dict(names)
    while True:
        words |= {name for called, name in made if called in words}
        new = [key for key, used in waiting.items() if not used.isdisjoint(words)]
        if not new:
            return found
        for key in new:
            del waiting[key]
            found.add(key)
            words.add(f"{key[0]}:{key[1]}")
            if called_as[key] not in _COMMON:
                words.add(called_as[key])


def _bindings(module: Module) -> Iterable[tuple[str, str]]:
    """What is called, and the name or attribute that keeps the result: ``Session = sessionmaker(engine)``."""
    for body in (module.facts.body, *(function.body for function in module.facts.functions)):
        called: dict[str, str] = {}
        for node in _walk(body):
            if isinstance(node, ir.Call):
                called[node.target] = node.method or (node.base if isinstance(node.base, str) else "")
                if not node.target.startswith("%"):
                    yield called[node.target], node.target
            elif isinstance(node, ir.Bind | ir.Store) and isinstance(node.value, str) and node.value in called:
                yield called[node.value], node.target if isinstance(node, ir.Bind) else node.name


def _names(body: Sequence[ir.Statement]) -> Iterable[str]:
    for node in _walk(body):
        if isinstance(node, ir.Call):
            yield node.method or (node.base if isinstance(node.base, str) else "")
            if isinstance(node.base, str) and "session" in node.base.lower():
                yield "session"
            for arg in node.args:
                if isinstance(arg, str):
                    yield arg
        elif isinstance(node, ir.Read):
            yield node.name


def _nested(body: Sequence[ir.Statement]) -> Iterable[int]:
    return (node.index for node in _walk(body) if isinstance(node, ir.MakeFunction))


def _walk(body: Sequence[ir.Statement]) -> Iterable[ir.Statement]:
    for node in body:
        yield node
        match node:
            case ir.If() | ir.For():
                yield from _walk(node.body)
                yield from _walk(node.orelse)
            case ir.While():
                yield from _walk(node.head)
                yield from _walk(node.body)
                yield from _walk(node.orelse)
            case ir.With():
                yield from _walk(node.body)
            case ir.Try():
                yield from _walk(node.body)
                for handler in node.handlers:
                    yield from _walk(handler.body)
                yield from _walk(node.orelse)
                yield from _walk(node.final)
            case _:
                pass
