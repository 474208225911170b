"""Frozen values of mapped objects, which outlive session, transaction and process."""

from __future__ import annotations

from reprlib import Repr
from typing import Any, Generic, NoReturn, TypeVar

from outlive.keep import likeness, parcels, unfolding
from outlive.keep.layouts import Record, no_value

T_co = TypeVar("T_co", covariant=True)

_short = Repr()
_short.maxlevel = 2
_SHOWN = 8


class Snapshot(Record, Generic[T_co]):
    """The values that a mapped object had; ``outlive.snapshot`` takes them.

    Every attribute that was loaded can be read, under its own name and those of its synonyms: columns, composites,
    ``column_property``, and relationships, whose objects are snapshots in their turn.  Values keep their type and
    cannot be changed, in depth: a list is a list, a dict a dict, a set a ``frozenset``, each equal to its original.

    Reading a mapped attribute that was not loaded raises ``NotLoadedError``.  That is no ``AttributeError``: neither
    ``getattr`` with a default nor ``hasattr`` nor pydantic take its absence for a value.  ``vars(snapshot)`` is what
    was taken.  Hybrids, properties and methods of the class are not run.

    Snapshots are equal if class, identity and values are, also where they refer to each other in circles.  They can be
    hashed, and pickled: unpickling needs neither the mapped class nor SQLAlchemy's state of it.  pydantic reads them
    with ``from_attributes=True``.
    """

    __slots__ = ()

    def __init__(self) -> None:
        raise TypeError("a snapshot is taken of an object: outlive.snapshot(obj)")

    def to_dict(self) -> dict[str, Any]:
        """The values, and those of related objects, as dicts and lists that can be changed.

        Values keep their type; a composite becomes a dict, a set of objects a list.  A related object is given by its
        primary key alone where it would otherwise contain itself (``order.items[0].order``), and where a relationship
        repeats on the way to it (trees, friends of friends) and it stands elsewhere already.

        Attributes that were not loaded are left out.

        Raises:
            NotLoadedError: A column was expired; leaving it out would lose it without a word.
        """
        return unfolding.unfolded(self)

    def to_json(self) -> str:
        """``to_dict()`` as JSON.

        An enum is its value, ``Decimal`` and ``UUID`` are text, bytes are base64, dates, times and durations ISO 8601.

        Raises:
            NotLoadedError: See ``to_dict``.
            TypeError: A value has no form in JSON.
        """
        return unfolding.json(self)

    def __getattr__(self, name: str) -> Any:
        # Called for what `__dict__` lacks.
        target = self.outlive_layout.kind.synonyms.get(name)
        if target is not None:
            return getattr(self, target)
        raise no_value(self.outlive_layout, self.outlive_identity, name)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a snapshot cannot be changed: {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a snapshot cannot be changed: {name}")

    def __eq__(self, other: object) -> bool:
        return likeness.equal(self, other) if isinstance(other, Record) else NotImplemented

    def __hash__(self) -> int:
        return likeness.hash_of(self)

    def __repr__(self) -> str:
        layout, values = self.outlive_layout, vars(self)
        shown = [f"{name}={_short.repr(values[name])}" for name in layout.columns]
        shown += [f"{name}={_outline(values[name])}" for name in layout.relations]
        if len(shown) > _SHOWN:
            shown[_SHOWN:] = ["..."]
        return f"{' '.join(['<Snapshot', layout.kind.title(self.outlive_identity), *shown])}>"

    def __copy__(self) -> Snapshot[T_co]:
        return self

    def __deepcopy__(self, memo: object) -> Snapshot[T_co]:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return parcels.packed(self)


def _outline(value: Any) -> str:
    """Where a relationship leads, without following it."""
    if isinstance(value, Record):
        return f"<{value.outlive_layout.kind.title(value.outlive_identity)}>"
    return "None" if value is None else f"<{len(value)}>"
