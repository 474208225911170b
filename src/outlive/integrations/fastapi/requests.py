"""The sessions of one request, from the dependencies that open them to the route that commits them."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import anyio.to_thread
from fastapi import Response
from sqlalchemy import exc, orm

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession  # since SQLAlchemy 2.1 that needs greenlet, which sync code has not

T = TypeVar("T")
AnySession: TypeAlias = "orm.Session | AsyncSession"
Method: TypeAlias = "Callable[[AnySession], Awaitable[None] | None]"
_KEY = "outlive.sessions"


@dataclass(eq=False)
class RequestSession:
    """A session that a dependency has opened for a request.

    Attributes:
        session: Sync or async.
        response: The one whose status the path operation may set.
        lock: Held by the thread that works with the sessions of the request.  A task that is cancelled leaves its
            thread behind, which works on; what it works with must not be closed meanwhile, nor opened again afterwards.
        read_only: Never committed.
        streaming: Used by the body of the response, too.
        is_here: Whether async code works with it, which waits for a sync session in the event loop.  It is then
            committed and closed there, too: while a thread does it, other requests would wait for its connection, in
            the event loop, and so keep it from being given back.
        is_handed_over: Whether the body of the response closes it.
        is_closed: Or about to be.
        is_abandoned: Whether a thread that nobody waits for may be working with it.
    """

    session: AnySession
    response: Response
    lock: threading.Lock
    read_only: bool = False
    streaming: bool = False
    is_here: bool = False
    is_handed_over: bool = False
    is_closed: bool = False
    is_abandoned: bool = False

    async def call(self, method: Method) -> None:
        """Call a method of the session where it may be called: a sync one waits in a thread."""
        if isinstance(self.session, orm.Session) and (self.is_abandoned or not self.is_here):
            await in_thread(self._call_alone, method)
            return
        awaitable = method(self.session)
        if awaitable is not None:
            await awaitable

    def _call_alone(self, method: Method) -> None:
        with self.lock:
            method(self.session)

    async def end_transaction(self) -> None:
        """End a transaction, if there is one, and keep the objects as they are."""
        if self.session.in_transaction():
            await self.call(let_go if self.read_only else commit)

    async def close(self) -> None:
        """Close the session, also where the request is cancelled: its connection would be lost otherwise."""
        self.is_closed = True
        if not (self.lock.locked() or self.is_abandoned or self.session.in_transaction()):  # nothing to wait for
            await self._close_here()
            return
        with anyio.CancelScope(shield=True):
            if self.lock.locked():
                await in_thread(self._wait)
            await self.call(close_when_free if self.is_abandoned else close)

    def abandon(self) -> None:
        """The request was cancelled: a sync dependency, or path operation that is on no ``SessionRoute``, works on.

        What it does next with the session fails.  It would otherwise begin a transaction of its own: that could write
        the second half of something whose first half was rolled back, and nobody would give its connection back.
        """
        if isinstance(self.session, orm.Session) and not self.lock.locked():
            self.is_abandoned = True
            vars(self.session)["get_bind"] = _refuse_to_begin

    async def _close_here(self) -> None:
        closing = close(self.session)
        if closing is not None:
            await closing

    def _wait(self) -> None:
        with self.lock:
            pass


async def in_thread(function: Callable[..., None], *arguments: Any) -> None:
    """Call a function in a thread that is not one of those of the path operations.

    These may all wait for the connections that the function is to give back.
    """
    await anyio.to_thread.run_sync(function, *arguments, limiter=anyio.CapacityLimiter(1))


def flush(session: AnySession) -> Awaitable[None] | None:
    return session.flush()


def commit(session: AnySession) -> Awaitable[None] | None:
    return session.commit()


def roll_back(session: AnySession) -> Awaitable[None] | None:
    return session.rollback()


def close(session: AnySession) -> Awaitable[None] | None:
    return session.close()


def close_when_free(session: AnySession) -> Awaitable[None] | None:
    """Close a session while a thread may be in the middle of a method of it, such as one that takes a connection."""
    while True:
        try:
            return session.close()
        except exc.IllegalStateChangeError:
            time.sleep(0.001)


def _refuse_to_begin(*_: Any, **__: Any) -> Any:
    raise exc.InvalidRequestError("the request of this session was cancelled, and the session is closed")


def let_go(session: AnySession) -> Awaitable[None] | None:
    """Roll the transaction back and give the connection back; unlike ``rollback()`` it expires nothing."""
    if not isinstance(session, orm.Session):
        return session.run_sync(let_go)  # type: ignore[arg-type]
    transaction = session.get_transaction()
    if transaction is not None:
        transaction.close()
    return None


Step: TypeAlias = tuple[RequestSession, Method]


class RequestSessions(list[RequestSession]):
    """In the order in which they were opened, with the lock that they share."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


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
