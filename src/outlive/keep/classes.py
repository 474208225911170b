"""Mapped classes by name: only what a registry maps can be named, so a text cannot reach anything else."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from sqlalchemy import inspect
from sqlalchemy.orm import Mapper, registry
from sqlalchemy.orm.exc import UnmappedClassError


def mapper_of(class_: type[Any]) -> Mapper[Any]:
    """The mapper of a class.

    Raises:
        UnmappedClassError: It has none.
    """
    mapper = cast("Mapper[Any] | None", inspect(class_, raiseerr=False))
    if isinstance(mapper, Mapper):
        return mapper
    raise UnmappedClassError(class_, f"expected a mapped class, got {class_!r}")


def mappers_of(base: type[Any] | registry) -> Collection[Mapper[Any]]:
    """The mappers of a class and its subclasses, or of a whole registry.

    Raises:
        TypeError: Neither a registry nor a class that belongs to one.
    """
    if isinstance(base, registry):
        return base.mappers
    if not isinstance(cast("object", base), type):
        raise TypeError(f"expected a declarative base, a mapped class or a registry, got {base!r}")
    mapper = cast("Mapper[Any] | None", inspect(base, raiseerr=False))
    # A declarative base is not mapped.  What all of them have, SQLModel too, is this name.
    found = mapper.registry if isinstance(mapper, Mapper) else getattr(base, "_sa_registry", None)
    if not isinstance(found, registry):
        raise TypeError(f"expected a declarative base, a mapped class or a registry, got {base!r}")
    return [mapper for mapper in found.mappers if issubclass(mapper.class_, base)]


def name_of_class(class_: type[Any]) -> str:
    """``shop.models:Order``, as entry points have it: the colon tells a module from a class around the class."""
    return f"{class_.__module__}:{class_.__qualname__}"


def entity_of(class_: type[Any]) -> str:
    """``shop.models.Order``, as snapshots have it."""
    return f"{class_.__module__}.{class_.__qualname__}"


def named(mappers: Collection[Mapper[Any]], name: str) -> Mapper[Any]:
    """The one mapper whose class has this name.

    Raises:
        ValueError: There is none, or several.
    """
    module, _, qualname = name.partition(":")
    alike = [mapper for mapper in mappers if mapper.class_.__qualname__ == qualname]
    found = [mapper for mapper in alike if mapper.class_.__module__ == module]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"{len(found)} classes are {name}")
    others = f", only {', '.join(sorted(name_of_class(mapper.class_) for mapper in alike))}" if alike else ""
    raise ValueError(f"no mapped class is {name!r:.200}{others}")
