"""A session for each task: opened before it, committed or rolled back after it, closed in any case."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias

from sqlalchemy import Engine
from sqlalchemy.orm import Session

Factory: TypeAlias = Callable[[], Session]
"""A ``sessionmaker`` or ``scoped_session``, or any function that returns a session."""

_session: ContextVar[Session | None] = ContextVar("outlive.boundary.units", default=None)


def task_session() -> Session:
    """The session of the task that runs.

    Raises:
        LookupError: No task runs here, or ``protect`` was given no ``session=``.
    """
    found = _session.get()
    if found is None:
        raise LookupError("no task with a session runs here: protect(..., session=SessionLocal) gives each task one")
    return found


@contextmanager
def unit_of_work(factory: Factory) -> Generator[Session]:
    """A session for as long as the block runs; commits at its end, rolls back if it raises."""
    session = factory()
    token = _session.set(session)
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        _session.reset(token)
        # A scoped_session would give the closed session to the next task of the thread.
        getattr(factory, "remove", session.close)()


def forget_connections(factory: Factory) -> None:
    """Give up the connections that this process shares with its parent, which goes on using them.

    Source: SQLAlchemy 2.0, "Using Connection Pools with Multiprocessing or os.fork()" (core/pooling).
    """
    options: Any = getattr(getattr(factory, "session_factory", factory), "kw", {})
    if isinstance(options.get("bind"), Engine):
        options["bind"].dispose(close=False)
