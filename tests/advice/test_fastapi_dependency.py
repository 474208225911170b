"""Advice: a FastAPI dependency that yields a session and then commits, and a route "before" and "after" the fix.

The order of commit and response is observed at the ASGI boundary.
"""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from tests.advice.orders import Order, fill

fastapi = pytest.importorskip("fastapi")
pydantic = pytest.importorskip("pydantic")
pytest.importorskip("aiosqlite")
asyncio_of_sqlalchemy = pytest.importorskip("sqlalchemy.ext.asyncio", exc_type=ImportError)

VERSION = tuple(int(part) for part in fastapi.__version__.split(".")[:2])
needs_function_scope = pytest.mark.skipif(VERSION < (0, 121), reason='`scope="function"` came with FastAPI 0.121')
commits_late = pytest.mark.skipif((0, 106) <= VERSION < (0, 118), reason="FastAPI 0.106 to 0.117 commit earlier")

Yields = Callable[[], AsyncIterator[Any]]


class OrderSchema(pydantic.BaseModel, from_attributes=True):
    id: int
    number: str


class CommitFailedError(Exception):
    pass


@dataclass
class Server:
    """An application over one database, and what it did in order.

    Attributes:
        happened: ``commit``, ``response 200``, ``body ...`` in the order seen.
        error: Name of what came out of the application.
        causes: What pydantic says about it.
    """

    app: Any
    sessions: Any
    happened: list[str] = field(default_factory=list)
    error: str | None = None
    causes: set[str] = field(default_factory=set)

    @property
    def yields_then_commits(self) -> Yields:
        """The published dependency."""

        async def get_session() -> AsyncIterator[Any]:
            async with self.sessions() as session:
                yield session
                await session.commit()

        return get_session

    async def get(self, path: str) -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.happened.append(f"response {message['status']}")
            elif message["body"]:
                self.happened.append(f"body {message['body'].decode()}")

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [],
            "server": ("shop", 80),
            "client": ("reader", 1),
        }
        with warnings.catch_warnings():
            # A lazy load in async code drops the coroutine that it could not await.
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            try:
                await self.app(scope, receive, send)
            except Exception as exc:  # a server logs it
                self.error = type(exc).__name__
                self.causes = {error["type"] for error in exc.errors()} if hasattr(exc, "errors") else set()
            gc.collect()

    async def rows(self) -> int:
        async with self.sessions() as session:
            return await session.scalar(select(func.count(Order.id)))


def serve(path: Callable[[Server], None], *, commit_fails: bool = False) -> tuple[Server, int]:
    """One request to ``/`` of an application that ``path`` completes, and the rows that are there afterwards."""

    async def run() -> tuple[Server, int]:
        engine = asyncio_of_sqlalchemy.create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(fill)
            server = Server(fastapi.FastAPI(), asyncio_of_sqlalchemy.async_sessionmaker(engine))
            path(server)
            with commits_noted(server, fails=commit_fails):
                await server.get("/")
            return server, await server.rows()
        finally:
            await engine.dispose()

    return asyncio.run(run())


@contextmanager
def commits_noted(server: Server, *, fails: bool) -> Iterator[None]:
    class Noted(Session):
        pass

    def before(session: Session) -> None:
        if fails:
            raise CommitFailedError

    def after(session: Session) -> None:
        server.happened.append("commit")

    server.sessions.configure(sync_session_class=Noted)
    event.listen(Noted, "before_commit", before)
    event.listen(Noted, "after_commit", after)
    yield
    event.remove(Noted, "before_commit", before)
    event.remove(Noted, "after_commit", after)


def adds_and_answers_with_the_key(server: Server, **scope: str) -> None:
    needed = fastapi.Depends(server.yields_then_commits, **scope)

    @server.app.get("/")
    async def route(session: Any = needed) -> Any:
        order = Order(number="A-2")
        session.add(order)
        return {"id": order.id}


def flushes_and_answers_with_the_key(server: Server, **scope: str) -> None:
    needed = fastapi.Depends(server.yields_then_commits, **scope)

    @server.app.get("/")
    async def route(session: Any = needed) -> Any:
        order = Order(number="A-2")
        session.add(order)
        await session.flush()
        return {"id": order.id}


def reads_and_answers_with_a_dict(server: Server) -> None:
    needed = fastapi.Depends(server.yields_then_commits)

    @server.app.get("/")
    async def route(session: Any = needed) -> Any:
        order = await session.get(Order, 1)
        return {"id": order.id, "number": order.number}


def commits_and_returns_the_object(server: Server) -> None:
    needed = fastapi.Depends(server.yields_then_commits)

    @server.app.get("/", response_model=OrderSchema)
    async def route(session: Any = needed) -> Any:
        order = await session.get(Order, 1)
        await session.commit()
        return order


def commits_and_returns_the_object_without_a_schema(server: Server) -> None:
    needed = fastapi.Depends(server.yields_then_commits)

    @server.app.get("/", response_model=None)
    async def route(session: Any = needed) -> Any:
        order = await session.get(Order, 1)
        await session.commit()
        return order


def test_the_fixed_route_answers_without_an_id() -> None:
    server, rows = serve(adds_and_answers_with_the_key)

    assert (None, 'body {"id":null}', 2) == (server.error, server.happened[1], rows)


def test_with_a_flush_the_id_is_there() -> None:
    server, rows = serve(flushes_and_answers_with_the_key)

    assert (None, 'body {"id":2}', 2) == (server.error, server.happened[1], rows)


@commits_late
def test_the_commit_runs_after_the_response() -> None:
    server, _ = serve(flushes_and_answers_with_the_key)

    assert ["response 200", 'body {"id":2}', "commit"] == server.happened


@commits_late
def test_a_failing_commit_answers_200_and_the_row_is_lost() -> None:
    server, rows = serve(flushes_and_answers_with_the_key, commit_fails=True)

    assert ["response 200", 'body {"id":2}'] == server.happened
    assert ("CommitFailedError", 1) == (server.error, rows)


@needs_function_scope
def test_with_function_scope_the_commit_runs_before_the_response() -> None:
    server, _ = serve(lambda server: flushes_and_answers_with_the_key(server, scope="function"))

    assert ["commit", "response 200", 'body {"id":2}'] == server.happened


@needs_function_scope
def test_with_function_scope_a_failing_commit_answers_500() -> None:
    server, rows = serve(lambda server: flushes_and_answers_with_the_key(server, scope="function"), commit_fails=True)

    assert (["response 500", "body Internal Server Error"], 1) == (server.happened, rows)


@needs_function_scope
def test_with_function_scope_the_id_still_needs_a_flush() -> None:
    server, _ = serve(lambda server: adds_and_answers_with_the_key(server, scope="function"))

    assert ["commit", "response 200", 'body {"id":null}'] == server.happened


def test_the_broken_route_does_not_fail() -> None:
    server, _ = serve(reads_and_answers_with_a_dict)

    assert (None, 'body {"id":1,"number":"A-1"}') == (server.error, server.happened[1])


def test_a_commit_in_the_route_and_the_object_as_its_result_fail() -> None:
    server, _ = serve(commits_and_returns_the_object)

    assert ["commit", "response 500", "body Internal Server Error"] == server.happened[:3]
    assert ("ResponseValidationError", {"get_attribute_error"}) == (server.error, server.causes)


def test_without_a_schema_the_same_route_answers_200_and_nothing() -> None:
    server, _ = serve(commits_and_returns_the_object_without_a_schema)

    assert (None, ["commit", "response 200", "body {}"]) == (server.error, server.happened[:3])
