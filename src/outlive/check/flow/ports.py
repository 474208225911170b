"""Classes that somebody else fills: the repository behind ``orders: OrderRepository`` where that is a protocol.

A protocol or a class with abstract methods says what can be called and does nothing.  Where one class of the program
fills it, stand-ins of tests aside, an object of it is one of that class.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import PurePath

from outlive.check.flow.replaced import is_test
from outlive.check.program import ClassSymbol, External, Program

_STAND_IN = re.compile(r"^_*(?:Fake|Mock|Stub|Dummy|Spy|Test)|(?:Fake|Mock|Stub|Dummy|Spy)$")
_FOLDERS = frozenset({"fakes", "mocks", "stubs", "test", "testing", "tests"})


class Ports:
    """The classes of a program that others fill."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def filled(self, symbol: ClassSymbol) -> ClassSymbol:
        """The only class that fills this one; itself, where it is none to be filled, or more than one does that."""
        found = self._fillers.get(symbol, ())
        return found[0] if len(found) == 1 else symbol

    @cached_property
    def _fillers(self) -> dict[ClassSymbol, list[ClassSymbol]]:
        """The classes that fill each one that is to be filled."""
        found: dict[ClassSymbol, list[ClassSymbol]] = {}
        is_open = {each: self._is_open(each) for each in self._program.classes()}
        for each, to_be_filled in is_open.items():
            if not to_be_filled and not _stands_in(each):
                for above in self._program.lineage(each)[0]:
                    if is_open[above]:
                        found.setdefault(above, []).append(each)
        return found

    def _is_open(self, symbol: ClassSymbol) -> bool:
        """A protocol, or a class that has, or inherits, an abstract method that nobody has filled."""
        if any(isinstance(base, External) and base.last == "Protocol" for base in self._program.bases(symbol)):
            return True
        seen: set[str] = set()
        for class_ in self._program.lineage(symbol)[0]:
            for name, index in class_.facts.methods.items():
                decorated = class_.module.function(index).decorators
                if name not in seen and any(term.head.rpartition(".")[2] == "abstractmethod" for term in decorated):
                    return True
                seen.add(name)
        return False


def _stands_in(symbol: ClassSymbol) -> bool:
    """What tests use instead: told by its name, its file or its folder."""
    folders = PurePath(symbol.module.filename).parts[:-1]
    return (
        _STAND_IN.search(symbol.facts.name) is not None
        or is_test(symbol.module)
        or not _FOLDERS.isdisjoint(folder.lower() for folder in folders)
    )
