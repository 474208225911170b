"""When two snapshots are equal: if nothing tells apart the graphs that they are part of."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, TypeAlias, cast

from outlive.keep.layouts import Record

Pairs: TypeAlias = "list[tuple[Record, Record]]"


class _Group:
    """Snapshots that were found equal: a node of a forest, in which equal ones have the same root."""

    __slots__ = ("above",)

    def __init__(self) -> None:
        self.above = self


def equal(first: Record, second: Record) -> bool:
    """Whether two snapshots are equal.

    What has been compared is remembered, else to compare two lists would be to compare all for each of their members.
    """
    found: list[tuple[Record, Record]] = []
    is_equal = _same(first, second, set(), found)
    if is_equal:
        for one, other in found:
            _group(one).above = _group(other)
    return is_equal


def _same(first: Record, second: Record, assumed: set[tuple[int, int]], found: Pairs) -> bool:
    """Whether two snapshots are equal if these pairs of ``id()`` are; adds the pairs that it compares.

    A pair that is being compared counts as equal: where a circle closes, nothing has told its members apart.
    """
    pairs = [(first, second)]
    while pairs:
        one, other = pairs.pop()
        if one is other or (id(one), id(other)) in assumed or _group(one) is _group(other):
            continue
        assumed.add((id(one), id(other)))
        found.append((one, other))
        if not _same_columns(one, other):
            return False
        for name in one.outlive_layout.relations:
            related = _paired(vars(one)[name], vars(other)[name], assumed)
            if related is None:
                return False
            pairs += related
    return True


def _group(record: Record) -> _Group:
    try:
        group: _Group = record.outlive_group
    except AttributeError:
        group = _Group()
        object.__setattr__(record, "outlive_group", group)
    while group.above is not group:
        group.above = group.above.above
        group = group.above
    return group


def hash_of(record: Record) -> int:
    """Equal snapshots have equal hashes.  Relationships have no part in it, so a circle is no problem."""
    entity, identity = record.outlive_layout.kind.entity, record.outlive_identity
    if identity is not None:
        return hash((entity, identity))
    columns = ((name, vars(record)[name]) for name in record.outlive_layout.columns)
    return hash((entity, frozenset(filter(_is_hashable, columns))))


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _same_columns(one: Record, other: Record) -> bool:
    if _label(one) != _label(other) or vars(one).keys() != vars(other).keys():
        return False
    values = [(vars(one)[name], vars(other)[name]) for name in one.outlive_layout.columns]
    # As in a list: a NaN equals itself.
    return all(mine is its or mine == its for mine, its in values)


def _paired(value: Any, its: Any, assumed: set[tuple[int, int]]) -> Pairs | None:
    """The snapshots of a relationship with their counterparts; ``None`` if they have none."""
    mine, theirs = _by_label(value), _by_label(its)
    if {label: len(members) for label, members in mine.items()} != {
        label: len(members) for label, members in theirs.items()
    }:
        return None
    pairs: Pairs = []
    for label, members in mine.items():
        if len(members) == 1:
            pairs.append((members[0], theirs[label][0]))
        elif not _match(members, theirs[label], assumed):
            return None
    return pairs


def _match(members: list[Record], counterparts: list[Record], assumed: set[tuple[int, int]]) -> bool:
    """Whether each takes one that is equal: objects without a key in a set.  Any equal one will do."""
    for member in members:
        found = next((one for one in counterparts if _same(member, one, set(assumed), [])), None)
        if found is None:
            return False
        counterparts.remove(found)
    return True


def _by_label(value: Any) -> dict[Any, list[Record]]:
    """The snapshots of a relationship under what they have in common with their counterparts."""
    labelled: defaultdict[Any, list[Record]] = defaultdict(list)
    if isinstance(value, dict):
        for key, member in cast("dict[object, Record]", value).items():
            labelled["value", _label(key)].append(member)
            if isinstance(key, Record):
                labelled["key", _label(key)].append(key)
    elif isinstance(value, frozenset):
        for member in cast("frozenset[Record]", value):
            labelled[_label(member)].append(member)
    elif isinstance(value, list):
        for place, member in enumerate(cast("list[Record]", value)):
            labelled[place].append(member)
    elif value is not None:
        labelled[None].append(value)
    return labelled


def _label(key: Any) -> Any:
    return (key.outlive_layout.kind.entity, key.outlive_identity) if isinstance(key, Record) else key
