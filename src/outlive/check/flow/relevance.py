"""Which calls can matter: those of functions that, themselves or through a call, do something with a session.

Those that make a mapped object do, too: whoever gets it can add it.

Decided on the names in their text, without types: a plain name is resolved, a method is known by its name alone.  A
function that is left out is still interpreted where it is given an object or a session.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import TypeAlias

from outlive.check import ir
from outlive.check.entities import Entities
from outlive.check.flow.mentions import Mentions
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

_ENTERED = frozenset({"__init__", "__enter__", "__aenter__", "__call__"})
"""Methods that a class is used by."""


Use: TypeAlias = FunctionSymbol | ClassSymbol | str
"""What a function uses; a method by its name alone."""


class Relevance:
    """The functions that can matter; of most nobody asks, so they are looked at when somebody does."""

    def __init__(self, program: Program, mentions: Mentions, entities: Entities, senders: Collection[str]) -> None:
        self.program = program
        self._mentions = mentions
        self._modules = {id(module): module for module in program.modules}
        self._named: dict[tuple[int, str], frozenset[Use]] = {}
        self._added: set[FunctionSymbol] = set()
        self._known: dict[Use, bool] = dict.fromkeys((*_SESSION_WORDS, *senders, *_mapped(program, entities)), True)
        self._methods: dict[Use, list[FunctionSymbol]] = {}
        self._kept: dict[str, list[tuple[Module, str]]] = {}
        for symbol in program.functions():
            function = symbol.facts
            if function.parent >= 0 and function.name in _ENTERED:
                self._methods.setdefault(ClassSymbol(symbol.module, function.parent), []).append(symbol)
            elif function.parent >= 0 and function.name not in _COMMON:
                self._methods.setdefault(function.name, []).append(symbol)
            for name, called in _KEPT.findall(function.text) if "=" in function.text else ():
                self._kept.setdefault(name, []).append((symbol.module, called))

    @cached_property
    def digest(self) -> bytes:
        """A digest of all answers, the same in every run, for those who keep what depends on them."""
        found = [f"{each.module.filename} {each.index}" for each in self.program.functions() if self._matters(each)]
        names = {*self._kept, *(use for use in self._methods if isinstance(use, str))}
        return digest_of([*found, *sorted(filter(self._matters, names))])

    def __contains__(self, key: tuple[int, int]) -> bool:
        """By the identity of its module and its index."""
        symbol = FunctionSymbol(self._modules[key[0]], key[1])
        return symbol in self._added or self._matters(symbol)

    def add(self, symbol: FunctionSymbol) -> None:
        """Have it matter, whatever it does."""
        self._added.add(symbol)

    def _matters(self, asked: Use) -> bool:
        """Whether anything that it leads to has to do with sessions."""
        if asked in self._known:
            return self._known[asked]
        came = {asked: asked}
        waiting = [asked]
        while waiting:
            one = waiting.pop()
            for other in self._leads_to(one):
                if self._known.get(other):
                    self._known[one] = True
                    while one != asked:
                        one = came[one]
                        self._known[one] = True
                    return True
                if other not in came and other not in self._known:
                    came[other] = one
                    waiting.append(other)
        self._known.update(dict.fromkeys(came, False))
        return False

    def _leads_to(self, use: Use) -> Iterable[Use]:
        """What matters if one of these does."""
        if isinstance(use, FunctionSymbol):
            return self._uses(use)
        kept = self._kept.get(use, ()) if isinstance(use, str) else ()
        return chain(self._methods.get(use, ()), *(self._all(module, called) for module, called in kept))

    def _uses(self, symbol: FunctionSymbol) -> set[Use]:
        """What a function uses: functions and classes of the program, methods by their names, words about sessions."""
        module, function = symbol.module, symbol.facts
        mentioned = self._mentions.of(module, function)
        uses: set[Use] = set(mentioned.attributes)
        for names in mentioned.chains:
            uses |= self._all(module, names)
        if mentioned.sessions:
            uses.add("session")
        for parameter in function.parameters:
            if parameter.annotation is not None:
                uses.update(self._depended(module, parameter.annotation))
        return uses

    def _all(self, module: Module, names: str) -> frozenset[Use]:
        """What a chain of names leads to at the top level of a module."""
        key = id(module), names
        found = self._named.get(key)
        if found is None:
            first, _, rest = names.partition(".")
            symbol = self.program.name(module, first)
            while rest and isinstance(symbol, (ModuleSymbol, External)):
                first, _, rest = rest.partition(".")
                symbol = self.program.member(symbol, first)
            found = self._named[key] = frozenset(_named(self.program, symbol)) if symbol is not None else frozenset()
        return found

    def _depended(self, module: Module, term: Term) -> Iterator[Use]:
        """What stands behind ``Depends(get_session)`` that is written under a name for it."""
        symbol = self.program.resolve(module, term.text) if term.kind == "name" else None
        if isinstance(symbol, GlobalSymbol):
            for part in self.program.global_term(symbol).parts:
                if part.kind == "call" and part.head.rpartition(".")[2] in ("Depends", "Security") and part.parts:
                    called = part.parts[0].head
                    yield from self._all(symbol.module, called)
                    if "." in called:
                        yield called.rpartition(".")[2]  # A method of an instance.


def _mapped(program: Program, entities: Entities) -> Iterator[ClassSymbol]:
    """The mapped classes."""
    return (symbol for symbol in program.classes() if entities.get(symbol) is not None)


def _named(program: Program, symbol: Symbol | None) -> Iterator[Use]:
    match symbol:
        case FunctionSymbol():
            yield symbol
        case ClassSymbol():
            yield from program.lineage(symbol)[0]
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
