"""The explanation as a note on an exception, where people look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from outlive.diagnosis import explain
from outlive.lifecycle.explanation import Explanation


def note(error: BaseException, *, redact: bool = False) -> Explanation | None:
    """Add the explanation of a lifetime error to an exception, unless Python prints it with the exception anyhow.

    A serializer or a framework may have wrapped the error, or lost it and kept its text.
    """
    explanation = explain(error, redact=redact)
    if explanation is not None:
        text = str(explanation)
        if not any(text in getattr(one, "__notes__", ()) for one in _printed(error)):
            error.add_note(text)
    return explanation


def _printed(error: BaseException) -> Iterator[BaseException]:
    """The exceptions that Python prints along with one."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if one.__cause__ is not None:
            waiting.append(one.__cause__)
        elif one.__context__ is not None and not one.__suppress_context__:
            waiting.append(one.__context__)
        if isinstance(one, BaseExceptionGroup):
            waiting.extend(cast("BaseExceptionGroup[BaseException]", one).exceptions)
