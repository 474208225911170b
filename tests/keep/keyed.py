"""Mapped classes whose primary keys are of every type that keys have, and names that are not easy to tell apart."""

from __future__ import annotations

import enum
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Enum,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    String,
    Time,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry
from sqlalchemy.types import JSON, UserDefinedType


class Base(DeclarativeBase):
    """The registry of all of them."""


@contextmanager
def namesakes() -> Iterator[None]:
    """SQLAlchemy warns of two classes of one name in a module: they cannot both be named in a ``relationship``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)
        yield


class Size(enum.Enum):
    SMALL = ("s", 1)
    LARGE = ("l", 2)


class Rank(enum.IntEnum):
    FIRST = 1
    SECOND = 2


class Guid(TypeDecorator[uuid.UUID]):
    """The recipe of SQLAlchemy's documentation in short; like that one it does not declare its Python type."""

    impl = CHAR(32)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: object) -> str | None:
        return None if value is None else value.hex

    def process_result_value(self, value: Any, dialect: object) -> uuid.UUID | None:
        return None if value is None else uuid.UUID(value)


class RankType(TypeDecorator[Rank]):
    """Gives what JSON does not carry, and does not say so."""

    impl = Integer
    cache_ok = True

    def process_result_value(self, value: Any, dialect: object) -> Rank | None:
        return None if value is None else Rank(value)


class Point(UserDefinedType[Any]):
    cache_ok = True

    def get_col_spec(self, **_kw: object) -> str:
        return "POINT"

    @property
    def python_type(self) -> type[Any]:
        return complex


TYPES: dict[type[Any], Any] = {
    int: BigInteger(),
    str: String(200),
    uuid.UUID: Uuid(),
    datetime: DateTime().with_variant(mysql.DATETIME(fsp=6), "mariadb"),
    date: Date(),
    time: Time(),
    timedelta: Interval(),
    Decimal: Numeric(30, 10),
    bytes: LargeBinary().with_variant(mysql.VARBINARY(200), "mariadb"),
    Size: Enum(Size),
    bool: Boolean(),
    float: Double(),
}


def keyed(name: str, *types: Any) -> type[Any]:
    """A class whose key has these column types."""
    columns = {
        f"key_{index}": mapped_column(type_, primary_key=True, autoincrement=False) for index, type_ in enumerate(types)
    }
    return type(name, (Base,), {"__tablename__": name.lower(), "__module__": __name__, **columns})


BY = {kind: keyed(f"By{kind.__name__.capitalize()}", type_) for kind, type_ in TYPES.items()}
ByGuid = keyed("ByGuid", Guid())
ByChar = keyed("ByChar", CHAR(5))
ByRank = keyed("ByRank", RankType())
ByPoint = keyed("ByPoint", Point())
ByJson = keyed("ByJson", JSON())
Pair = keyed("Pair", Integer(), String(20))


class Outer(Base):
    __tablename__ = "outer"
    id: Mapped[int] = mapped_column(primary_key=True)

    class Line(Base):
        __tablename__ = "outer_line"
        id: Mapped[int] = mapped_column(primary_key=True)


with namesakes():

    class Line(Base):
        __tablename__ = "line"
        id: Mapped[int] = mapped_column(primary_key=True)


class Versioned(Base):
    __tablename__ = "versioned"
    id: Mapped[int] = mapped_column(primary_key=True)
    changed: Mapped[datetime] = mapped_column()
    __mapper_args__: ClassVar = {
        "version_id_col": changed,
        "version_id_generator": lambda _version: datetime(2026, 1, 1),
    }


def local(table: str) -> type[Any]:
    """Two calls give two classes of one name."""

    with namesakes():

        class Local(Base):
            __tablename__ = table
            id: Mapped[int] = mapped_column(primary_key=True)

    return Local


elsewhere = registry()


@elsewhere.mapped
class Decorated:
    """Without a base."""

    __tablename__ = "decorated"
    id: Mapped[int] = mapped_column(primary_key=True)
