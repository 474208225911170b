"""The functions of ``outlive`` that need a session, for an ``AsyncSession`` or ``async_scoped_session``.

Each runs its namesake on the session's own ``Session``, so what that one says holds here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar, cast

from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.orm import Session

from outlive.keep import loading

P = ParamSpec("P")
T = TypeVar("T")
AnyAsyncSession: TypeAlias = AsyncSession | async_scoped_session[Any]


async def ensure_loaded(session: AnyAsyncSession, objs: object, *paths: loading.Path) -> None:
    """``outlive.ensure_loaded`` for an ``AsyncSession``: what is named can then be read without ``MissingGreenlet``."""
    await _run(session, loading.ensure_loaded, objs, *paths)


async def _run(
    session: AnyAsyncSession, function: Callable[Concatenate[Session, P], T], *args: P.args, **kw: P.kwargs
) -> T:
    """Run a function of ``outlive`` on the ``Session`` that an ``AsyncSession`` drives."""
    # async_scoped_session has no run_sync().
    found = cast("object", session() if isinstance(session, async_scoped_session) else session)
    if not isinstance(found, AsyncSession):
        remedy = ": use the same function of outlive" if isinstance(found, Session) else ""
        raise TypeError(f"expected an AsyncSession or async_scoped_session, got {type(found).__name__}{remedy}")
    return await found.run_sync(function, *args, **kw)
