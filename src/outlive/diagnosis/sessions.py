"""Sessions, recognised by their classes.

``sqlalchemy.ext.asyncio`` is not imported for it: since SQLAlchemy 2.1 that fails without greenlet.
"""

from __future__ import annotations

from types import FrameType

from sqlalchemy.orm import Session, scoped_session

from outlive.diagnosis.tracebacks import variables_of

_ASYNC = frozenset({"AsyncSession", "async_scoped_session"})


def is_session(value: object) -> bool:
    """Whether the value is a session or a scoped session, sync or async."""
    return issubclass(type(value), (Session, scoped_session)) or is_async_session(value)


def is_async_session(value: object) -> bool:
    """Whether the value is an ``AsyncSession`` or an ``async_scoped_session``."""
    return any(
        base.__name__ in _ASYNC and base.__module__.startswith("sqlalchemy.ext.asyncio") for base in type(value).__mro__
    )


def sessions_in(frame: FrameType) -> list[object]:
    """The sessions among the frame's own variables; module globals say nothing about one call."""
    if frame.f_code.co_name == "<module>":
        return []
    return [value for value in variables_of(frame).values() if is_session(value)]


def sync_session_of(session: object) -> Session | None:
    """The ``Session`` that does the work; ``None`` for a scoped session, where only the registry knows."""
    if type(session).__name__ == "async_scoped_session":
        return None
    worker: object = getattr(session, "sync_session", None) if is_async_session(session) else session
    return worker if isinstance(worker, Session) else None
