"""Statements that find rows by a key: as many rows at once as the database takes, asked for in a way that it takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Dialect,
    Enum,
    Integer,
    Result,
    Select,
    String,
    Uuid,
    and_,
    any_,
    bindparam,
    or_,
    select,
    tuple_,
)
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.types import TypeEngine

from outlive.sessions.mapped import key_names

T = TypeVar("T")
Key: TypeAlias = tuple[Any, ...]
"""A primary key, or what refers to it, in the order of its columns."""

CHUNK = 1_000
"""Rows per statement, unless the database takes fewer parameters.  Oracle's lists are no longer."""
_OTHERS = 99
"""Parameters kept for the rest of a statement: a discriminator, the criteria of a listener."""
_FEWEST = 999
"""Parameters that any database takes: those of SQLite before 3.32."""
_WITH_TUPLES = frozenset({"mariadb", "mysql", "postgresql", "sqlite"})
"""Databases known to look for several columns in a list.  Source: SQLAlchemy 2.0 and 2.1, ``tuple_``."""
_WITH_ARRAYS = frozenset({"asyncpg", "psycopg", "psycopg_async"})
"""Drivers of PostgreSQL that send a list as an array."""


@dataclass(frozen=True)
class Lookup:
    """A statement that lacks the keys of the rows that it is to find.

    Attributes:
        session: Executes it.
        mapper: What it selects, and so the bind that it goes to.
        token: The identity token of what it selects; ``None`` without sharding.
        statement: All but the keys.
        columns: What keys are compared with.
    """

    session: Session
    mapper: Mapper[Any]
    token: Any
    statement: Select[*tuple[Any, ...]]
    columns: Sequence[ColumnElement[Any]]

    def chunks(self, items: Iterable[T]) -> Iterator[list[T]]:
        """The items in lists of as many as one statement finds."""
        listed = list(items)
        if listed:
            for start in range(0, len(listed), self._size):
                yield listed[start : start + self._size]

    def rows(self, keys: Sequence[Key]) -> Result[Any]:
        """The rows with these keys, in any order.  A key may contain ``None``."""
        return self.session.execute(
            self.statement.where(self._condition(keys)),
            execution_options={} if self.token is None else {"identity_token": self.token},
            bind_arguments={"mapper": self.mapper},
        )

    @cached_property
    def _dialect(self) -> Dialect | None:
        """That of the database; ``None`` if the session decides later."""
        if self.session.connection_callable is None:
            # As Session.execute() asks.
            return self.session.get_bind(mapper=self.mapper, clause=self.statement).dialect
        # A sharded session has a bind for each token, and sends a statement without one to several.
        return None if self.token is None else self.session.get_bind(self.mapper, shard_id=self.token).dialect

    @cached_property
    def _size(self) -> int:
        # What SQLAlchemy says of INSERT holds for any statement.
        limit = self._dialect.insertmanyvalues_max_parameters if self._dialect else _FEWEST
        return max(1, min(CHUNK, (limit - _OTHERS) // len(self.columns)))

    def _condition(self, keys: Sequence[Key]) -> ColumnElement[bool]:
        if len(self.columns) == 1 or not any(None in key for key in keys):
            return self._is_one_of(self.columns, keys)
        by_nulls: defaultdict[tuple[bool, ...], list[Key]] = defaultdict(list)
        for key in keys:
            by_nulls[tuple([value is None for value in key])].append(key)
        return or_(*(self._is_one_with_nulls(nulls, alike) for nulls, alike in by_nulls.items()))

    def _is_one_with_nulls(self, nulls: Sequence[bool], keys: Sequence[Key]) -> ColumnElement[bool]:
        """The condition for keys that are NULL in the same columns: NULL is equal to nothing, and in no list."""
        values = [not is_null for is_null in nulls]
        absent = [column.is_(None) for column in compress(self.columns, nulls)]
        rest = [tuple(compress(key, values)) for key in keys]
        return and_(*absent, self._is_one_of(list(compress(self.columns, values)), rest))

    def _is_one_of(self, columns: Sequence[ColumnElement[Any]], keys: Sequence[Key]) -> ColumnElement[bool]:
        if len(columns) == 1:
            [column], values = columns, [key[0] for key in keys]
            if self._dialect and _fit_in_array(values, column.type, self._dialect):
                # One parameter, and one text for any number of keys.  A length would cut values off.
                item = String() if isinstance(column.type, String) else column.type
                return column == any_(bindparam(None, values, type_=ARRAY(item)))
            return column.in_(bindparam(None, values, type_=column.type, expanding=True))
        if self._dialect and self._dialect.name in _WITH_TUPLES:
            return tuple_(*columns).in_(keys)
        return or_(*(and_(*(column == value for column, value in zip(columns, key, strict=True))) for key in keys))


def _fit_in_array(values: Sequence[Any], type_: TypeEngine[Any], dialect: Dialect) -> bool:
    """Whether ``= ANY (array)`` compares a column of this type with the values as ``=`` does with each of them."""
    kinds = {*map(type, values)}
    # psycopg sends no mixture.
    if dialect.name != "postgresql" or dialect.driver not in _WITH_ARRAYS or len(kinds) > 1:
        return False
    [kind] = kinds
    match type_.dialect_impl(dialect):
        case Integer():
            return issubclass(kind, int)
        case Enum():
            return False
        case String():
            return issubclass(kind, str)
        case Uuid(native_uuid=True):
            return issubclass(kind, UUID)
        case _:
            return False


def lookup_of_objects(session: Session, mapper: Mapper[Any], token: Any, options: Iterable[ORMOption] = ()) -> Lookup:
    """Finds the objects of a class by their primary keys."""
    return Lookup(session, mapper, token, select(mapper.entity).options(*options), key_columns(mapper))


def key_columns(mapper: Mapper[Any]) -> list[ColumnElement[Any]]:
    """The columns of the primary key, without the comparators that a user may have given to their attributes."""
    return [getattr(mapper.entity, name).expression for name in key_names(mapper)]
