"""What a snapshot is made of, and what it says of the attributes that it has not.

Nothing here needs the mapped class: a snapshot may be read where that cannot be imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from outlive.lifecycle.errors import NotLoadedError


class Part(StrEnum):
    """What an attribute of a mapped class is to a snapshot."""

    COLUMN = "column"
    DEFERRED = "deferred column"
    RELATIONSHIP = "relationship"
    COMPOSITE = "composite"
    WRITE_ONLY = "write-only relationship"
    DYNAMIC = "dynamic relationship"
    COMPUTED = "computed"
    """A hybrid, an association proxy: code of the class."""


class Absent(StrEnum):
    """Why a snapshot may lack an attribute of its class."""

    UNLOADED = "unloaded"
    OMITTED = "omitted"
    """Unloaded, and the user asked to have such attributes left out: reading one is an ``AttributeError``."""
    OUT_OF_SHAPE = "out of shape"


@dataclass(frozen=True, slots=True)
class Kind:
    """A mapped class.

    Attributes:
        entity: Module and qualified name.
        name: Its name alone.
        keys: Attributes of the primary key.
        parts: All attributes of the mapper except synonyms.
        synonyms: From the name of a synonym to that of its attribute.
    """

    entity: str
    name: str
    keys: tuple[str, ...]
    parts: Mapping[str, Part]
    synonyms: Mapping[str, str]

    def title(self, identity: tuple[Any, ...] | None) -> str:
        """``Order (1,)``, as ``sessions.objects.name_of`` has it."""
        return f"new {self.name}" if identity is None else f"{self.name} {identity}"


@dataclass(frozen=True, slots=True)
class Layout:
    """What a snapshot has, shared by all that have the same.

    Attributes:
        kind: The class.
        columns: Attributes with a plain value, in the mapper's order.
        relations: Attributes with snapshots, in the mapper's order.
        absent: Why it may lack others.
        lost: Columns, no deferred ones, that were expired.
    """

    kind: Kind
    columns: tuple[str, ...]
    relations: tuple[str, ...]
    absent: Absent
    lost: tuple[str, ...] = ()


class Record:
    """A snapshot without what users do with it: a layout, an identity, and the values in ``__dict__``."""

    __slots__ = ("__dict__", "__weakref__", "outlive_group", "outlive_identity", "outlive_layout", "outlive_shell")

    outlive_layout: Layout
    outlive_identity: tuple[Any, ...] | None
    outlive_group: Any
    """What it has been found equal to, once it has been compared."""
    outlive_shell: Any
    """How it is pickled, once it has been."""


def related(value: Any) -> Iterator[Record]:
    """The snapshots that a relationship leads to, those in the keys of a dict included."""
    if isinstance(value, Record):
        yield value
    elif isinstance(value, dict):
        for pair in cast("dict[object, object]", value).items():
            yield from (part for part in pair if isinstance(part, Record))
    elif value is not None:
        yield from (member for member in value if member is not None)


def no_value(layout: Layout, identity: tuple[Any, ...] | None, name: str) -> NotLoadedError | AttributeError:
    """The error of reading an attribute that a snapshot lacks."""
    kind = layout.kind
    if name not in kind.parts:
        what = "it has those of the mapping, and runs no property or method"
        return AttributeError(f"a snapshot of {kind.name} has no attribute {name!r}: {what}")
    if layout.absent is Absent.OMITTED:
        return AttributeError(f"{kind.name}.{name} was not loaded, and left out of the snapshot")
    if layout.absent is Absent.OUT_OF_SHAPE:
        return NotLoadedError(f"{kind.name}.{name} is not in the shape of this snapshot: name it there")
    return not_loaded(kind, identity, name, expired=name in layout.lost)


def not_loaded(kind: Kind, identity: tuple[Any, ...] | None, name: str, *, expired: bool = False) -> NotLoadedError:
    """The error about an attribute that the object had no value for: object, attribute, remedy."""
    variable, attribute = kind.name.lower(), f"{kind.name}.{name}"
    load = f"before the snapshot, ensure_loaded(session, {variable}, {attribute})"
    match kind.parts[name]:
        case Part.WRITE_ONLY:
            remedy = f"it is write-only, so select what you need, session.scalars({variable}.{name}.select())"
        case Part.DYNAMIC:
            remedy = f"it is dynamic, so ask for what you need, {variable}.{name}.all()"
        case Part.COMPUTED:
            remedy = "a snapshot has values of columns and relationships, and runs no code of the class"
        case Part.COMPOSITE:
            remedy = f"it is built of its columns when it is read, so read {variable}.{name} before the snapshot"
        case _ if identity is None:
            remedy = "it has never been set; set it, or flush and load it, before the snapshot"
        case Part.RELATIONSHIP:
            remedy = f"{load}, or with the query, .options(selectinload({attribute}))"
        case Part.DEFERRED:
            remedy = f"{load}, or with the query, .options(undefer({attribute}))"
        case _:
            remedy = load
    what = "was expired" if expired else "is not loaded"
    return NotLoadedError(f"{attribute} of {kind.title(identity)} {what}: {remedy}")
