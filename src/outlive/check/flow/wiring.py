"""What a program puts into the fields of its instances, far from their methods: the factory that a repository is given.

``Orders(self.sessions)`` and ``database.connect(url)`` are called once, somewhere, and the methods of what they make or
fill are called by way of objects that nobody can follow.  So what calls them is walked first, and what it leaves in
such fields, if all who do so agree, is taken to be there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from outlive.check.flow import decorators, modules
from outlive.check.flow.log import Log
from outlive.check.flow.replaced import is_test
from outlive.check.flow.state import Plain, State
from outlive.check.flow.values import UNKNOWN, Factory, FunctionValue, Ref, Value
from outlive.check.program import ClassSymbol, FunctionSymbol, GlobalSymbol, Program

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_GIVEN = re.compile(r"\.(?P<field>\w+)\s*(?::[^=\n]+)?=\s*(?:\w+ or )?(?P<parameter>\w+)\s*$", re.MULTILINE)
_SET = re.compile(r"\.(?P<field>\w+)\s*(?::[^=\n]+)?=(?!=)\s*(?:await\s+)?(?P<value>(?:\w+\.)*\w+)", re.MULTILINE)
MAKER = re.compile(r"sessionmaker|scoped_session")
_HINTS = ("ession", "aker", "actory", "cope", "db", "DB")
"""Without one of these no name in a text is promising."""
_PROMISING = re.compile(r"session|maker|factory|scope|db", re.IGNORECASE)


class Wiring:
    """Fields that hold what makes sessions, by the class of the instance.

    Attributes:
        names_of_modules: What makes sessions besides: names that functions set.
        watched: Those that are looked at as long as this is being learned.
        found: What has been in them.
    """

    def __init__(self) -> None:
        self.fields: dict[ClassSymbol, dict[str, Value]] = {}
        self.names_of_modules: dict[GlobalSymbol, Value] = {}
        self.watched: Mapping[ClassSymbol, set[str]] = {}
        self.found: dict[tuple[ClassSymbol, str], list[Value]] = {}
        self._asked: dict[tuple[ClassSymbol, str], Value | None] = {}

    def of(self, run: Interpreter, owner: ClassSymbol, name: str) -> Value | None:
        """What a field of an instance holds; of a class that others inherit from, what all of these have there."""
        if not self.fields:
            return None
        if (owner, name) not in self._asked:
            heirs = [held for each, held in self.fields.items() if owner in run.program.lineage(each)[0]]
            found = [held[name] for held in heirs if name in held]
            alike = found and all(modules.alike(run, each, found[0]) for each in found)
            self._asked[owner, name] = self.fields.get(owner, {}).get(name) or (found[0] if alike else None)
        return self._asked[owner, name]

    def note(self, run: Interpreter, state: State, oid: int) -> None:
        """What an instance has in fields that are watched."""
        plain = state.objects.get(oid)
        for name in self.watched.get(plain.symbol, ()) if isinstance(plain, Plain) else ():
            assert isinstance(plain, Plain)
            value = plain.fields.get(name, UNKNOWN)
            found = self.found.setdefault((plain.symbol, name), [])
            kept = outlasting(run, ("wired", plain.symbol, name, len(found)), value, state)
            if kept is not None:
                found.append(kept)

    def names(self, program: Program, owner: ClassSymbol) -> frozenset[str]:
        """The fields of a class, and of those that inherit from it, that make sessions."""
        return frozenset(
            name for each, held in self.fields.items() if owner in program.lineage(each)[0] for name in held
        )

    def digest(self, run: Interpreter) -> str:
        """Of what stands in functions, which is all that walks depend on besides their own files."""
        held = [
            (owner.module.filename, owner.facts.qualname, name, told(run, value))
            for owner, fields in self.fields.items()
            for name, value in fields.items()
        ]
        held += [
            (symbol.module.filename, "", symbol.name, told(run, value))
            for symbol, value in self.names_of_modules.items()
        ]
        return repr(sorted(held, key=repr))


def outlasting(run: Interpreter, key: tuple[object, ...], value: Value, state: State) -> Value | None:
    """What makes sessions, as far as it outlasts the walk that has come upon it."""
    value = decorators.freed(value) if isinstance(value, FunctionValue) else value
    return modules.kept(run, key, value, state, modules.NESTING)


def told(run: Interpreter, value: Value) -> object:
    """What a value does, and where it was made: notes name that."""
    return modules.told(run, value), value.spot if isinstance(value, Factory) else None


def learn(run: Interpreter, walk: Callable[[FunctionSymbol], Iterable[State]]) -> None:
    """Walk what makes and fills such instances; what is noted on the way is told elsewhere."""
    wiring = run.wiring
    wiring.watched, callers = _watched(run)
    if not wiring.watched:
        return
    made = State()
    made.objects |= run.global_plains
    for oid in run.global_plains:
        wiring.note(run, made, oid)
    for caller in callers:
        for end in walked(run, walk, caller):
            for oid in list(end.objects):
                wiring.note(run, end, oid)
    wiring.watched = {}
    for (owner, name), values in wiring.found.items():
        known = [value for value in values if _makes_sessions(run, value)]
        if known and all(modules.alike(run, value, known[0]) for value in known):
            wiring.fields.setdefault(owner, {})[name] = known[0]


def walked(run: Interpreter, walk: Callable[[FunctionSymbol], Iterable[State]], symbol: FunctionSymbol) -> list[State]:
    """The states in which a function ends; what is noted on the way is forgotten."""
    saved, looked_at, unfinished = run.log, set(run.program.looked_at), set(run.unfinished)
    run.log = Log(factories=dict(saved.factories))
    run.kept, run.recalled = {}, {}
    ends = list(walk(symbol))
    run.log, run.program.looked_at, run.unfinished = saved, looked_at, unfinished
    run.kept, run.recalled = {}, {}
    return ends


def _watched(run: Interpreter) -> tuple[Mapping[ClassSymbol, set[str]], list[FunctionSymbol]]:
    """The fields to look at, and the functions to walk for them."""
    program = run.program
    watched: dict[ClassSymbol, set[str]] = {}
    open_to_all: set[tuple[ClassSymbol, str]] = set()
    setters: dict[FunctionSymbol, set[str]] = {}
    for owner, method in _methods(program):
        facts = method.facts
        if not any(hint in facts.text for hint in _HINTS):
            continue
        names = {parameter.name for parameter in facts.parameters[1:]}
        if facts.name != "__init__":
            made = set(_set_by(program, method))
            if made:
                setters[method] = made
                watched.setdefault(owner, set()).update(made)
            open_to_all |= {
                (owner, given["field"]) for given in _GIVEN.finditer(facts.text) if given["parameter"] in names
            }
            continue
        for given in _GIVEN.finditer(facts.text):
            if given["parameter"] in names and _PROMISING.search(f"{given['field']} {given['parameter']}"):
                watched.setdefault(owner, set()).add(given["field"])
    heirs: dict[ClassSymbol, set[str]] = {}
    for each in program.classes() if watched else ():
        lineage = program.lineage(each)[0]
        inherited = {name for above in lineage for name in watched.get(above, ())}
        unsure = {name for above in lineage for name in inherited if (above, name) in open_to_all}
        used = {name for name in inherited - unsure if _calls(lineage, name)}
        if used:
            heirs[each] = used
    wanted = {name for used in heirs.values() for name in used}
    callers = [method for method, fields in setters.items() if not wanted.isdisjoint(fields)]
    return heirs, [*callers, *_makers(run, {each.facts.name for each in heirs})] if heirs else []


def _set_by(program: Program, method: FunctionSymbol) -> Iterator[str]:
    """The fields that a method may set to what makes sessions: that it makes, or a function that it calls."""
    text = method.facts.text
    makes = MAKER.search(text) is not None
    for given in _SET.finditer(text):
        if MAKER.search(given["value"]):
            yield given["field"]
        elif _PROMISING.search(given["field"]):
            called = None if makes else program.resolve(method.module, given["value"])
            if makes or (isinstance(called, FunctionSymbol) and MAKER.search(called.facts.text)):
                yield given["field"]


def _methods(program: Program) -> Iterator[tuple[ClassSymbol, FunctionSymbol]]:
    for owner in program.classes():
        for index in owner.facts.methods.values():
            yield owner, FunctionSymbol(owner.module, index)


def _calls(lineage: Iterable[ClassSymbol], field: str) -> bool:
    """Whether a class calls what a field holds: ``self.sessions()``, ``self.sessions.begin()``, ``self.scoped``."""
    called = re.compile(rf"\.{field}(?:\.begin)?\(|return self\.{field}$", re.MULTILINE)
    return any(
        called.search(class_.module.function(index).text)
        for class_ in lineage
        for name, index in class_.facts.methods.items()
        if name != "__init__"
    )


def _makers(run: Interpreter, names: set[str]) -> Iterator[FunctionSymbol]:
    """The functions that call one of these classes; those of tests only where there are no others."""
    called = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(names)))})\(")
    naming = (
        each for each in run.program.functions() if not names.isdisjoint(run.mentions.of(each.module, each.facts).words)
    )
    found = [each for each in naming if called.search(each.facts.text)]
    yield from [each for each in found if not is_test(each.module)] or found


def _makes_sessions(run: Interpreter, value: Value) -> bool:
    """A factory, or a function or an instance that is called for a session."""
    plain = run.global_plains.get(value.oid) if isinstance(value, Ref) else None
    if plain is None:
        return isinstance(value, (Factory, FunctionValue))
    return any("__call__" in class_.facts.methods for class_ in run.program.lineage(plain.symbol)[0])
