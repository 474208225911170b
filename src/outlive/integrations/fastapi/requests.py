"""The sessions of one request, from the dependencies that open them to the route that commits them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import anyio
from fastapi import Response
from sqlalchemy import orm
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.concurrency import run_in_threadpool

T = TypeVar("T")
AnySession: TypeAlias = orm.Session | AsyncSession
_KEY = "outlive.sessions"


@dataclass(eq=False)
class RequestSession:
    """A session that a dependency has opened for a request.

    Attributes:
        session: Sync or async.
        response: The one whose status the path operation may set.
        read_only: Never committed.
        streaming: Used by the body of the response, too.
        is_handed_over: Whether the body of the response closes it.
    """

    session: AnySession
    response: Response
    read_only: bool = False
    streaming: bool = False
    is_handed_over: bool = False

    async def call(self, method: Callable[[AnySession], Awaitable[None] | None]) -> None:
        """Call a method of the session where it may be called: a sync one waits in a thread."""
        if isinstance(self.session, AsyncSession):
            awaitable = method(self.session)
            assert awaitable is not None
            await awaitable
        else:
            await run_in_threadpool(method, self.session)

    async def close(self) -> None:
        """Close the session, also where the request is cancelled: its connection would be lost otherwise."""
        with anyio.CancelScope(shield=True):
            await self.call(close)

    async def end_chunk(self) -> None:
        """End the transaction in which a chunk was made, and keep the objects as they are."""
        if self.session.in_transaction():
            await self.call(let_go if self.read_only else commit)


def flush(session: AnySession) -> Awaitable[None] | None:
    return session.flush()


def commit(session: AnySession) -> Awaitable[None] | None:
    return session.commit()


def roll_back(session: AnySession) -> Awaitable[None] | None:
    return session.rollback()


def close(session: AnySession) -> Awaitable[None] | None:
    return session.close()


def let_go(session: AnySession) -> Awaitable[None] | None:
    """Roll the transaction back and give the connection back; unlike ``rollback()`` it expires nothing."""
    if isinstance(session, AsyncSession):
        return session.run_sync(let_go)  # type: ignore[arg-type]
    transaction = session.get_transaction()
    if transaction is not None:
        transaction.close()
    return None


Step: TypeAlias = tuple[RequestSession, Callable[[AnySession], Awaitable[None] | None]]
RequestSessions: TypeAlias = list[RequestSession]
_current: ContextVar[RequestSessions] = ContextVar("outlive.sessions")


def sessions_of_route(scope: MutableMapping[str, Any]) -> RequestSessions | None:
    """Where the dependencies of a request put their sessions; ``None`` if its route is no ``SessionRoute``."""
    found: RequestSessions | None = scope.get(_KEY)
    return found


async def with_sessions(scope: MutableMapping[str, Any], handle: Callable[[], Awaitable[T]]) -> T:
    """Handle a request whose sessions the path operation is to find."""
    scope[_KEY] = sessions = RequestSessions()
    token = _current.set(sessions)
    try:
        return await handle()
    finally:
        _current.reset(token)


def current_sessions() -> RequestSessions:
    """The sessions of the request that is handled here, in the order in which they were opened."""
    return _current.get()


def ending(sessions: RequestSessions, *, commits: bool) -> list[Step]:
    """What ends their transactions, step by step.

    With several databases a commit can still fail after another one was done; what a flush can find is found first.
    """
    writing = [each for each in sessions if not each.read_only]
    if not commits:
        return [(each, roll_back) for each in writing]
    flushes: list[Step] = [(each, flush) for each in writing] if len(writing) > 1 else []
    return [*flushes, *((each, commit) for each in writing)]
