"""A graph of snapshots as dicts within dicts, and as JSON."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeAlias, cast

import msgspec

from outlive.keep.frozen import thawed
from outlive.keep.layouts import Record, not_loaded

Step: TypeAlias = tuple[str, str]
"""Class and name of a relationship."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How the unfolding has come to a snapshot: the one before it, and every relationship on the way."""

    record: Record
    before: _Way | None
    steps: frozenset[Step]

    def leads_through(self, record: Record) -> bool:
        way: _Way | None = self
        while way is not None and way.record is not record:
            way = way.before
        return way is not None


def unfolded(root: Record) -> dict[str, Any]:
    """What ``Snapshot.to_dict`` says: breadth first, so that what stands once stands where it is nearest."""
    top: dict[str, Any] = {}
    ahead = deque([(top, _Way(root, None, frozenset()))])
    seen = {id(root)}

    def unfold(way: _Way, step: Step, member: Record) -> dict[str, Any]:
        if id(member) in seen if step in way.steps else way.leads_through(member):
            return _key(member)
        target: dict[str, Any] = {}
        ahead.append((target, _Way(member, way, way.steps | {step})))
        seen.add(id(member))
        return target

    while ahead:
        target, way = ahead.popleft()
        layout, values = way.record.outlive_layout, vars(way.record)
        for name in layout.lost:
            raise not_loaded(layout.kind, way.record.outlive_identity, name, expired=True)
        target.update({name: thawed(values[name], as_dicts=True) for name in layout.columns})
        for name in layout.relations:
            target[name] = _replaced(values[name], partial(unfold, way, (layout.kind.entity, name)))
    return top


def json(root: Record) -> str:
    """What ``Snapshot.to_json`` says."""
    return msgspec.json.encode(unfolded(root), enc_hook=_refuse).decode()


def _refuse(value: object) -> NoReturn:
    raise TypeError(f"a value of type {type(value).__name__} has no form in JSON: to_dict() has it as it is")


def _replaced(value: Any, unfold: Callable[[Record], Any]) -> Any:
    """A relationship with something else in place of each snapshot."""
    if value is None:
        return None
    if isinstance(value, Record):
        return unfold(value)
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Record]", value).items()
        return {_identity(key) if isinstance(key, Record) else key: unfold(member) for key, member in items}
    return [unfold(member) for member in cast("Iterable[Record]", value)]


def _key(record: Record) -> dict[str, Any]:
    """The primary key alone; what there is of it, of an object that was new."""
    keys, identity = record.outlive_layout.kind.keys, record.outlive_identity
    if identity is not None:
        return dict(zip(keys, identity, strict=True))
    return {name: vars(record)[name] for name in keys if name in vars(record)}


def _identity(record: Record) -> Any:
    values = tuple(_key(record).values())
    return values[0] if len(values) == 1 else values
