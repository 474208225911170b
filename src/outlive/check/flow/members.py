"""What the classes of a program have under which name, and the classes that are behind that.

A large program has thousands of classes, and a function has to do with hundreds: a set of them is a number with a bit
for each.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from outlive.check.program import ClassSymbol, FunctionSymbol

Classes: TypeAlias = int
"""A set of classes, by their numbers."""

Member: TypeAlias = FunctionSymbol | ClassSymbol | None
"""What a class has under a name: a method, a type, or what makes sessions."""


def numbers(classes: Classes) -> Iterator[int]:
    """The numbers of the classes in a set."""
    while classes:
        lowest = classes & -classes
        yield lowest.bit_length() - 1
        classes ^= lowest


def union(sets: Iterable[Classes]) -> Classes:
    """The classes that are in any of these sets."""
    found = 0
    for each in sets:
        found |= each
    return found


class Members:
    """The members of all classes, those that they inherit included.

    Attributes:
        having: The classes that have anything under a name.
    """

    def __init__(self, lineages: Sequence[Sequence[int]]) -> None:
        """``lineages`` has the number of each class and those of its ancestors."""
        self._lineages = lineages
        self._heirs = [0] * len(lineages)
        for number, lineage in enumerate(lineages):
            for above in lineage:
                self._heirs[above] |= 1 << number
        self.having: dict[str, Classes] = {}
        self._own: dict[str, dict[int, list[Member]]] = {}
        self._names: dict[Member, list[tuple[str, Classes]]] = {}

    def add(self, owner: int, name: str, member: Member) -> None:
        having = self._heirs[owner]
        self.having[name] = self.having.get(name, 0) | having
        self._own.setdefault(name, {}).setdefault(owner, []).append(member)
        self._names.setdefault(member, []).append((name, having))

    def under(self, name: str, classes: Classes) -> Iterator[Member]:
        """What these classes have under a name."""
        owners = self._own.get(name, {})
        for number in numbers(classes & self.having.get(name, 0)):
            for above in self._lineages[number]:
                yield from owners.get(above, ())

    def names(self, members: Iterable[Member]) -> Mapping[str, Classes]:
        """The names under which one of these is found, and the classes that have it there."""
        found: dict[str, Classes] = {}
        for member in members:
            for name, having in self._names.get(member, ()):
                found[name] = found.get(name, 0) | having
        return found


class Paths:
    """The ways from class to class, by the names of their members.

    ``behind`` gives the classes that are behind a member.
    """

    def __init__(self, members: Members, behind: Callable[[Member], Classes]) -> None:
        self._members = members
        self._behind = behind
        self._known: dict[tuple[str, Classes], Classes] = {}

    def follow(self, classes: Classes, names: Collection[str]) -> Classes:
        """Some classes, and all that are behind what these have under such names."""
        names = self._members.having.keys() & names if classes else ()
        before = 0
        while classes != before:
            before = classes
            for name in names:
                having = classes & self._members.having[name]
                if having:
                    classes |= self.step(name, having)
        return classes

    def step(self, name: str, having: Classes) -> Classes:
        """The classes behind what these have under a name."""
        found = self._known.get((name, having))
        if found is None:
            found = self._known[name, having] = union(map(self._behind, self._members.under(name, having)))
        return found
