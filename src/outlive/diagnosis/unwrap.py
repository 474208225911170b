"""The lifetime error inside whatever reached the user."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy.exc import StatementError

from outlive.diagnosis.kinds import Kind, kind_of, kind_of_text, message_of
from outlive.diagnosis.tracebacks import Call, calls_in
from outlive.lifecycle.evidence import Evidence
from outlive.lifecycle.frames import shown
from outlive.lifecycle.places import Place


@dataclass(frozen=True, slots=True)
class Failure:
    """A lifetime error, and what is left of it.

    Attributes:
        kind: What SQLAlchemy refused.
        error: The exception; ``None`` where a serializer left its text alone.
        message: SQLAlchemy's message.
        calls: The calls of its traceback, innermost first, then those of the exceptions around it.
        source: The object that a serializer was reading; ``None`` elsewhere.
        field: The field that it read; ``None`` elsewhere.
        told: Evidence that a wrapper brings along, such as the path operation of a response.
        is_raised: It is raised now: nothing has happened since.
    """

    kind: Kind
    error: BaseException | None
    message: str
    calls: tuple[Call, ...]
    source: object = None
    field: str | None = None
    told: tuple[Evidence, ...] = ()
    is_raised: bool = False


def failures_in(exc: BaseException) -> Iterator[Failure]:
    """Every lifetime error inside an exception, the outermost first.

    Follows what Python prints (``__cause__``, else ``__context__`` unless suppressed), the members of exception
    groups, ``StatementError.orig``, and the texts that pydantic and FastAPI keep of an error in an attribute.
    """
    waiting: list[tuple[BaseException, tuple[BaseException, ...]]] = [(exc, ())]
    seen: set[int] = set()
    while waiting:
        error, around = waiting.pop()
        if id(error) in seen:
            continue
        seen.add(id(error))
        chain = (error, *around)
        kind = kind_of(error)
        if kind:
            first = first_in_context(error, kind)
            chain = chain if first is error else (first, *chain)
            yield Failure(kind, first, message_of(first), calls_of(chain))
        yield from serializer_failures(chain)
        waiting.extend((inner, chain) for inner in reversed(list(inner_errors(error))))


def first_in_context(error: BaseException, kind: Kind) -> BaseException:
    """The error that led to this one of the same kind: a session that closes after a failure often fails again."""
    seen = {id(error)}
    context = error.__context__
    while context is not None and id(context) not in seen and kind_of(context) is kind:
        # SQLAlchemy's own wrappers have a context without any frame of the user's.
        if any(call.user for call in calls_in(context.__traceback__)):
            error = context
        seen.add(id(context))
        context = context.__context__
    return error


def calls_of(chain: tuple[BaseException, ...]) -> tuple[Call, ...]:
    """The calls of several tracebacks, those of the inner exceptions first."""
    return tuple(call for error in chain for call in calls_in(error.__traceback__))


def inner_errors(error: BaseException) -> Iterator[BaseException]:
    """The exceptions directly inside one, the likeliest first."""
    if isinstance(error, StatementError) and error.orig is not None:
        yield error.orig
    if isinstance(error, BaseExceptionGroup):
        yield from cast("BaseExceptionGroup[BaseException]", error).exceptions
    if error.__cause__ is not None:
        yield error.__cause__
    elif error.__context__ is not None and not error.__suppress_context__:
        yield error.__context__


def serializer_failures(chain: tuple[BaseException, ...]) -> Iterator[Failure]:
    """The errors in attributes that a pydantic validation met: it keeps their text and the object it read."""
    for detail in details_of(chain[0]):
        if detail.get("type") == "get_attribute_error":
            text = str(detail["ctx"]["error"])
            kind = kind_of_text(text)
            if kind:
                message = text.partition(": ")[2].partition(" (Background on this error")[0]
                field = str(detail["loc"][-1])
                told = told_by_endpoint(chain[0])
                yield Failure(kind, None, message, calls_of(chain), detail["input"], field, told)


def details_of(error: BaseException) -> list[Mapping[str, Any]]:
    """The details of a pydantic or FastAPI validation error; empty for other errors."""
    for module, name in (("pydantic_core", "ValidationError"), ("fastapi.exceptions", "ValidationException")):
        known = getattr(sys.modules.get(module), name, None)
        if isinstance(known, type) and isinstance(error, known):
            return list(cast("Any", error).errors())
    return []


def told_by_endpoint(error: BaseException) -> tuple[Evidence, ...]:
    """The path operation that returned the object, where FastAPI (0.123 and later) tells it."""
    context = vars(error).get("endpoint_ctx") if hasattr(error, "__dict__") else None
    if not isinstance(context, dict):
        return ()
    known = cast("dict[str, object]", context)
    file, line = known.get("file"), known.get("line")
    if not isinstance(file, str) or not isinstance(line, int):
        return ()
    return (Evidence(Place(shown(file), line), f"returned by `{known.get('function')}` ({known.get('path')})"),)
