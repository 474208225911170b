"""Primary keys and versions as JSON, and back as the values that their columns hold."""

from __future__ import annotations

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias, cast
from uuid import UUID

import msgspec
from sqlalchemy.types import TypeEngine

Scalar: TypeAlias = bool | int | float | str | None
Encoded: TypeAlias = Scalar | dict[str, Scalar]

_CARRIED: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (bool, int, float, str, bytes, Decimal, UUID, datetime, date, time, timedelta)
}
_WIDEST = 2**63
"""No database has wider integers, and drivers answer to one with errors of all kinds."""


def encode(value: Any, type_: TypeEngine[Any] | None) -> Encoded:
    """The value of a column as JSON.

    Where the column's type does not declare its Python type, as most ``TypeDecorator`` classes do not, the text names
    that of the value: ``{"UUID": "..."}``.

    Raises:
        ValueError: It would not come back the same; says why.
    """
    if value is None:
        return None
    declared = python_type(type_)
    kind = declared or next((kind for kind in _CARRIED.values() if type(value) is kind), None)
    if kind is None or not (kind in _CARRIED.values() or issubclass(kind, Enum)):
        raise ValueError(f"JSON carries no {(kind or type(value)).__name__}")
    plain = _plain(value, kind)
    if _convert(plain, kind) != value:
        raise ValueError(f"expected {kind.__name__}, got {value!r}")
    return plain if declared else {kind.__name__: plain}


def decode(raw: Encoded, type_: TypeEngine[Any] | None) -> Any:
    """The value of a column from its JSON.

    Raises:
        ValueError: It does not fit the column; says what was expected.
    """
    if raw is None:
        return None
    kind = python_type(type_)
    if kind is not None:
        return _convert(raw, kind)
    if isinstance(raw, dict) and len(raw) == 1:
        [(name, plain)] = raw.items()
        if name in _CARRIED:
            return _convert(plain, _CARRIED[name])
    raise ValueError(f"expected the kind of the value with the value, as in {{'int': 1}}, got {raw!r}")


def python_type(type_: TypeEngine[Any] | None) -> type[Any] | None:
    """The type that the values declare: SQLAlchemy 2.0 raises, and 2.1 says ``object``, where there is no such type."""
    try:
        kind = object if type_ is None else type_.python_type
    except NotImplementedError:
        return None
    return None if kind is object else kind


def _plain(value: Any, kind: type[Any]) -> Scalar:
    if issubclass(kind, Enum):
        # As SQLAlchemy stores it: a value may be anything, and may change.
        return value.name if isinstance(value, kind) else None
    if isinstance(value, UUID | Decimal):
        return str(value)
    try:
        return cast("Scalar", msgspec.to_builtins(value))
    except TypeError:
        return None


def _convert(raw: Encoded, kind: type[Any]) -> Any:
    if issubclass(kind, Enum):
        if isinstance(raw, str) and raw in kind.__members__:
            return kind[raw]
        raise ValueError(f"expected a name of {kind.__name__}, got {raw!r}")
    if kind not in _CARRIED.values():
        raise ValueError(f"JSON carries no {kind.__name__}")
    if isinstance(raw, int) and not -_WIDEST <= raw < _WIDEST:
        raise ValueError(f"expected an integer of 64 bits, got {raw}")
    try:
        value: Any = msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"expected {kind.__name__}, got {raw!r}: {error}") from error
    # Neither can be compared, nor stand in JSON.
    if (isinstance(value, float) and not math.isfinite(value)) or (
        isinstance(value, Decimal) and not value.is_finite()
    ):
        raise ValueError(f"expected a finite {kind.__name__}, got {raw!r}")
    return value
