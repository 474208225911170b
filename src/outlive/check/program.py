"""All facts -> one linked program: which name is which definition."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePath
from typing import TypeAlias

from msgspec import Struct

from outlive.check.facts import Body, Class, Facts, Function
from outlive.check.ir import Statement, Term
from outlive.check.lower import lower_function

LIBRARIES = frozenset(
    {
        "aiocache", "anyio", "arq", "asyncio", "celery", "concurrent", "contextlib", "dataclasses", "dramatiq",
        "fastapi", "flask", "flask_sqlalchemy", "functools", "litestar", "msgspec", "pydantic", "rq", "sqlalchemy",
        "sqlmodel", "starlette", "taskiq", "threading", "typing",
    }
)  # fmt: skip
"""Names that always mean the library, even where a project has a file of that name (``celery.py`` is common)."""

_EXTENSION = re.compile(r"^flask\.ext\.")
"""As Flask before 1.0 had it: ``flask.ext.sqlalchemy`` is ``flask_sqlalchemy``."""


@dataclass(eq=False, slots=True)
class Module:
    """One file of the program.

    Attributes:
        filename: As it is reported.
        parts: Path without ``.py`` and without a final ``__init__``, from the outermost package on.
    """

    filename: str
    parts: tuple[str, ...]
    is_package: bool
    facts: Facts
    names: dict[str, Symbol] = field(default_factory=dict[str, "Symbol"])

    def function(self, index: int) -> Function:
        return self.facts.functions[index]

    def all_functions(self) -> Iterator[tuple[int, Function]]:
        """Every function and its index; those inside others too, for which all have to be lowered."""
        index = 0
        while index < len(self.facts.functions):
            function = self.facts.functions[index]
            assert function.body is not None
            yield index, function
            index += 1

    def bodies_with(self, word: str) -> Iterator[Sequence[Statement]]:
        """What the file runs by itself, and the bodies of functions whose text has a word."""
        yield self.facts.body
        for _, function in list(self.all_functions()):
            if word in function.text:
                yield function.body


class ModuleSymbol(Struct, frozen=True):
    """An imported module of the program."""

    module: Module


class ClassSymbol(Struct, frozen=True):
    """A class of the program."""

    module: Module
    index: int

    @property
    def facts(self) -> Class:
        return self.module.facts.classes[self.index]


class FunctionSymbol(Struct, frozen=True):
    """A function of the program."""

    module: Module
    index: int

    @property
    def facts(self) -> Function:
        return self.module.facts.functions[self.index]


class GlobalSymbol(Struct, frozen=True):
    """A module-level variable of the program."""

    module: Module
    name: str


class FieldSymbol(Struct, frozen=True):
    """What the instances of a class have under a name."""

    owner: ClassSymbol
    name: str


KEEPING = frozenset({"outlive.async_sessionmaker", "outlive.sessionmaker"})
"""Factories whose objects stay readable."""


class External(Struct, frozen=True):
    """A name from outside the program, dotted."""

    dotted: str

    @property
    def library(self) -> str:
        return self.dotted.partition(".")[0]

    @property
    def last(self) -> str:
        return self.dotted.rpartition(".")[2]

    @property
    def sqlalchemy(self) -> str:
        """The name within SQLAlchemy (or a package that re-exports it), whatever module it was imported from."""
        is_known = self.library in ("sqlalchemy", "sqlmodel", "flask_sqlalchemy") or self.dotted in KEEPING
        return self.last if is_known else ""


Symbol: TypeAlias = ModuleSymbol | ClassSymbol | FunctionSymbol | GlobalSymbol | External


class Program:
    """The linked program.

    Names are resolved through imports, packages and re-exports.  A module is found by the end of its path, so that
    no configuration of source roots is needed; of several, the one nearest to the importing file is meant.

    Args:
        files: The facts of each file, by the name under which it is reported.
        around: The folders that relative names of files are inside of, as far as imports may name them.

    Attributes:
        looked_at: Files with functions of which somebody has asked what they do; whoever wants to know empties it.
    """

    def __init__(self, files: Mapping[str, Facts], around: Sequence[str] = ()) -> None:
        self._around = tuple(around)
        self.modules: list[Module] = []
        self.looked_at: set[str] = set()
        self._by_end: dict[str, list[Module]] = {}
        self._packages: set[tuple[str, ...]] = set()
        for filename, facts in files.items():
            self._add(filename, facts)
        self._roots = self._source_roots()
        self._lineages: dict[ClassSymbol, tuple[list[ClassSymbol], list[External | GlobalSymbol], bool]] = {}
        self._resolving: set[tuple[int, str]] = set()

    def classes(self) -> Iterator[ClassSymbol]:
        """Every class."""
        for module in self.modules:
            for index in range(len(module.facts.classes)):
                yield ClassSymbol(module, index)

    def functions(self) -> Iterator[FunctionSymbol]:
        """Every function; those inside others too, once these are lowered."""
        for module in self.modules:
            for index, _ in enumerate(module.facts.functions):
                yield FunctionSymbol(module, index)

    def _add(self, filename: str, facts: Facts) -> None:
        path = PurePath(filename).with_suffix("")
        parts = path.parts if path.is_absolute() else (*self._around, *path.parts)
        is_package = bool(parts) and parts[-1] == "__init__"
        parts = parts[:-1] if is_package else parts
        module = Module(filename, parts, is_package, facts)
        self.modules.append(module)
        if is_package:
            self._packages.add(parts)
        for start in range(len(parts)):
            self._by_end.setdefault(".".join(parts[start:]), []).append(module)
        look = partial(self._look, module)
        for index, function in enumerate(facts.functions):
            function.later(look)
            if "." not in function.qualname and function.name != "<lambda>":
                module.names[function.name] = FunctionSymbol(module, index)
        for index, class_ in enumerate(facts.classes):
            if "." not in class_.qualname:
                module.names[class_.name] = ClassSymbol(module, index)

    def _source_roots(self) -> set[tuple[str, ...]]:
        """Packages that are none: nobody imports them by their name, and a needless ``__init__.py`` says nothing."""
        named = {
            dotted.partition(".")[0]
            for module in self.modules
            for dotted in (*module.facts.imports.values(), *module.facts.stars)
        }
        return {
            module.parts
            for module in self.modules
            if module.is_package
            and module.parts
            and module.parts[:-1] not in self._packages
            and module.parts[-1] not in named
            and _says_nothing(module.facts)
        }

    def _look(self, module: Module, function: Function) -> Body:
        """What a function does."""
        self.looked_at.add(module.filename)
        if function.lowered is None:
            known = len(module.facts.functions)
            function.lowered = lower_function(module.facts, function)
            for inside in module.facts.functions[known:]:
                inside.later(partial(self._look, module))
        return function.lowered

    def find_module(self, dotted: str, importer: Module) -> Module | None:
        """The module that ``import dotted`` means in a file of the program."""
        if dotted.partition(".")[0] in LIBRARIES:
            return None
        best, best_rank = None, (False, -1)
        count = dotted.count(".") + 1
        for module in self._by_end.get(dotted, ()):
            root = module.parts[: len(module.parts) - count]
            is_package = root in self._packages
            if is_package and root not in self._roots:
                continue  # A package is not a source root: `import models` is not `pkg/models.py`.
            nearness = _common(root, importer.parts)
            if (count == 1 or is_package) and nearness < len(root):
                continue  # A bare name is only looked for next to the importing file and above it.
            if (not is_package, nearness) > best_rank:
                best, best_rank = module, (not is_package, nearness)
        return best

    def resolve(self, module: Module, dotted: str) -> Symbol | None:
        """What a dotted name means at the top level of a module; ``None`` when it cannot be known."""
        first, _, rest = dotted.partition(".")
        symbol = self.name(module, first)
        while rest and symbol is not None:
            first, _, rest = rest.partition(".")
            symbol = self.member(symbol, first)
        return symbol

    def is_one_of(self, module: Module, term: Term, names: Collection[str]) -> bool:
        """Whether what a term names, or calls, is one of these of a library."""
        found = self.resolve(module, term.head) if term.head else None
        return isinstance(found, External) and found.dotted in names

    def name(self, module: Module, name: str) -> Symbol | None:
        """What a plain name means at the top level of a module."""
        found = module.names.get(name)
        if found is not None:
            return found
        if name in module.facts.globals:
            return GlobalSymbol(module, name)
        key = (id(module), name)
        if key in self._resolving:
            return None
        self._resolving.add(key)
        try:
            if name in module.facts.imports:
                found = self._imported(module, module.facts.imports[name])
            elif module.facts.stars:
                found = self._starred(module, name)
        finally:
            self._resolving.discard(key)
        if found is not None:
            module.names[name] = found
        return found

    def member(self, symbol: Symbol, name: str) -> Symbol | None:
        """What ``symbol.name`` means, for modules and externals."""
        match symbol:
            case External(dotted=dotted):
                return External(f"{dotted}.{name}")
            case ModuleSymbol(module=module):
                return self.name(module, name) or self._submodule(module, name)
            case _:
                return None

    def _submodule(self, package: Module, name: str) -> Symbol | None:
        if package.is_package:
            module = self._at((*package.parts, name))
            return ModuleSymbol(module) if module is not None else None
        return None

    def _imported(self, module: Module, dotted: str) -> Symbol | None:
        if dotted.startswith("."):
            return self._relative(module, dotted)
        head, _, last = dotted.rpartition(".")
        package = self.find_module(head, module) if head else None
        if package is not None and package is not module and self._says(package, last):
            return self.name(package, last)
        found = self.find_module(dotted, module)
        if found is not None:
            return ModuleSymbol(found)
        if head:
            if package is not None:
                return self.name(package, last)
            if "." in head and self.find_module(head.partition(".")[0], module) is not None:
                return None  # Part of the program that was not given to us.
        return External(_EXTENSION.sub("flask_", dotted))

    def _relative(self, module: Module, dotted: str) -> Symbol | None:
        name = dotted.lstrip(".")
        level = len(dotted) - len(name)
        base = module.parts if module.is_package else module.parts[:-1]
        base = base[: len(base) - (level - 1)]
        head, _, last = name.rpartition(".")
        wanted = (*base, *head.split(".")) if head else base
        package = self._at(wanted)
        if package is not None and package is not module and self._says(package, last):
            return self.name(package, last)
        found = self._at((*wanted, last))
        if found is not None:
            return ModuleSymbol(found)
        return self.name(package, last) if package is not None else None

    def _at(self, parts: tuple[str, ...]) -> Module | None:
        return next((each for each in self._by_end.get(parts[-1] if parts else "", ()) if each.parts == parts), None)

    @staticmethod
    def _says(package: Module, name: str) -> bool:
        """Whether a module gives a name a meaning itself, which goes before a submodule that is called so.

        ``from .get_engine import get_engine`` in a package: whoever imports that name from it gets the function.
        """
        return name in package.names or name in package.facts.globals or name in package.facts.imports

    def _starred(self, module: Module, name: str) -> Symbol | None:
        for star in module.facts.stars:
            found = self._imported(module, star)
            if isinstance(found, ModuleSymbol):
                inner = self.name(found.module, name)
                if inner is not None:
                    return inner
            elif isinstance(found, External) and found.library in LIBRARIES:
                return External(f"{found.dotted}.{name}")
        return None

    def bases(self, symbol: ClassSymbol) -> Iterator[Symbol | None]:
        """The direct bases of a class; ``None`` for one that cannot be known."""
        for base in symbol.facts.bases:
            if base.head and base.kind != "call":
                yield self.resolve(symbol.module, base.head)
            else:
                yield None

    def lineage(self, symbol: ClassSymbol) -> tuple[list[ClassSymbol], list[External | GlobalSymbol], bool]:
        """A class and its ancestors in the program, its ancestors outside, and whether all are known.

        In Python's order for looking up names, wherever the order of the bases decides it.
        """
        cached = self._lineages.get(symbol)
        if cached is None:
            cached = self._lineages[symbol] = self._lineage(symbol)
        return cached

    def _lineage(self, symbol: ClassSymbol) -> tuple[list[ClassSymbol], list[External | GlobalSymbol], bool]:
        left: list[ClassSymbol] = []
        outside: list[External | GlobalSymbol] = []
        known = True
        seen: set[ClassSymbol] = set()

        def visit(current: ClassSymbol) -> None:
            nonlocal known
            seen.add(current)
            for base in reversed(list(self.bases(current))):
                match base:
                    case ClassSymbol():
                        if base not in seen:
                            visit(base)
                    case External() | GlobalSymbol():
                        outside.append(base)
                    case _:
                        known = False
            left.append(current)

        visit(symbol)
        inside = left[::-1]
        outside.reverse()
        return inside, outside, known

    def global_term(self, symbol: GlobalSymbol) -> Term:
        return symbol.module.facts.globals[symbol.name]


def _says_nothing(facts: Facts) -> bool:
    return not (facts.imports or facts.stars or facts.globals or facts.functions or facts.classes or facts.body)


def _common(left: Iterable[str], right: Iterable[str]) -> int:
    count = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        count += 1
    return count
