"""Collections: one element of many, one value for two."""

from __future__ import annotations

from collections.abc import Sequence

from outlive.check.flow.values import (
    SOME_ANSWER,
    SOMETHING,
    UNKNOWN,
    Block,
    ClassValue,
    Const,
    Factory,
    Group,
    Handle,
    Many,
    Ref,
    Rows,
    SessionRef,
    Unknown,
    Value,
)
from outlive.check.program import External

EMPTY: dict[str, Value] = {"dict": Many(UNKNOWN), "list": Group(()), "set": Many(UNKNOWN)}
"""What `list()` and its like give."""


def item(base: Value, index: Value) -> Value:
    """One element of a collection, or the value under a key."""
    match base:
        case Many(element=element):
            return element
        case Group(items=items, names=names):
            if isinstance(index, Const) and isinstance(index.value, str):
                return items[names.index(index.value)] if index.value in names else UNKNOWN
            if isinstance(index, Const) and isinstance(index.value, int) and not names:
                return items[index.value] if -len(items) <= index.value < len(items) else UNKNOWN
            return join_all(items)
        case Rows(row=row):
            return row
        case External() if isinstance(index, ClassValue) and base.last in ("list", "List", "Sequence"):
            return Many(index)  # A type: `list[AuthorOut]`.
        case Ref() | External() | ClassValue():
            return base  # `async_sessionmaker[AsyncSession]`, or a relationship that may be one or many.
        case _:
            return UNKNOWN


def join(left: Value, right: Value) -> Value:
    """One value for two; what is known is kept, since a collection is asked for what may be in it."""
    if right == left or isinstance(right, Unknown):
        return left if left != SOMETHING or right == SOMETHING else UNKNOWN
    if isinstance(left, Many) and isinstance(right, (Many, Group)):
        return Many(join(left.element, item(right, UNKNOWN)))
    if isinstance(left, Ref) or (isinstance(left, Group) and left.items):
        return left
    return right


def join_all(values: Sequence[Value]) -> Value:
    joined: Value = UNKNOWN
    for value in values:
        joined = join(joined, value)
    return joined


def is_none(value: Value) -> bool | None:
    """Whether a value is ``None``; ``None`` where that cannot be known."""
    if isinstance(value, Const):
        return value.value is None
    is_there = isinstance(value, (SessionRef, Block, Group, Many, Factory, Handle)) or value in (SOMETHING, SOME_ANSWER)
    return False if is_there else None
