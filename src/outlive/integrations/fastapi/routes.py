"""The route class that commits between the path operation and the serialisation of its result."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import nullcontext
from typing import Any, ClassVar, TypeVar

import anyio.from_thread
from fastapi import Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import orm
from starlette.concurrency import iterate_in_threadpool
from starlette.responses import StreamingResponse

from outlive.integrations.fastapi import versions
from outlive.integrations.fastapi.requests import RequestSession, Step, current_sessions, ending, with_sessions

T = TypeVar("T")
Endpoint = Callable[..., Any]
_MARK = "outlive_commits"


class SessionRoute(APIRoute):
    """A route whose sessions are committed right after the path operation returns, before its result is serialised.

        app.router.route_class = SessionRoute
        router = APIRouter(route_class=SessionRoute)

    Both before the routes are declared.  Ids and what the database fills in are in the response without a flush of your
    own; a commit that fails is an error of the request, for your exception handlers, else a 500.  The commit is that of
    all sessions from ``session_dependency``, in the order in which they were opened; several are all flushed first.

    A response that the path operation *returns* with a status of 400 or more, or such a status set on an injected
    ``Response``, rolls back, as a raised ``HTTPException`` does.

    Attributes:
        commits_error_responses: Set it in a subclass to commit these as well.

    Source: FastAPI serialises the result before it tears any dependency down (0.105 to 0.165).
    """

    commits_error_responses: ClassVar[bool] = False

    def __init__(self, path: str, endpoint: Endpoint, **options: Any) -> None:
        super().__init__(path, self._committing(endpoint), **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Handle a request whose sessions the path operation finds."""
        handle = super().get_route_handler()

        async def handle_with_sessions(request: Request) -> Response:
            return await with_sessions(request.scope, functools.partial(handle, request))

        return handle_with_sessions

    def _committing(self, endpoint: Endpoint) -> Endpoint:
        if getattr(endpoint, _MARK, False):  # FastAPI before 0.137 makes a new route of one in an included router
            return endpoint
        called = endpoint if inspect.isroutine(endpoint) else getattr(endpoint, "__call__", endpoint)  # noqa: B004
        is_generator = inspect.isasyncgenfunction(called) or inspect.isgeneratorfunction(called)
        if is_generator and versions.STREAMS_GENERATORS:
            wrapped = self._streaming(endpoint)
        elif inspect.iscoroutinefunction(called):
            wrapped = self._async(endpoint)
        else:
            wrapped = self._sync(endpoint)
        functools.update_wrapper(wrapped, endpoint)
        if is_generator:
            vars(wrapped)["__wrapped__"] = by_chunk  # what FastAPI looks at: async, whatever the path operation is
        # Resolved here: FastAPI up to 0.123.0 would look for the names of the annotations in this module.
        vars(wrapped).update({_MARK: True, "__signature__": _resolved_signature(endpoint)})
        return wrapped

    def _async(self, endpoint: Endpoint) -> Endpoint:
        async def call(**values: Any) -> Any:
            result = await endpoint(**values)
            for opened, step in self._ending(result):
                await opened.call(step)
            return _followed(result)

        return call

    def _sync(self, endpoint: Endpoint) -> Endpoint:
        def call(**values: Any) -> Any:
            sessions = current_sessions()
            with sessions.lock:
                if any(opened.is_closed for opened in sessions):  # cancelled while this thread was about to start
                    raise asyncio.CancelledError
                result = endpoint(**values)
                for opened, step in self._ending(result):
                    if isinstance(opened.session, orm.Session):
                        step(opened.session)
                    else:
                        anyio.from_thread.run(opened.call, step)
            return _followed(result)

        return call

    def _streaming(self, endpoint: Endpoint) -> Endpoint:
        def call(**values: Any) -> AsyncIterator[Any]:
            return by_chunk(endpoint(**values), _hand_over(current_sessions()))

        return call

    def _ending(self, result: object) -> list[Step]:
        sessions = current_sessions()
        if not sessions:
            return []
        status = result.status_code if isinstance(result, Response) else sessions[0].response.status_code or 200
        return ending(sessions, commits=status < 400 or self.commits_error_responses)


def _followed(result: T) -> T:
    """The same, with a body that takes care of the sessions that stay for it."""
    if isinstance(result, StreamingResponse):
        kept = [opened for opened in current_sessions() if opened.streaming]
        if kept:
            result.body_iterator = by_chunk(result.body_iterator, _hand_over(kept))
    return result


def _hand_over(sessions: list[RequestSession]) -> list[RequestSession]:
    for opened in sessions:
        opened.is_handed_over = True
    return sessions


async def by_chunk(chunks: Any, sessions: list[RequestSession]) -> AsyncIterator[Any]:
    """The chunks of a body; no session holds a connection while one is sent."""
    if not hasattr(chunks, "__aiter__"):
        chunks = iterate_in_threadpool(_made_alone(chunks, sessions))
    try:
        async for chunk in chunks:
            for opened in sessions:
                await opened.end_transaction()
            yield chunk
        for opened in sessions:
            await opened.end_transaction()
    finally:
        for opened in sessions:
            await opened.close()


def _made_alone(chunks: Iterable[T], sessions: list[RequestSession]) -> Iterator[T]:
    """The same, made while nobody else works with the sessions."""
    iterator, end = iter(chunks), object()
    while True:
        with sessions[0].lock if sessions else nullcontext():
            chunk = next(iterator, end)
        if chunk is end:
            return
        yield chunk  # type: ignore[misc]


def _resolved_signature(endpoint: Endpoint) -> inspect.Signature:
    try:
        return inspect.signature(endpoint, eval_str=True)
    except Exception:  # noqa: BLE001  names that only a type checker has: FastAPI says what it thinks of them
        return inspect.signature(endpoint)
