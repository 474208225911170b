"""How snapshots are pickled: each once, without recursion, and with nothing that cannot be reached from them.

Pickle follows references as deep as they lead: a long chain of objects, or a many-to-many relationship loaded from both
sides, would hit the recursion limit.  So a snapshot is pickled as an empty *shell*, and what fills shells as *parcels*:
one for snapshots that reach each other in circles, together with the parcels that they reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias, cast

from outlive.keep.frozen import FrozenDict, FrozenList
from outlive.keep.layouts import Layout, Record, related

Filling: TypeAlias = "tuple[Shell, tuple[Any, ...]]"

_DEEP = 30
"""Parcels nested deeper than that are laid side by side."""


class Shell:
    """A snapshot as pickle sees it: empty if it has relationships, else with its values."""

    __slots__ = ("parcel", "record")

    def __init__(self, record: Record) -> None:
        self.record = record
        self.parcel: Parcel | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        layout = self.record.outlive_layout
        values = None if layout.relations else tuple(map(vars(self.record).__getitem__, layout.columns))
        return restored, (type(self.record), layout, self.record.outlive_identity, values)

    def links(self) -> Iterator[Shell]:
        """The shells of related snapshots that have relationships themselves."""
        for name in self.record.outlive_layout.relations:
            yield from (shell(other) for other in related(vars(self.record)[name]) if other.outlive_layout.relations)

    def filling(self) -> Filling:
        layout, values = self.record.outlive_layout, vars(self.record)
        relations = (_packed(values[name]) for name in layout.relations)
        return self, (*map(values.__getitem__, layout.columns), *relations)


class Parcel:
    """Fills the shells of snapshots that reach each other."""

    __slots__ = ("depth", "fillings", "others")

    def __init__(self, shells: Sequence[Shell]) -> None:
        links = (link.parcel for shell in shells for link in shell.links())
        self.others = tuple({parcel: None for parcel in links if parcel is not None})
        self.fillings = tuple(shell.filling() for shell in shells)
        self.depth: int = 1 + max((other.depth for other in self.others), default=0)
        if self.depth > _DEEP:
            nested = (filling for other in _all(self.others) for filling in other.fillings)
            self.fillings += tuple({filling[0]: filling for filling in nested}.values())
            self.others, self.depth = (), 1

    def __reduce__(self) -> tuple[Any, ...]:
        return filled, (self.fillings, self.others)


def packed(record: Record) -> tuple[Any, ...]:
    """What ``__reduce__`` of a snapshot returns."""
    mine = shell(record)
    if record.outlive_layout.relations and mine.parcel is None:
        _pack(mine)
    return opened, (mine, mine.parcel)


def shell(record: Record) -> Shell:
    """The shell of a snapshot, always the same one, so that pickle writes it once."""
    try:
        found: Shell = record.outlive_shell
    except AttributeError:
        found = Shell(record)
        object.__setattr__(record, "outlive_shell", found)
    return found


def _pack(root: Shell) -> None:
    """Give a parcel to all shells that can be reached: Tarjan's algorithm, which finishes what is reached first."""
    order = {root: 0}
    lowest = {root: 0}
    waiting = [root]
    way = [(root, root.links())]
    while way:
        here, links = way[-1]
        link = next((link for link in links if link.parcel is None), None)
        if link is None:
            way.pop()
            if lowest[here] == order[here]:
                _seal(waiting, here)
            if way:
                before = way[-1][0]
                lowest[before] = min(lowest[before], lowest[here])
        elif link in order:
            lowest[here] = min(lowest[here], order[link])
        else:
            order[link] = lowest[link] = len(order)
            waiting.append(link)
            way.append((link, link.links()))


def _seal(waiting: list[Shell], first: Shell) -> None:
    """Put the shells from this one on, which all reach each other, into a parcel."""
    members = [waiting.pop()]
    while members[-1] is not first:
        members.append(waiting.pop())
    parcel = Parcel(members)
    for member in members:
        member.parcel = parcel


def _all(parcels: Sequence[Parcel]) -> list[Parcel]:
    """The parcels and those nested in them, each once."""
    found = dict.fromkeys(parcels)
    rest = list(parcels)
    while rest:
        others = [other for other in rest.pop().others if other not in found]
        found.update(dict.fromkeys(others))
        rest += others
    return list(found)


def _packed(value: Any) -> Any:
    """A relationship with shells in place of snapshots, a collection as its type and its members."""
    if isinstance(value, dict):
        items = cast("dict[object, Record]", value).items()
        return FrozenDict, tuple((_shelled(key), shell(member)) for key, member in items)
    if isinstance(value, (list, frozenset)):
        members = cast("Iterable[Record]", value)
        return FrozenList if isinstance(value, list) else frozenset, tuple(map(shell, members))
    return _shelled(value)


def _shelled(value: Any) -> Any:
    return shell(value) if isinstance(value, Record) else value


# What pickle calls to load.


def opened(record: Record, parcel: None) -> Record:  # noqa: ARG001  loading the parcel has filled the record
    """The snapshot that was pickled."""
    return record


def restored(
    class_: type[Record], layout: Layout, identity: tuple[Any, ...] | None, values: tuple[Any, ...] | None
) -> Record:
    """A snapshot, empty if there are no values."""
    record = object.__new__(class_)
    object.__setattr__(record, "outlive_layout", layout)
    object.__setattr__(record, "outlive_identity", identity)
    if values is not None:
        vars(record).update(zip(layout.columns, values, strict=True))
    return record


def filled(fillings: Sequence[tuple[Record, tuple[Any, ...]]], others: Sequence[None]) -> None:  # noqa: ARG001  as above
    """Fill empty snapshots."""
    late: list[tuple[dict[str, Any], str, Any, Sequence[Any]]] = []
    for record, filling in fillings:
        layout, values = record.outlive_layout, vars(record)
        if values:
            continue
        values.update(zip((*layout.columns, *layout.relations), filling, strict=True))
        for name in layout.relations:
            if isinstance(values[name], tuple):
                make, members = values[name]
                late.append((values, name, make, members))
                values[name] = FrozenList(pair[1] for pair in members) if make is FrozenDict else FrozenList(members)
    # A set asks its members whether they are equal: by now they have their columns.
    for values, name, make, members in late:
        values[name] = make(members)
