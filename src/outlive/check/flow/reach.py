"""Which functions can get hold of a session: where the walk starts.

Decided on names alone.  A function gets hold of one if it names what makes sessions, or calls something that does and
may return what lives in it.  What it calls is looked up in the classes that it can have to do with: those that it
names, and those that what it calls says it returns.  A caller that gets nothing alive back learns nothing that the
function does not show by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TypeAlias

from outlive.check.entities import Entities
from outlive.check.flow import xunit
from outlive.check.flow.factories import FACTORIES, SCOPED, SESSIONS
from outlive.check.flow.members import Classes, Member, Members, Paths, numbers, union
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

_CALL = "()"
"""Under which they are found instead."""

_FILLING = frozenset({"__init__", *xunit.BEFORE})
"""Methods that put what they make into fields."""

Meaning: TypeAlias = Member | GlobalSymbol
"""What a name stands for in the program; ``None`` for what makes sessions."""


@dataclass(eq=False, slots=True)
class Named:
    """What a function names.

    Attributes:
        words: Every single name in its text.
        functions: Those of the program that it names.
        classes: Those of the program that it names, and its own.
        reached: All whose instances it can have, through the types of what it names.
        makes: It names what makes sessions.
        given: It has a parameter that is a session.
    """

    words: set[str]
    functions: set[FunctionSymbol] = field(default_factory=set[FunctionSymbol])
    classes: Classes = 0
    reached: Classes = 0
    makes: bool = False
    given: bool = False


@dataclass(eq=False, slots=True)
class Used:
    """Functions, and the names of members under which they are found, each with the classes that have it."""

    functions: set[FunctionSymbol]
    names: Mapping[str, Classes]


class Reach:
    """The answers for one program.

    ``senders`` are the names of calls that hand over what they are given; ``carried`` leads from functions that take
    something from a request to those that have left it there, ``lenders`` are calls of libraries that give sessions,
    ``wiring`` knows the fields that hold what makes them, ``held`` the names on ``app.state`` that do.
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
        held: Collection[str] = (),
    ) -> None:
        self.program = program
        self.carried = list(carried)
        self.entities = entities
        self.mentions = mentions
        self.senders = frozenset(senders)
        self.lenders = frozenset(lenders)
        self.wiring = wiring or Wiring()
        self.held = frozenset(held)
        self._meanings: dict[int, dict[str, tuple[Meaning, ...]]] = {}
        self._returned: dict[FunctionSymbol, Classes] = {}
        self._carries: dict[ClassSymbol, bool] = {}
        self._kept: dict[int, Classes] = {}
        self.giving: set[FunctionSymbol] = set()
        self._numbers = {class_: number for number, class_ in enumerate(program.classes())}
        self._members = self._all_members()
        self._said = Paths(self._members, cache(self._says))
        self._had = Paths(self._members, cache(self._brings))
        self.named = {symbol: self._named(symbol) for symbol in program.functions()}
        for named in self.named.values():
            self._follow_types(named)

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
            self._follow_types(self.named[inner])
        return inside

    def _is_root(self, symbol: FunctionSymbol, named: Named) -> bool:
        if symbol in self.holding or named.makes or named.given or self._uses(named, self._givers):
            return True
        passes_on = named.reached & self._mapped
        return bool(passes_on) and (not self.senders.isdisjoint(named.words) or self._uses(named, self._holders))

    @cached_property
    def _mapped(self) -> Classes:
        """The classes whose instances live in sessions."""
        return self._set(each for each in self._numbers if self.entities.get(each) or self.entities.below(each))

    @cached_property
    def _holders(self) -> Used:
        return self._used(self.holding)

    @cached_property
    def _givers(self) -> Used:
        return self._used(self.giving)

    @cached_property
    def holding(self) -> set[FunctionSymbol]:
        """The functions that get hold of a session."""
        users: dict[FunctionSymbol, list[FunctionSymbol]] = {}
        naming: dict[str, list[FunctionSymbol]] = {_CALL: list(self.named)}
        for symbol, named in self.named.items():
            for function in named.functions:
                users.setdefault(function, []).append(symbol)
            for name in self._members.having.keys() & named.words:
                naming.setdefault(name, []).append(symbol)
        new = {symbol for symbol, named in self.named.items() if named.makes}
        # One that is only given a session gives its callers nothing that they did not have.
        found = {symbol for symbol, named in self.named.items() if named.makes or named.given}
        while new:
            giving = {symbol for symbol in new if self._gives(symbol)}
            self.giving |= giving
            new = {user for symbol in giving for user in users.get(symbol, ())}
            for name, having in self._members.names(giving).items():
                new.update(user for user in naming.get(name, ()) if self.named[user].reached & having)
            new -= found
            new = new or {taker for taker, setter in self.carried if setter in found and taker not in found}
            found |= new
        return found

    def _used(self, functions: set[FunctionSymbol]) -> Used:
        return Used(functions, self._members.names(functions))

    # -- names -------------------------------------------------------------------------------------------------------

    def _named(self, symbol: FunctionSymbol) -> Named:
        module, function = symbol.module, symbol.facts
        mentioned = self.mentions.of(module, function)
        named = Named(mentioned.words)
        annotations = {name for parameter in function.parameters for name in names_in(parameter.annotation)}
        named.given = any(parameter.name == "session" for parameter in function.parameters)
        for names in mentioned.chains:
            for meaning in self._meaning(module, names):
                match meaning:
                    case FunctionSymbol():
                        named.functions.add(meaning)
                    case ClassSymbol():
                        named.classes |= 1 << self._numbers[meaning]
                    case None if names in annotations:
                        named.given = True
                    case None:
                        named.makes = True
                    case _:
                        pass  # Meanings have what a global is made from beside it.
        named.makes = named.makes or ("state" in named.words and not named.words.isdisjoint(self.held))
        if function.parent >= 0:
            owner = xunit.class_of(self.program, self.entities, symbol) or ClassSymbol(module, function.parent)
            named.classes |= 1 << self._numbers[owner]
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

    def _all_members(self) -> Members:
        """The methods of classes, and what their attributes can be."""
        found = Members([[self._numbers[each] for each in self.program.lineage(class_)[0]] for class_ in self._numbers])
        for owner, number in self._numbers.items():
            for name, index in owner.facts.methods.items():
                found.add(number, _CALL if name in _UNNAMED else name, FunctionSymbol(owner.module, index))
            for attribute in owner.facts.attributes:
                for meaning in self._all(owner.module, attribute.annotation, attribute.value):
                    if not isinstance(meaning, GlobalSymbol):
                        found.add(number, attribute.name, meaning)
        return found

    def _set(self, classes: Iterable[ClassSymbol]) -> Classes:
        return union(1 << self._numbers[each] for each in classes)

    def _follow_types(self, named: Named) -> None:
        """Find the classes that it can have to do with."""
        begun = named.classes | union(map(self._returns, named.functions))
        named.reached = self._had.follow(self._closed(begun), named.words)
        named.makes = named.makes or self._uses(named, self._makers)

    @cached_property
    def _makers(self) -> Used:
        return Used(set(), self._members.names([None]))

    def _uses(self, named: Named, used: Used) -> bool:
        """Whether a function names one of these, by itself or as a member of a class that it can have to do with."""
        names, reached = used.names, named.reached
        return (
            not used.functions.isdisjoint(named.functions)
            or bool(reached & names.get(_CALL, 0))
            or any(reached & names[name] for name in names.keys() & named.words)
        )

    def _brings(self, member: Member) -> Classes:
        return self._closed(self._behind(member))

    def _closed(self, classes: Classes) -> Classes:
        """Classes, and those behind their methods that are called without being named."""
        return union(self._kept.get(number) or self._close(number) for number in numbers(classes))

    def _close(self, number: int) -> Classes:
        found, waiting = 0, 1 << number
        while waiting:
            lowest = waiting & -waiting
            one = lowest.bit_length() - 1
            found |= self._kept.get(one, lowest)
            waiting = (waiting | union(map(self._behind, self._members.under(_CALL, lowest)))) & ~found
        self._kept[number] = found
        return found

    def _all(self, module: Module, *terms: Term | None) -> Iterator[Meaning]:
        for term in terms:
            for name in names_in(term):
                yield from self._meaning(module, name)

    def _says(self, member: Member) -> Classes:
        """The classes of what a member gives, as far as that is written down."""
        match member:
            case ClassSymbol():
                return 1 << self._numbers[member]
            case FunctionSymbol():
                meant = self._all(member.module, member.facts.returns)
                return self._set(each for each in meant if isinstance(each, ClassSymbol))
            case _:
                return 0

    def _behind(self, member: Member) -> Classes:
        return self._returns(member) if isinstance(member, FunctionSymbol) else self._says(member)

    def _returns(self, symbol: FunctionSymbol) -> Classes:
        """Classes of what a function may return: what it says, else all that it names; of what a constructor keeps."""
        found = self._returned.get(symbol)
        if found is None:
            self._returned[symbol] = 0  # Against recursion.
            named, term = self.named[symbol], symbol.facts.returns
            found = self._says(symbol)
            if not found and (
                symbol.facts.name in _FILLING or term is None or not _LIFELESS.issuperset(names_in(term))
            ):
                found = self._said.follow(named.classes, named.words) | union(map(self._returns, named.functions))
            self._returned[symbol] = found
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
