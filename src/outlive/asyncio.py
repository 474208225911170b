"""The functions of ``outlive`` that need a session, for an ``AsyncSession`` or ``async_scoped_session``.

Each runs its namesake on the session's own ``Session``, so what that one says holds here.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session

AnyAsyncSession: TypeAlias = AsyncSession | async_scoped_session[Any]
