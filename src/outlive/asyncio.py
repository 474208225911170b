"""The functions of ``outlive`` that need a session, for an ``AsyncSession`` or ``async_scoped_session``.

Each runs its namesake on the session's own ``Session``, so what that one says holds here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Concatenate, Literal, ParamSpec, TypeAlias, TypeVar, cast, overload

from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.orm import QueryableAttribute, Session

from outlive.keep import attaching, loading, references, refreshing, scopes

P = ParamSpec("P")
T = TypeVar("T")
AnyAsyncSession: TypeAlias = AsyncSession | async_scoped_session[Any]


async def ensure_loaded(session: AnyAsyncSession, objs: object, *paths: loading.Path) -> None:
    """``outlive.ensure_loaded`` for an ``AsyncSession``: what is named can then be read without ``MissingGreenlet``."""
    await _run(session, loading.ensure_loaded, objs, *paths)


async def fresh(session: AnyAsyncSession, obj: object, attribute: QueryableAttribute[T]) -> T:
    """``outlive.fresh`` for an ``AsyncSession``."""
    return await _run(session, refreshing.fresh, obj, attribute)


@overload
async def refresh_all(
    session: AnyAsyncSession,
    objs: Iterable[T],
    attribute_names: scopes.Names | None = None,
    with_for_update: refreshing.Lock = None,
    *,
    dirty: refreshing.Dirty = "raise",
    missing: refreshing.Missing = "raise",
) -> list[T]: ...


@overload
async def refresh_all(
    session: AnyAsyncSession,
    objs: T,
    attribute_names: scopes.Names | None = None,
    with_for_update: refreshing.Lock = None,
    *,
    dirty: refreshing.Dirty = "raise",
    missing: refreshing.Missing = "raise",
) -> list[T]: ...


async def refresh_all(  # noqa: PLR0913  those of outlive.refresh_all
    session: AnyAsyncSession,
    objs: object,
    attribute_names: scopes.Names | None = None,
    with_for_update: refreshing.Lock = None,
    *,
    dirty: refreshing.Dirty = "raise",
    missing: refreshing.Missing = "raise",
) -> list[Any]:
    """``outlive.refresh_all`` for an ``AsyncSession``."""
    return await _run(
        session, refreshing.refresh_all, objs, attribute_names, with_for_update, dirty=dirty, missing=missing
    )


async def load(session: AnyAsyncSession, ref: references.Reference[T], *, version: references.Versions = "check") -> T:
    """``Reference.load`` for an ``AsyncSession``."""
    return await _run(session, ref.load, version=version)


async def load_all(
    session: AnyAsyncSession,
    refs: Iterable[references.Reference[T]],
    *,
    missing: Literal["raise", "skip"] = "raise",
    version: references.Versions = "check",
) -> list[T]:
    """``outlive.load_all`` for an ``AsyncSession``."""
    return await _run(session, references.load_all, refs, missing=missing, version=version)


@overload
async def reattach(session: AnyAsyncSession, obj: T, *, missing: Literal["raise", "insert"] = "raise") -> T: ...


@overload
async def reattach(session: AnyAsyncSession, obj: T, *, missing: attaching.Missing) -> T | None: ...


async def reattach(session: AnyAsyncSession, obj: T, *, missing: attaching.Missing = "raise") -> T | None:
    """``outlive.reattach`` for an ``AsyncSession``."""
    return await _run(session, attaching.reattach, obj, missing=missing)


async def reattach_all(session: AnyAsyncSession, objs: Iterable[T], *, missing: attaching.Missing = "raise") -> list[T]:
    """``outlive.reattach_all`` for an ``AsyncSession``."""
    return await _run(session, attaching.reattach_all, objs, missing=missing)


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
