"""Which calls can matter: those of functions that, themselves or through a call, do something with a session.

Those that make a mapped object do, too: whoever gets it can add it.

Decided on the names in their text, without types: a plain name is resolved, a method is known by its name alone.  A
function that is left out is still interpreted where it is given an object or a session.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from outlive.check import ir
from outlive.check.entities import Entities
from outlive.check.facts import Function
from outlive.check.flow.mentions import Mentioned, Mentions
from outlive.check.ir import Term
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
from outlive.check.remembered import digest_of

_SESSION_WORDS = frozenset(
    {
        "AsyncSession", "Session", "add_all", "async_scoped_session", "async_sessionmaker", "commit", "execute",
        "expire", "expire_all", "expunge", "expunge_all", "flush", "get_one", "listen", "listens_for", "merge",
        "open_async_session", "open_session", "query", "refresh", "rollback", "run_sync", "scalar", "scalars",
        "scoped_session", "session", "sessionmaker", "stream", "stream_scalars",
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

_KEPT = re.compile(r"\.(\w+)\s*=\s*(?:await\s+)?([^\W\d][\w.]*)\(")
"""The attribute that keeps a result, and what is called: ``self.shop = sessionmaker(engine)``."""

_ENTERED = ("__init__", "__enter__", "__aenter__", "__call__")


class Relevance:
    """The functions that can matter, by the identity of their module and their index.

    Attributes:
        digest: That of all answers, for those who keep what depends on them.
    """

    def __init__(self, program: Program, mentions: Mentions, entities: Entities, senders: Collection[str]) -> None:
        self.program = program
        self._mentions = mentions
        self._modules = {id(module): module for module in program.modules}
        self._named: dict[tuple[int, str], frozenset[str]] = {}
        self._found: dict[tuple[int, int], bool] = {}
        waiting: dict[tuple[int, int], set[str]] = {}
        kept: list[tuple[frozenset[str], str]] = []
        for module in program.modules:
            for index, function in enumerate(module.facts.functions):
                mentioned = mentions.of(module, function)
                waiting[id(module), index] = self._uses(module, function, mentioned)
                kept.extend(
                    (self._all(module, chain), name)
                    for name, chain in (_KEPT.findall(function.text) if "=" in function.text else ())
                )
        self._words = {*_SESSION_WORDS, *senders, *_mapped(program, entities)}
        self._spread(waiting, kept)
        self.digest = self._digest()

    def _spread(self, waiting: dict[tuple[int, int], set[str]], kept: Sequence[tuple[frozenset[str], str]]) -> None:
        """Functions that use one that matters matter, too."""
        words = self._words
        while True:
            words |= {name for called, name in kept if not called.isdisjoint(words)}
            new = [key for key, used in waiting.items() if not used.isdisjoint(words)]
            if not new:
                break
            for key in new:
                del waiting[key]
                self._found[key] = True
                words.add(_function(*key))
                words.add(_called_as(self._modules[key[0]], key[1]))
            words -= _COMMON
        self._found.update(dict.fromkeys(waiting, False))

    def _digest(self) -> bytes:
        """A digest of the answers, the same in every run."""
        names = {key: module.filename for key, module in self._modules.items()}
        found = [f"{names[module]} {index}" for (module, index), matters in self._found.items() if matters]
        return digest_of([*found, *sorted(word for word in self._words if ":" not in word)])

    def __contains__(self, key: tuple[int, int]) -> bool:
        found = self._found.get(key)
        if found is None:
            module = self._modules[key[0]]
            function = module.function(key[1])
            uses = self._uses(module, function, self._mentions.of(module, function))
            found = self._found[key] = not uses.isdisjoint(self._words)
        return found

    def add(self, symbol: FunctionSymbol) -> None:
        """Have it matter, whatever it does."""
        self._found[id(symbol.module), symbol.index] = True

    def _uses(self, module: Module, function: Function, mentioned: Mentioned) -> set[str]:
        """What a function uses: functions and classes of the program, methods by their names, words about sessions."""
        uses = mentioned.attributes.copy()
        for chain in mentioned.chains:
            uses |= self._all(module, chain)
        if mentioned.sessions:
            uses.add("session")
        for parameter in function.parameters:
            if parameter.annotation is not None:
                uses.update(self._depended(module, parameter.annotation))
        return uses

    def _all(self, module: Module, chain: str) -> frozenset[str]:
        """What a chain of names leads to at the top level of a module."""
        key = id(module), chain
        found = self._named.get(key)
        if found is None:
            first, _, rest = chain.partition(".")
            symbol = self.program.name(module, first)
            while rest and isinstance(symbol, (ModuleSymbol, External)):
                first, _, rest = rest.partition(".")
                symbol = self.program.member(symbol, first)
            found = self._named[key] = frozenset(_named(self.program, symbol)) if symbol is not None else frozenset()
        return found

    def _depended(self, module: Module, term: Term) -> Iterator[str]:
        """What stands behind ``Depends(get_session)`` that is written under a name for it."""
        symbol = self.program.resolve(module, term.text) if term.kind == "name" else None
        if isinstance(symbol, GlobalSymbol):
            for part in self.program.global_term(symbol).parts:
                if part.kind == "call" and part.head.rpartition(".")[2] in ("Depends", "Security") and part.parts:
                    called = part.parts[0].head
                    yield from self._all(symbol.module, called)
                    if "." in called:
                        yield called.rpartition(".")[2]  # A method of an instance.


def _mapped(program: Program, entities: Entities) -> Iterator[str]:
    """The mapped classes, as they are called."""
    for symbol in program.classes():
        if entities.get(symbol) is not None:
            yield _class(id(symbol.module), symbol.index)


def _function(module: int, index: int) -> str:
    return f"{module}:{index}"


def _class(module: int, index: int) -> str:
    return f"{module}:class:{index}"


def _called_as(module: Module, index: int) -> str:
    function = module.function(index)
    if function.parent < 0:
        return _function(id(module), index)
    return _class(id(module), function.parent) if function.name in _ENTERED else function.name


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
    """Every statement, those in blocks included; not by recursion, in which each would pass through all around it."""
    waiting = [iter(body)]
    while waiting:
        node = next(waiting[-1], None)
        if node is None:
            waiting.pop()
            continue
        yield node
        waiting += [iter(block) for block in reversed(_blocks(node))]


def _blocks(node: ir.Statement) -> Sequence[Sequence[ir.Statement]]:
    match node:
        case ir.If() | ir.For():
            return node.body, node.orelse
        case ir.While():
            return node.head, node.body, node.orelse
        case ir.With():
            return (node.body,)
        case ir.Try():
            return node.body, *(handler.body for handler in node.handlers), node.orelse, node.final
        case _:
            return ()
