"""Methods of SQLAlchemy's that are wrapped while somebody watches."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

Method = Callable[..., Any]
_ABSENT = object()


class Patches:
    """Wraps methods, and puts back what was there."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def wrap(self, owner: type, name: str, wrapper: Callable[[Method], Method]) -> None:
        """Replace a method by ``wrapper(method)``; one that this SQLAlchemy does not have is left out."""
        original: Method | None = getattr(owner, name, None)
        if original is not None:
            self.put(owner, name, wraps(original)(wrapper(original)))

    def put(self, owner: type, name: str, value: Any) -> None:
        """Give a class an attribute, in place of the one that it has or inherits."""
        before = vars(owner).get(name, _ABSENT)
        setattr(owner, name, value)

        def undo() -> None:
            # What somebody else has wrapped around it since is theirs to take away.
            if vars(owner).get(name) is not value:
                return
            if before is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, before)

        self._undo.append(undo)

    def restore(self) -> None:
        """Take the wrappers away, the last one first."""
        while self._undo:
            self._undo.pop()()
