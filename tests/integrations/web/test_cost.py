"""What the web boundary costs a request, in calls: they are the same on a busy machine, which seconds are not."""

# No `from __future__ import annotations`: FastAPI could not resolve the names that belong to a function.

import asyncio
import sys
import threading
from types import FrameType
from typing import Annotated, Any

from fastapi import Depends, FastAPI, params
from fastapi.routing import APIRoute

from outlive.integrations.fastapi import SessionRoute
from tests.integrations.web.conftest import MakeShop
from tests.integrations.web.shop import Order, OrderOut, Shop
from tests.integrations.web.test_tutorial import tutorials

REQUESTS = 10
AT_LEAST = 0.95
"""As of the throughput in ``benchmarks/web.py``."""


class Calls:
    """How many calls, of Python and of C, all threads have made."""

    def __init__(self) -> None:
        self.made = 0

    def note(self, _frame: FrameType, event: str, _argument: object) -> None:
        self.made += event in {"call", "c_call"}


def add(shop: Shop, way: str, depends: params.Depends, route_class: type[APIRoute]) -> None:
    """A path operation that writes, one that reads."""
    shop.app.router.route_class = route_class

    def write(session: Annotated[Any, depends]) -> Order:
        session.add(order := Order(number="A-1"))
        return order

    async def async_write(session: Annotated[Any, depends]) -> Order:
        return write(session)

    def read(session: Annotated[Any, depends]) -> Order:
        return session.get(Order, 1)

    async def async_read(session: Annotated[Any, depends]) -> Order:
        return await session.get(Order, 1)

    shop.app.post(f"/{way}", response_model=OrderOut)(async_write if shop.is_async else write)
    shop.app.get(f"/{way}", response_model=OrderOut)(async_read if shop.is_async else read)


async def ask(app: FastAPI, method: str, path: str) -> None:
    statuses: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    scope = {"type": "http", "http_version": "1.1", "method": method, "path": path, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    assert [200] == statuses


async def calls_of(calls: Calls, app: FastAPI, method: str, path: str) -> float:
    """Of a request, once statements are compiled and connections made."""
    for _ in range(3):
        await ask(app, method, path)
    sys.setprofile(calls.note)
    before = calls.made
    for _ in range(REQUESTS):
        await ask(app, method, path)
    sys.setprofile(None)
    return (calls.made - before) / REQUESTS


def test_a_request_takes_no_more_calls_than_with_the_dependency_of_the_tutorial(small_shop: MakeShop) -> None:
    shop, calls = small_shop(), Calls()
    add(shop, "ours", shop.get_session, SessionRoute)
    add(shop, "theirs", Depends(tutorials(shop)), APIRoute)

    async def ratios() -> dict[str, float]:
        async with shop.app.router.lifespan_context(shop.app):
            made = {
                (method, way): await calls_of(calls, shop.app, method, f"/{way}")
                for method in ("POST", "GET")
                for way in ("ours", "theirs")
            }
        return {method: made[method, "theirs"] / made[method, "ours"] for method in ("POST", "GET")}

    threading.setprofile(calls.note)  # of threads that begin now
    try:
        found = asyncio.run(ratios())
    finally:
        threading.setprofile(None)  # type: ignore[arg-type]
    assert {} == {method: ratio for method, ratio in found.items() if ratio < AT_LEAST}
