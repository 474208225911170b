"""``loader_options``: what a schema needs, as options of a query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import event, inspect
from sqlalchemy.orm import (
    ColumnProperty,
    Mapper,
    RelationshipDirection,
    RelationshipProperty,
    defer,
    joinedload,
    lazyload,
    load_only,
    selectin_polymorphic,
    selectinload,
    undefer,
)

# What `selectinload()` returns; `Select.options` and `Load.options` want it, and it has no public name.
from sqlalchemy.orm.strategy_options import _AbstractLoad as LoaderOption  # pyright: ignore[reportPrivateUsage]

from outlive.keep.needs import Need, need_of
from outlive.keep.relationships import EAGER
from outlive.keep.schemas import name_of_type, schemas_in
from outlive.sessions.mapped import key_names

DEPTH = 255
"""Levels to which a recursive schema is followed: pydantic reads 254.  Without an end, SQLAlchemy would follow a cycle
in the rows for ever."""


_MADE = "_outlive_loader_options"
"""Where the options lie: on the mapper, which they refer to, so that they live as long as it does."""
_served: WeakSet[Mapper[Any]] = WeakSet()


def loader_options(model: type[object], schema: Any) -> tuple[LoaderOption, ...]:
    """The options with which a query loads what a schema reads, and nothing else.

    ``select(Order).options(*loader_options(Order, OrderOut))`` gives objects that can be converted into ``OrderOut``
    after their session has closed, in async code as well.  Relationships are loaded with ``selectinload``, many-to-one
    relationships with ``joinedload``, columns that nothing reads are left out with ``load_only``; primary keys,
    discriminators and version counters are always loaded.  What the mapping loads eagerly and the schema does not
    read is not loaded.

    The options of a class and a schema are made once, so it may be called for each request; those of a union are made
    each time.

    Args:
        model: The mapped class that the query selects.
        schema: A pydantic model, a SQLModel, a dataclass, a ``msgspec.Struct``, a ``TypedDict`` or ``NamedTuple``, or a
            type made of them, such as ``list[OrderOut]`` or ``OrderOut | OrderBrief``.

    Returns:
        Options for ``Select.options``, ``Session.get(options=...)``, or behind another one:
        ``selectinload(Customer.orders).options(*loader_options(Order, OrderOut))``.

    Raises:
        SchemaError: The schema names what the class lacks or what cannot be loaded, or reads what cannot be derived:
            see ``reads``.
        TypeError: Not a mapped class, or not a schema.
    """
    mapper = _mapper_of(model, schema)
    made: WeakKeyDictionary[Any, tuple[LoaderOption, ...]] = mapper.__dict__.setdefault(_MADE, WeakKeyDictionary())
    if isinstance(schema, type) and schema in made:
        return made[schema]
    schemas = schemas_in(schema)
    if not schemas:
        raise TypeError(f"expected a schema, such as a pydantic model or a dataclass, got {_shown(schema)}")
    only, *others = schemas
    if others:
        return tuple(_options(need_of(mapper, schemas)))
    if only not in made:
        made[only] = tuple(_options(need_of(mapper, schemas)))
        _served.add(mapper)
    return made[only]


@event.listens_for(Mapper, "after_configured")
def _forget() -> None:
    """A class that is mapped later may be a subclass of one that options were made for."""
    while _served:
        _served.pop().__dict__.pop(_MADE, None)


def _mapper_of(model: object, schema: object) -> Mapper[Any]:
    if isinstance(model, type):
        mapper: Mapper[Any] | None = inspect(model, raiseerr=False)
        if mapper is not None:
            return mapper
    if isinstance(inspect(schema, raiseerr=False), Mapper):
        raise TypeError(f"expected the mapped class first: loader_options({_shown(schema)}, {_shown(model)})")
    raise TypeError(f"expected a mapped class, got {_shown(model)}")


def _shown(given: object) -> str:
    return name_of_type(given) if isinstance(given, type) else repr(given)


def _options(need: Need) -> Iterator[LoaderOption]:
    """The options at one node of the tree, relative to its class."""
    beyond = _beyond(need)
    options = [
        *_column_options(need),
        *_relationship_options(need, need.mapper.relationships),
        *_subclass_options(need.mapper, beyond),
    ]
    yield from options
    for node in (need, *beyond.values()):
        for name in node.recursive:
            yield selectinload(getattr(node.mapper.class_, name), recursion_depth=DEPTH).options(*options)


def _beyond(need: Need) -> dict[Mapper[Any], Need]:
    """The subclasses to load separately, and what for."""
    chosen: dict[Mapper[Any], Need] = {}
    for mapper in need.mapper.self_and_descendants:
        beyond = need.subclasses.get(mapper, need).beyond(need)
        # What is loaded for a class is loaded for its subclasses too.
        if beyond and all(beyond.beyond(chosen[above]) for above in chosen if mapper.isa(above)):
            chosen[mapper] = beyond
    return chosen


def _column_options(need: Need) -> Iterator[LoaderOption]:
    columns = need.mapper.column_attrs
    kept = {*need.columns, *_always_loaded(need.mapper)}
    if need.whole or all(column.deferred or column.key in kept for column in columns):
        yield from _undeferred(need, columns)
        return
    named = [column for column in columns if column.key in kept and not _is_given_by_query(column)]
    yield load_only(*(getattr(need.mapper.class_, column.key) for column in named))
    for column in columns:
        # `load_only` alone would make them columns that load when they are read.
        if column.raiseload and column.key not in kept:
            yield defer(getattr(need.mapper.class_, column.key), raiseload=True)


def _undeferred(need: Need, columns: Iterable[ColumnProperty[Any]]) -> Iterator[LoaderOption]:
    for column in columns:
        if column.deferred and column.key in need.columns:
            yield undefer(getattr(need.mapper.class_, column.key))


def _always_loaded(mapper: Mapper[Any]) -> Iterator[str]:
    """The key, and the version counter: fetched late, it would be that of somebody else's change."""
    yield from key_names(mapper)
    if mapper.version_id_col is not None:
        yield mapper.get_property_by_column(mapper.version_id_col).key


def _is_given_by_query(column: ColumnProperty[Any]) -> bool:
    """Whether it is a ``query_expression()``, which a ``with_expression`` of the user loads."""
    return ("query_expression", True) in column.strategy_key


def _relationship_options(need: Need, relations: Iterable[RelationshipProperty[Any]]) -> Iterator[LoaderOption]:
    for relation in relations:
        attribute = getattr(need.mapper.class_, relation.key)
        if relation.key in need.related:
            # Of one object a join adds columns, not rows, and is faster than a statement of its own.
            load = joinedload if relation.direction is RelationshipDirection.MANYTOONE else selectinload
            yield load(attribute).options(*_options(need.related[relation.key]))
        elif relation.lazy in EAGER and not need.whole and relation.key not in need.recursive:
            yield lazyload(attribute)


def _subclass_options(base: Mapper[Any], beyond: Mapping[Mapper[Any], Need]) -> Iterator[LoaderOption]:
    if beyond:
        yield selectin_polymorphic(base.class_, [mapper.class_ for mapper in beyond])
    inherited = {*base.attrs.keys(), *_always_loaded(base)}
    wanted = {name for need in beyond.values() for name in need.columns}
    for mapper, need in beyond.items():
        columns = [column for column in mapper.column_attrs if column.key not in inherited]
        yield from _undeferred(need, columns)
        for column in columns:
            # `load_only` for a subclass would not leave out its other columns.
            if not (column.deferred or need.whole or column.key in wanted):
                yield defer(getattr(mapper.class_, column.key))
        yield from _relationship_options(need, [one for one in mapper.relationships if one.key not in inherited])
