"""References and snapshots as parts of a message: tagged JSON, read against a list of what is allowed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from sqlalchemy import Row
from sqlalchemy.orm import registry

from outlive.boundary.live import changes_of, state_within
from outlive.boundary.snapshots import read_snapshot, write_snapshot
from outlive.keep.classes import mappers_of
from outlive.keep.references import Reference, reference
from outlive.keep.snapshots import Snapshot
from outlive.lifecycle.errors import InvalidReferenceError

Base: TypeAlias = type[Any] | registry
Arrival: TypeAlias = Reference[Any] | Snapshot[Any]
REFERENCE, SNAPSHOT = TAGS = "outlive.reference", "outlive.snapshot"
_REFERENCE: type[Any] = Reference
_ARRIVALS: tuple[type[Any], ...] = (Reference, Snapshot)

_allowed: dict[int, Base] = {}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What a message had in the place of a reference or a snapshot.

    It stands there until somebody wants to use it, for a queue that cannot decode a message loses it.
    """

    sent: object
    reason: str


def allow(base: Base) -> None:
    """Let messages refer to the classes of a base.

    Raises:
        TypeError: See ``Reference.loads``.
    """
    mappers_of(base)
    _allowed[id(base)] = base


def write(value: Arrival) -> tuple[str, object]:
    """The tag and the JSON of a reference or a snapshot.

    Raises:
        TypeError: A snapshot that JSON cannot carry.
        InvalidReferenceError: A reference that JSON cannot carry.
    """
    if isinstance(value, Reference):
        return REFERENCE, value.dumps()
    known = {mapper: None for base in _allowed.values() for mapper in mappers_of(base)}
    return SNAPSHOT, write_snapshot(value, list(known))


def read(tag: str, sent: Any) -> Arrival | Unreadable:
    """What a tagged value of a message stands for; never raises."""
    reason = "no class is allowed: protect(..., Base) comes first"
    for base in _allowed.values():
        try:
            return Reference.loads(sent, base) if tag == REFERENCE else read_snapshot(sent, mappers_of(base))
        except ValueError as error:
            reason = str(error)
    return Unreadable(sent, reason)


def referred(value: Any) -> Any:
    """A value with references in the place of mapped objects, in dicts, lists and tuples; the same one if it has none.

    An object that has no row, or changes that its row lacks, stays.
    """
    state = state_within(value)
    if state is not None:
        is_settled = state.has_identity and not state.was_deleted and not state.deleted and not changes_of(state)
        return reference(state.obj()) if is_settled else value
    return _rebuilt(value, referred)


def loaded(value: Any, objects: Mapping[int, Any]) -> Any:
    """A value with objects, by the ``id()`` of their references, in the place of these."""

    def change(part: Any) -> Any:
        return objects[id(part)] if isinstance(part, _REFERENCE) else _rebuilt(part, change)

    return change(value)


def arrivals_in(value: Any) -> list[Arrival]:
    """The references and snapshots inside a value that was a message.

    Raises:
        InvalidReferenceError: One that could not be read.
    """
    found: list[Arrival] = []
    ahead = [value]
    while ahead:
        part = ahead.pop()
        if isinstance(part, _ARRIVALS):
            found.append(part)
        elif isinstance(part, dict):
            ahead += reversed(cast("dict[object, object]", part).values())
        elif isinstance(part, (list, tuple)):
            ahead += reversed(cast("list[object]", part))
        elif isinstance(part, Unreadable):
            raise InvalidReferenceError(f"the message is refused: {part.reason}")
    return found


def _rebuilt(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        items = cast("dict[object, object]", value)
        changed = {key: new for key, part in items.items() if (new := change(part)) is not part}
        if changed:
            # A signature of Celery is a dict, and has to stay one of its kind.
            value = copy.copy(items)
            value.update(changed)
    elif isinstance(value, (list, tuple, Row)):
        parts = cast("list[object]", value)
        rebuilt = [change(part) for part in parts]
        if any(new is not part for new, part in zip(rebuilt, parts, strict=True)):
            return rebuilt if isinstance(value, list) else tuple(rebuilt)
    return cast("object", value)
