"""What sessions ask of a mapping again and again, worked out once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar

from sqlalchemy import Column, Table, event
from sqlalchemy.orm import Mapper, RelationshipDirection, RelationshipProperty

M = TypeVar("M", Mapper[Any], RelationshipProperty[Any])
T = TypeVar("T")

_configured = 0


def once(function: Callable[[M], T]) -> Callable[[M], T]:
    """Remember the answer for each mapper or relationship, until more classes are mapped."""
    name = f"_outlive {function.__module__}.{function.__qualname__}"

    @wraps(function)
    def remembered(mapped: M) -> T:
        # Asked for each object of a commit: a dictionary with weak keys takes four times as long.
        answer: tuple[int, T] | None = mapped.__dict__.get(name)
        if answer is None or answer[0] != _configured:
            answer = mapped.__dict__[name] = _configured, function(mapped)
        return answer[1]

    return remembered


@event.listens_for(Mapper, "after_configured")
def _forget() -> None:
    global _configured  # noqa: PLW0603
    _configured += 1


@once
def key_names(mapper: Mapper[Any]) -> tuple[str, ...]:
    """The names of the attributes that hold the primary key, in its order."""
    return tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)


@once
def key_attributes(mapper: Mapper[Any]) -> dict[str, int]:
    """All names under which the primary key is mapped, each with its place in the identity.

    In joined inheritance a table may map its part of the key under another name.
    """
    places: dict[Any, int] = {column: index for index, column in enumerate(mapper.primary_key)}
    for table in mapper.tables:
        for column in table.primary_key:
            for key in column.foreign_keys:
                if key.column in places:
                    places.setdefault(column, places[key.column])
    return {mapper.get_property_by_column(column).key: index for column, index in places.items()}


@once
def deferred_columns(mapper: Mapper[Any]) -> frozenset[str]:
    """The names of the columns that are loaded when they are read."""
    return frozenset(column.key for column in mapper.column_attrs if column.deferred)


@once
def query_expressions(mapper: Mapper[Any]) -> frozenset[str]:
    """The names of attributes that only a query can give a value: ``query_expression()``, ``with_expression()``."""
    return frozenset(column.key for column in mapper.column_attrs if ("query_expression", True) in column.strategy_key)


@once
def lazy_attributes(mapper: Mapper[Any]) -> frozenset[str]:
    """The names of what a query may leave out: relationships and deferred columns."""
    return deferred_columns(mapper).union(mapper.relationships.keys())


@once
def server_columns(mapper: Mapper[Any]) -> Mapping[Table, frozenset[Column[Any]]]:
    """The columns that the database sets in any UPDATE, by table, of tables that may return them."""
    return {
        table: frozenset(column for column in _columns(table) if _is_set_by_server(column))
        for table in mapper.tables
        if isinstance(table, Table)
        and table.implicit_returning
        # True does it already, False says that the user does not want it.
        and mapper.base_mapper.eager_defaults == "auto"
        and table not in _updated_twice(mapper)
    }


def _columns(table: Any) -> list[Column[Any]]:
    return list(table.columns)


def _is_set_by_server(column: Column[Any]) -> bool:
    return column.server_onupdate is not None or (column.onupdate is not None and column.onupdate.is_clause_element)


def _updated_twice(mapper: Mapper[Any]) -> set[Any]:
    """Tables with a ``post_update`` relationship: SQLAlchemy ignores what its second UPDATE returns."""
    return {
        table
        for other in mapper.registry.mappers
        for relation in other.relationships
        if relation.post_update
        for table in (relation.mapper if relation.direction is RelationshipDirection.ONETOMANY else other).tables
    }
