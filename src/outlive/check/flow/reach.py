"""Which functions can get hold of a session: where the walk starts.

Decided on names alone.  A function gets hold of one if it names what makes sessions, or calls something that does and
may return what lives in it.  What it calls is looked up in the classes that it can have to do with: those that it
names, and those that what it calls says it returns.  A caller that gets nothing alive back learns nothing that the
function does not show by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from outlive.check.entities import Entities
from outlive.check.flow import xunit
from outlive.check.flow.factories import FACTORIES, SCOPED, SESSIONS
from outlive.check.flow.mentions import Mentions, names_in
from outlive.check.flow.wiring import Wiring
from outlive.check.ir import Term
from outlive.check.program import (
    ClassSymbol,
    External,
    FunctionSymbol,
    GlobalSymbol,
    Module,
    ModuleSymbol,
    Program,
)

_MAKERS = frozenset({*SESSIONS, *SCOPED, *FACTORIES, "SQLAlchemy"})
_LIFELESS = frozenset({"None", "NoReturn", "bool", "bytes", "datetime", "float", "int", "str", "UUID"})
_UNNAMED = frozenset(
    {"__aenter__", "__aexit__", "__call__", "__enter__", "__exit__", "__init__", "__repr__", "__str__", *xunit.BEFORE}
)
"""Methods that are called without being named."""

_FILLING = frozenset({"__init__", *xunit.BEFORE})
"""Methods that put what they make into fields."""

Meaning: TypeAlias = FunctionSymbol | ClassSymbol | GlobalSymbol | None
"""What a name stands for in the program; ``None`` for what makes sessions."""


@dataclass(eq=False, slots=True)
class Named:
    """What a function names, by itself and through the types of what it names.

    Attributes:
        words: Every single name in its text.
        functions: Those of the program that it can call.
        classes: Those of the program whose instances it can have.
        makes: It names what makes sessions.
        given: It has a parameter that is a session.
    """

    words: set[str] = field(default_factory=set[str])
    functions: set[FunctionSymbol] = field(default_factory=set[FunctionSymbol])
    classes: set[ClassSymbol] = field(default_factory=set[ClassSymbol])
    makes: bool = False
    given: bool = False

    def add(self, meaning: Meaning) -> None:
        match meaning:
            case None:
                self.makes = True
            case FunctionSymbol():
                self.functions.add(meaning)
            case ClassSymbol():
                self.classes.add(meaning)
            case GlobalSymbol():
                pass  # Meanings have what it is made from beside it.


class Reach:
    """The answers for one program.

    ``senders`` are the names of calls that hand over what they are given; ``carried`` leads from functions that take
    something from a request to those that have left it there, ``lenders`` are calls of libraries that give sessions,
    ``wiring`` knows the fields that hold what makes them.
    """

    def __init__(
        self,
        program: Program,
        entities: Entities,
        mentions: Mentions,
        senders: Collection[str],
        carried: Iterable[tuple[FunctionSymbol, FunctionSymbol]] = (),
        lenders: Collection[str] = (),
        wiring: Wiring | None = None,
    ) -> None:
        self.program = program
        self.carried = list(carried)
        self.entities = entities
        self.mentions = mentions
        self.senders = frozenset(senders)
        self.lenders = frozenset(lenders)
        self.wiring = wiring or Wiring()
        self._meanings: dict[int, dict[str, tuple[Meaning, ...]]] = {}
        self._returned: dict[FunctionSymbol, frozenset[ClassSymbol]] = {}
        self._carries: dict[ClassSymbol, bool] = {}
        self._classes: dict[ClassSymbol, tuple[dict[str, list[FunctionSymbol]], dict[str, list[Meaning]]]] = {}
        self.giving: set[FunctionSymbol] = set()
        self.named = {
            FunctionSymbol(module, index): self._named(FunctionSymbol(module, index))
            for module in program.modules
            for index in range(len(module.facts.functions))
        }
        for symbol, named in self.named.items():
            self._follow_types(symbol, named)

    def roots(self) -> list[FunctionSymbol]:
        """The functions that get hold of a session, or give an object to one that does, or send it away."""
        found: list[FunctionSymbol] = []
        for symbol, named in list(self.named.items()):
            is_root = self._is_root(symbol, named)
            if is_root:
                found.append(symbol)
            # What stands in a function names nothing that it does not name; it can only be given more.
            if is_root or "session" in named.words:
                found.extend(inner for inner in self._inside(symbol) if self._is_root(inner, self.named[inner]))
        order = {id(module): n for n, module in enumerate(self.program.modules)}
        return sorted(found, key=lambda symbol: (order[id(symbol.module)], symbol.facts.span))

    def _inside(self, symbol: FunctionSymbol) -> list[FunctionSymbol]:
        """The functions that lowering a function brings to light."""
        functions = symbol.module.facts.functions
        known = len(functions)
        assert symbol.facts.body is not None
        inside = [FunctionSymbol(symbol.module, index) for index in range(known, len(functions))]
        for inner in inside:
            self.named[inner] = self._named(inner)
            self._follow_types(inner, self.named[inner])
        return inside

    def _is_root(self, symbol: FunctionSymbol, named: Named) -> bool:
        if symbol in self.holding or named.makes or named.given or not self.giving.isdisjoint(named.functions):
            return True
        passes_on = not self.senders.isdisjoint(named.words) or not self.holding.isdisjoint(named.functions)
        return passes_on and any(self.entities.get(each) or self.entities.below(each) for each in named.classes)

    @cached_property
    def holding(self) -> set[FunctionSymbol]:
        """The functions that get hold of a session."""
        users: dict[FunctionSymbol, list[FunctionSymbol]] = {}
        for symbol, named in self.named.items():
            for used in named.functions:
                users.setdefault(used, []).append(symbol)
        waiting = [symbol for symbol, named in self.named.items() if named.makes]
        # One that is only given a session gives its callers nothing that they did not have.
        found = {symbol for symbol, named in self.named.items() if named.makes or named.given}
        while waiting:
            symbol = waiting.pop()
            if self._gives(symbol):
                self.giving.add(symbol)
                new = [user for user in users.get(symbol, ()) if user not in found]
                found.update(new)
                waiting.extend(new)
            if not waiting:
                new = [taker for taker, setter in self.carried if setter in found and taker not in found]
                found.update(new)
                waiting.extend(new)
        return found

    # -- names -------------------------------------------------------------------------------------------------------

    def _named(self, symbol: FunctionSymbol) -> Named:
        module, function = symbol.module, symbol.facts
        mentioned = self.mentions.of(module, function)
        named = Named(mentioned.words)
        annotations = {name for parameter in function.parameters for name in names_in(parameter.annotation)}
        named.given = any(parameter.name == "session" for parameter in function.parameters)
        for chain in mentioned.chains:
            for meaning in self._meaning(module, chain):
                if meaning is None and chain in annotations:
                    named.given = True
                else:
                    named.add(meaning)
        if function.parent >= 0:
            owner = xunit.class_of(self.program, self.entities, symbol) or ClassSymbol(module, function.parent)
            named.classes.add(owner)
            named.makes = named.makes or not named.words.isdisjoint(self.wiring.names(self.program, owner))
        return named

    def _meaning(self, module: Module, chain: str) -> tuple[Meaning, ...]:
        """What the beginning of a chain of names stands for: ``crud.user`` of ``crud.user.get.delay``."""
        meanings = self._meanings.setdefault(id(module), {})
        found = meanings.get(chain)
        if found is None:
            meanings[chain] = ()  # Against globals that are made from each other.
            found = meanings[chain] = tuple(self._look_up(module, chain))
        return found

    def _look_up(self, module: Module, chain: str) -> Iterator[Meaning]:
        first, _, rest = chain.partition(".")
        symbol = self.program.name(module, first)
        while isinstance(symbol, (ModuleSymbol, External)):
            if isinstance(symbol, External) and (symbol.sqlalchemy in _MAKERS or symbol.dotted in self.lenders):
                yield None
            if not rest:
                return
            first, _, rest = rest.partition(".")
            symbol = self.program.member(symbol, first)
        if isinstance(symbol, GlobalSymbol):
            yield symbol
            if symbol in self.wiring.names_of_modules:
                yield None
            for name in names_in(self.program.global_term(symbol)):
                yield from self._meaning(symbol.module, name)
        elif symbol is not None:
            yield symbol
            if isinstance(symbol, ClassSymbol) and self._makes(symbol):
                yield None

    def _makes(self, class_: ClassSymbol) -> bool:
        """Whether a class inherits from one that makes sessions, or is one."""
        return any(isinstance(b, External) and b.sqlalchemy in _MAKERS for b in self.program.lineage(class_)[1])

    # -- types -------------------------------------------------------------------------------------------------------

    def _follow_types(self, symbol: FunctionSymbol, named: Named) -> None:
        """Add the methods that it names, of the classes that it can have to do with."""
        functions, classes = named.functions, named.classes
        waiting = [*classes, *(each for function in functions for each in self._returns(function))]
        classes.clear()
        words = named.words | _UNNAMED
        while waiting:
            class_ = waiting.pop()
            if class_ in classes:
                continue
            classes.add(class_)
            methods, fields = self._classes.get(class_) or self._members(class_)
            for name in methods.keys() & words:
                for method in methods[name]:
                    if method not in functions and method != symbol:
                        functions.add(method)
                        returned = self._returned.get(method)
                        waiting += self._returns(method) if returned is None else returned
            for name in fields.keys() & words if fields else ():
                for meaning in fields[name]:
                    if isinstance(meaning, ClassSymbol):
                        waiting.append(meaning)
                    else:
                        named.add(meaning)

    def _members(self, class_: ClassSymbol) -> tuple[dict[str, list[FunctionSymbol]], dict[str, list[Meaning]]]:
        """The methods of a class and its ancestors, and what their attributes can be."""
        found = self._classes.get(class_)
        if found is None:
            methods: dict[str, list[FunctionSymbol]] = {}
            fields: dict[str, list[Meaning]] = {}
            for owner in self.program.lineage(class_)[0]:
                for name, index in owner.facts.methods.items():
                    methods.setdefault(name, []).append(FunctionSymbol(owner.module, index))
                for attribute in owner.facts.attributes:
                    meant = list(self._all(owner.module, attribute.annotation, attribute.value))
                    if meant:
                        fields.setdefault(attribute.name, []).extend(meant)
            found = self._classes[class_] = methods, fields
        return found

    def _all(self, module: Module, *terms: Term | None) -> Iterator[Meaning]:
        for term in terms:
            for name in names_in(term):
                yield from self._meaning(module, name)

    def _returns(self, symbol: FunctionSymbol) -> frozenset[ClassSymbol]:
        """Classes of what a function may return: what it says, else all that it names; of what a constructor keeps."""
        found = self._returned.get(symbol)
        if found is None:
            self._returned[symbol] = frozenset()  # Against recursion.
            named, term = self.named[symbol], symbol.facts.returns
            classes = {each for each in self._all(symbol.module, term) if isinstance(each, ClassSymbol)}
            if symbol.facts.name in _FILLING:
                classes = named.classes
            elif not classes and not (term is not None and _LIFELESS.issuperset(names_in(term))):
                classes = named.classes.union(*map(self._returns, named.functions))
            found = self._returned[symbol] = frozenset(classes)
        return found

    def _gives(self, symbol: FunctionSymbol) -> bool:
        """Whether what a function returns can be, or hold, a session or an object that lives in one."""
        term = symbol.facts.returns
        return (
            term is None
            or symbol.facts.name in xunit.BEFORE
            or not all(self._is_lifeless(symbol.module, name) for name in names_in(term))
        )

    def _is_lifeless(self, module: Module, name: str) -> bool:
        meanings = self._meaning(module, name)
        return name in _LIFELESS or (bool(meanings) and not any(map(self._can_carry, meanings)))

    def _can_carry(self, meaning: Meaning) -> bool:
        """Whether a value of that type can be, or have in a field, a session or a mapped object."""
        if not isinstance(meaning, ClassSymbol):
            return True
        found = self._carries.get(meaning)
        if found is None:
            self._carries[meaning] = False  # Against classes that have each other.
            lineage = self.program.lineage(meaning)[0]
            found = self._carries[meaning] = self.entities.get(meaning) is not None or any(
                "__init__" in owner.facts.methods or any(map(self._can_carry, self._fields(owner))) for owner in lineage
            )
        return found

    def _fields(self, owner: ClassSymbol) -> Iterable[Meaning]:
        return self._all(owner.module, *(attribute.annotation for attribute in owner.facts.attributes))
