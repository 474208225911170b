"""``async_sessionmaker``: the same sessions, driven by an ``AsyncSession``."""

from __future__ import annotations

from typing import Any, TypeVar, overload

from sqlalchemy.ext import asyncio

from outlive.sessions.sync import keeping

S = TypeVar("S", bound=asyncio.AsyncSession)


class async_sessionmaker(asyncio.async_sessionmaker[S]):  # noqa: N801  SQLAlchemy's name
    """SQLAlchemy's ``async_sessionmaker``, with sessions whose objects stay readable: see ``sessionmaker``.

    In async code an expired column is a ``MissingGreenlet`` while the session is still open: here a commit leaves none.

    ``class_`` may be any subclass of SQLAlchemy's ``AsyncSession``; its ``sync_session_class`` may be any subclass of
    ``Session``.
    """

    @overload
    def __init__(
        self,
        bind: asyncio.AsyncEngine | asyncio.AsyncConnection | None = ...,
        *,
        class_: type[S],
        autoflush: bool = ...,
        expire_on_commit: bool = ...,
        info: dict[Any, Any] | None = ...,
        **kw: Any,
    ) -> None: ...

    @overload
    def __init__(
        self: async_sessionmaker[asyncio.AsyncSession],
        bind: asyncio.AsyncEngine | asyncio.AsyncConnection | None = ...,
        *,
        autoflush: bool = ...,
        expire_on_commit: bool = ...,
        info: dict[Any, Any] | None = ...,
        **kw: Any,
    ) -> None: ...

    def __init__(
        self,
        bind: asyncio.AsyncEngine | asyncio.AsyncConnection | None = None,
        *,
        class_: type[Any] = asyncio.AsyncSession,
        expire_on_commit: bool = False,
        **kw: Any,
    ) -> None:
        super().__init__(bind, class_=class_, expire_on_commit=expire_on_commit, **kw)

    def __call__(self, **local_kw: Any) -> S:
        """Make a session; ``local_kw`` overrides what the factory was given."""
        chosen = local_kw.get("sync_session_class") or self.kw.get("sync_session_class")
        sync_class = chosen or self.class_.sync_session_class
        return super().__call__(**(local_kw | {"sync_session_class": keeping(sync_class)}))
