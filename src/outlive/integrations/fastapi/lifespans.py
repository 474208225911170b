"""The lifespan of an application: its routes are looked at when it starts, its engines are disposed of when it ends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from outlive.integrations.fastapi.dependency import SessionDependency
from outlive.integrations.fastapi.routes import SessionRoute
from outlive.integrations.fastapi.walking import dependencies_of, routes_of

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

Lifespan: TypeAlias = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def lifespan(*engines: Engine | AsyncEngine, inner: Lifespan | None = None) -> Lifespan:
    """A lifespan that refuses to start an application that would lose writes, and disposes of engines at the end.

        app = FastAPI(lifespan=lifespan(engine))

    Args:
        engines: Sync or async.
        inner: Your own lifespan, run inside; the engines are disposed of after it, also if it raises.

    Raises (when the application starts):
        SetupError: A route with a ``session_dependency`` is no ``SessionRoute`` and needs to be one.
    """

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncGenerator[None]:
        try:
            check_routes(app)
            if inner is None:
                yield
            else:
                async with inner(app):
                    yield
        finally:
            for engine in engines:
                if isinstance(engine, Engine):
                    await run_in_threadpool(engine.dispose)
                else:
                    await engine.dispose()

    return run


def check_routes(app: FastAPI) -> None:
    """Refuse what ``SessionDependency.check_without_route`` refuses, for all routes.

    Raises:
        SetupError: A route needs to be a ``SessionRoute``.
    """
    for route in routes_of(app):
        if not isinstance(route.route, SessionRoute):
            for used in dependencies_of(route.dependant):
                if isinstance(used.call, SessionDependency):
                    used.call.check_without_route(route.path)
