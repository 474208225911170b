"""Primary keys, as far as a program spells them out."""

from __future__ import annotations

from outlive.check.flow.values import EVERY, Const, Unknown, Value


def is_known(key: Value | None) -> bool:
    """Whether equal keys are keys of one row."""
    return key == EVERY or isinstance(key, Const) or (isinstance(key, Unknown) and key.source != 0)


def are_different(key: Value | None, other: Value | None) -> bool:
    """Whether two keys belong to two rows; ``1`` and ``"1"`` may be one for the database."""
    if not isinstance(key, Const) or not isinstance(other, Const):
        return False
    return type(key.value) is type(other.value) and key.value != other.value
