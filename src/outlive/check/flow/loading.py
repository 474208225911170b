"""Loader options and the objects that queries return."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from outlive.check.entities import Entity, Relationship
from outlive.check.flow.state import LOADED, UNLOADED, VAGUE, Status
from outlive.check.flow.values import Const, Load, Mapped, Option, Value

LOADERS = frozenset({"selectinload", "joinedload", "subqueryload", "immediateload", "contains_eager"})
UNLOADERS = frozenset({"lazyload", "noload", "raiseload"})
COLUMN_OPTIONS = frozenset({"load_only", "defer", "undefer", "undefer_group", "with_expression", "defaultload"})
OPTIONS = LOADERS | UNLOADERS | COLUMN_OPTIONS
VAGUE_OPTION = Option(Load(vague=True))


class Way(Struct, frozen=True):
    """The way from a query to an object that it loads.

    Attributes:
        owners: The classes on it, the object's own left out.
        at_once: All of it is loaded by the query, and nothing later, when it is read.
        joined: It is one step by joins, or none.
    """

    owners: tuple[str, ...] = ()
    at_once: bool = True
    joined: bool = True


HERE = Way()


def option(name: str, arguments: list[Value]) -> Option:
    """``selectinload(Author.books)``: relationships given one after the other are a path."""
    names = [_attribute(argument) for argument in arguments]
    if name == "undefer_group" or any(n is None for n in names) or not names:
        return VAGUE_OPTION
    known = [n for n in names if n is not None]
    if name in LOADERS or name == "defaultload":
        load = Load()
        for part in reversed(known):
            load = Load(rels=((part, load),)) if name in LOADERS else Load(vague=not load.rels)
        return Option(load, tuple(known))
    found = frozenset(known)
    if name == "load_only":
        return Option(Load(only=found))
    if name == "defer" or (name in UNLOADERS and len(known) == 1):
        return Option(Load(without=found))
    if name in UNLOADERS:
        return VAGUE_OPTION
    return Option(Load(columns=found))


def chained(first: Option, name: str, arguments: list[Value], starred: bool) -> Option:
    """``selectinload(A.b).joinedload(B.c)`` and ``selectinload(A.b).options(joinedload(B.c), ...)``."""
    if name == "options":
        load = first.load
        for argument in arguments:
            inner = argument if isinstance(argument, Option) else VAGUE_OPTION
            load = load.merged(_at(first.path, inner.load))
        if starred:
            load = load.merged(_at(first.path, VAGUE_OPTION.load))
        return Option(load, first.path)
    if name not in OPTIONS or starred:
        return VAGUE_OPTION
    inner = option(name, arguments)
    return Option(first.load.merged(_at(first.path, inner.load)), first.path + inner.path)


def _at(path: tuple[str, ...], load: Load) -> Load:
    for part in reversed(path):
        load = Load(rels=((part, load),))
    return load


def _attribute(value: Value) -> str | None:
    match value:
        case Mapped(name=name):
            return name
        case Const(value=str() as name) if name != "*":
            return name
        case _:
            return None


def statuses(entity: Entity, load: Load, way: Way = HERE) -> dict[str, Status]:
    """The attributes of a freshly loaded object that differ from its loaded columns, and all relationships."""
    if load.vague:
        made = dict.fromkeys(entity.relationships, VAGUE)
    else:
        made = {name: _by_mapping(entity, relationship, way) for name, relationship in entity.relationships.items()}
    for name, rel in entity.relationships.items():
        if rel.quiet or name in load.without:
            made[name] = VAGUE
    for name, column in entity.columns.items():
        if (
            column.deferred
            or name in load.without
            or (load.only is not None and name not in load.only and not column.primary_key)
        ):
            made[name] = LOADED if name in load.columns else VAGUE if load.vague else UNLOADED
    for name, _ in load.rels:
        made[name] = LOADED
    if not load.vague:
        made.update(dict.fromkeys(entity.below, UNLOADED))
    return made


def _by_mapping(entity: Entity, relationship: Relationship, way: Way) -> Status:
    """Whether a query loads a relationship that no option names."""
    if not relationship.eager:
        return UNLOADED
    target = relationship.target.facts.name if relationship.target is not None else ""
    if not relationship.ends or target not in (entity.name, *way.owners):
        return LOADED
    return UNLOADED if way.at_once and (relationship.ends == "always" or way.joined) else VAGUE


def with_options(load: Load, arguments: list[Value], starred: bool) -> Load:
    for argument in arguments:
        load = load.merged(argument.load if isinstance(argument, Option) else Load(vague=True))
    return replace(load, vague=True) if starred else load
