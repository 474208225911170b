"""Values that cannot be changed, and share nothing that can with what they were made from.

A frozen value equals its original and is an instance of its type: a list stays a list.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import FrozenInstanceError, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, NoReturn, TypeVar, cast
from uuid import UUID
from weakref import WeakValueDictionary

from sqlalchemy.ext.mutable import MutableBase

K = TypeVar("K")
V = TypeVar("V")

ATOMS: frozenset[type] = frozenset(
    {bool, bytes, complex, date, datetime, Decimal, float, int, str, time, timedelta, type(None), UUID}
)
"""Types whose values nobody can change."""
_IMMUTABLE = (Enum, *ATOMS)


class FrozenList(list[V]):
    """A list that refuses changes; ``list(value)`` is one that does not."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenList, (tuple(self),)


class FrozenDict(dict[K, V]):
    """A dict that refuses changes; ``dict(value)`` is one that does not."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (tuple(self.items()),)


def _refuse(self: object, *_: object, **__: object) -> NoReturn:
    builtin = "list" if isinstance(self, list) else "dict"
    raise TypeError(f"a value of a snapshot cannot be changed: {builtin}(...) makes a copy that can")


for _name in ("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"):
    setattr(FrozenList, _name, _refuse)
for _name in ("clear", "pop", "popitem", "setdefault", "update"):
    setattr(FrozenDict, _name, _refuse)
for _name in ("__delitem__", "__iadd__", "__imul__", "__setitem__"):
    setattr(FrozenList, _name, _refuse)
for _name in ("__delitem__", "__ior__", "__setitem__"):
    setattr(FrozenDict, _name, _refuse)


class _FrozenRecord:
    """What the frozen twin of a dataclass does before the dataclass does anything."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Spare the dataclass the news: it may count its subclasses, or want arguments."""

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"a value of a snapshot cannot be changed: {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError(f"a value of a snapshot cannot be changed: {name}")

    def __copy__(self) -> _FrozenRecord:
        return self

    def __deepcopy__(self, memo: object) -> _FrozenRecord:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return twin, (self.__class__, _values(self))


def frozen(value: Any) -> Any:
    """The value itself if nobody can change it, else an equal one that nobody can change.

    Lists, dicts, sets, tuples, byte arrays and dataclasses are frozen in depth.  A value of another class is copied in
    depth: it shares nothing with the original, and its class decides whether it can be changed.
    """
    if isinstance(value, (*_IMMUTABLE, _FrozenRecord)):
        return value
    if isinstance(value, dict):
        return FrozenDict({key: frozen(item) for key, item in cast("dict[object, object]", value).items()})
    if isinstance(value, list):
        return FrozenList(map(frozen, cast("list[object]", value)))
    if isinstance(value, tuple):
        return _tuple(cast("tuple[object, ...]", value), frozen)
    if isinstance(value, (set, frozenset)):
        return frozenset(cast("set[object]", value))
    if isinstance(value, bytearray):
        return bytes(value)
    # A subclass that is not a dataclass itself may have more than its fields.
    if "__dataclass_fields__" in vars(value.__class__):
        return _frozen_dataclass(value)
    return _copied(value)


def thawed(value: Any, *, as_dicts: bool = False) -> Any:
    """A copy of a frozen value that can be changed in depth: of its own type, or with dicts in place of dataclasses."""

    def inner(item: object) -> Any:
        return thawed(item, as_dicts=as_dicts)

    if isinstance(value, _IMMUTABLE):
        return value
    if isinstance(value, dict):
        return {key: inner(item) for key, item in cast("dict[object, object]", value).items()}
    if isinstance(value, list):
        return list(map(inner, cast("list[object]", value)))
    if isinstance(value, tuple):
        return _tuple(cast("tuple[object, ...]", value), inner)
    if isinstance(value, frozenset):
        return set(cast("frozenset[object]", value))
    if is_dataclass(value) and not isinstance(value, type):
        values = {name: inner(item) for name, item in _values(value).items()}
        return values if as_dicts else _filled(value.__class__, values)
    return _copied(value)


def twin(class_: type, values: dict[str, Any]) -> Any:
    """An instance of a dataclass with these values that refuses changes, made without running code of the class."""
    made = _twins.get(class_)
    if made is None:
        # A dataclass compares and prints the `__class__` of its instances: so the twin is equal to its original.
        body = {"__slots__": (), "__class__": property(lambda _: class_), "__module__": class_.__module__}
        made = _twins[class_] = type(class_)(class_.__name__, (_FrozenRecord, class_), body)
    return _filled(made, values)


_twins: WeakValueDictionary[type, type] = WeakValueDictionary()


def _frozen_dataclass(value: Any) -> Any:
    before = _values(value)
    after = {name: frozen(item) for name, item in before.items()}
    if value.__dataclass_params__.frozen and all(after[name] is before[name] for name in before):
        return value
    return twin(value.__class__, after)


def _values(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record) if hasattr(record, field.name)}


def _filled(class_: type[Any], values: dict[str, Any]) -> Any:
    record = object.__new__(class_)
    for name, value in values.items():
        object.__setattr__(record, name, value)
    return record


def _tuple(value: tuple[object, ...], convert: Callable[[object], object]) -> tuple[object, ...]:
    made = tuple(map(convert, value))
    if all(new is old for new, old in zip(made, value, strict=True)):
        return value
    make: Callable[[Iterable[object]], tuple[object, ...]] = getattr(value, "_make", tuple)
    return make(made)


def _copied(value: Any) -> Any:
    made = copy.deepcopy(value)
    if isinstance(made, MutableBase):
        # Else a change of the copy would mark the object as changed.
        vars(made).pop("_parents", None)
    return made
