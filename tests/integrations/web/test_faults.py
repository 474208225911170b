"""FastAPI when things go wrong: no acknowledged write is lost, none is half done, no connection stays in use."""

# No `from __future__ import annotations`: FastAPI could not resolve the names that belong to a function.

import asyncio
import gc
import itertools
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute
from sqlalchemy import Engine, exc, select, text

from outlive.integrations.fastapi import SessionRoute, session_dependency, versions
from tests import databases, servers
from tests.integrations.web.conftest import MakeShop, make_shop
from tests.integrations.web.shop import CLIENT, ONE_REQUEST, Base, Item, Order, OrderOut, Shop, served, shop_on

# SQLAlchemy 2.0.0 drops a connection that was cancelled, or whose server crashed, without closing it.
_DROPS = ("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
pytestmark = [pytest.mark.filterwarnings(*_DROPS)] if databases.VERSION < (2, 0, 20) else []

WRITES = int(os.environ.get("OUTLIVE_TEST_WRITES", "200"))
"""With 2000 each test that uses it takes about ten seconds."""
WRITERS = 20


@pytest.fixture(params=("psycopg", "psycopg_async", "asyncpg"))
def server_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeShop]:
    yield from make_shop(request, tmp_path)


@pytest.fixture(params=("psycopg_async", "asyncpg"))
def async_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeShop]:
    yield from make_shop(request, tmp_path)


@pytest.fixture(params=("psycopg",))
def sync_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeShop]:
    yield from make_shop(request, tmp_path)


def with_orders(shop: Shop) -> Shop:
    """Orders with one item each, which comes later than its order."""

    def create(number: str, session: Annotated[Any, shop.get_session], seconds: float = 0) -> Order:
        session.add(order := Order(number=number))
        session.flush()
        if seconds:
            session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})
        session.add(Item(order_id=order.id, name="tea"))
        return order

    async def create_async(number: str, session: Annotated[Any, shop.get_session], seconds: float = 0) -> Order:
        return await session.run_sync(lambda sync_session: create(number, sync_session, seconds))

    shop.app.post("/orders", response_model=OrderOut)(create_async if shop.is_async else create)
    return shop


def half_done(shop: Shop) -> list[str]:
    """The orders whose item is not there."""
    with shop.rows.connect() as connection:
        return list(connection.scalars(select(Order.number).where(~Order.items.any())))


def settle(shop: Shop) -> None:
    """Wait for requests whose clients do not."""
    end = time.monotonic() + 10
    while shop.connections and time.monotonic() < end:
        time.sleep(0.01)
    assert 0 == shop.connections


def write(url: str, numbers: Iterator[int], then: Callable[[httpx.Response, str], object], **params: Any) -> None:
    """Order one after the other."""
    with httpx.Client(base_url=url, timeout=30, limits=ONE_REQUEST) as client:
        for number in numbers:
            name = f"A-{number}"
            then(client.post("/orders", params={"number": name, **params}), name)


def write_all(url: str, count: int, then: Callable[[httpx.Response, str], object], **params: Any) -> None:
    """Order concurrently."""
    numbers = iter(range(count))  # whose `next` is one step, for threads, too
    with ThreadPoolExecutor(WRITERS) as pool:
        for writer in [pool.submit(write, url, numbers, then, **params) for _ in range(WRITERS)]:
            writer.result()


def test_of_many_concurrent_writes_none_is_missed_on_another_connection(server_shop: MakeShop) -> None:
    shop = with_orders(server_shop())
    shop.rows.pool._max_overflow = WRITERS
    missed: list[str] = []

    def look(answer: httpx.Response, number: str) -> None:
        with shop.rows.connect() as connection:
            found = connection.scalar(select(Order.id).where(Order.number == number))
        if answer.status_code != 200 or found != answer.json()["id"]:
            missed.append(number)

    with served(shop.app) as url:
        write_all(url, WRITES, look)
        assert [] == missed
        assert WRITES == len(shop.numbers())
        assert 0 == shop.connections


def test_a_client_that_hangs_up_leaves_whole_transactions_and_no_connection(server_shop: MakeShop) -> None:
    shop = with_orders(server_shop())
    with served(shop.app) as url:
        for number in range(40):
            hang_up(url, f"POST /orders?number=A-{number}&seconds=0.005", after=number / 2000)
        settle(shop)
        assert [] == half_done(shop)
        assert 200 == CLIENT.post(f"{url}/orders", params={"number": "last"}).status_code
        assert 0 == shop.connections


def hang_up(url: str, request: str, after: float) -> None:
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(f"{request} HTTP/1.1\r\nHost: shop\r\n\r\n".encode())
        time.sleep(after)


@pytest.mark.parametrize("is_read_only", [False, True])
def test_a_client_that_hangs_up_in_a_stream_leaves_no_connection(server_shop: MakeShop, is_read_only: bool) -> None:
    shop = server_shop()
    get_session = session_dependency(shop.get_session.dependency.factory, read_only=is_read_only, streaming=True)
    begun: list[int] = []

    def body(session: Any) -> Any:
        for number in itertools.count():
            begun.append(number)
            yield f"{session.scalar(select(number))} "

    async def async_body(session: Any) -> Any:
        for number in itertools.count():
            begun.append(number)
            yield f"{await session.scalar(select(number))} "

    def stream(session: Annotated[Any, get_session]) -> StreamingResponse:
        session.scalar(select(1))
        return StreamingResponse(body(session))

    async def async_stream(session: Annotated[Any, get_session]) -> StreamingResponse:
        await session.scalar(select(1))
        return StreamingResponse(async_body(session))

    shop.app.get("/stream")(async_stream if shop.is_async else stream)
    with served(shop.app) as url:
        for number in range(20):
            hang_up(url, "GET /stream", after=number / 200)
        settle(shop)
    assert begun


def impatient(app: Any) -> Any:
    """Cancels the task, as ``asyncio.wait_for`` does, too."""

    async def middleware(scope: Any, receive: Any, send: Any) -> None:
        started = False

        async def sending(message: Any) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            async with asyncio.timeout(patience(scope)):
                await app(scope, receive, sending)
        except TimeoutError:
            if not started:
                await JSONResponse({}, 504)(scope, receive, send)

    return middleware


def patience(scope: Any) -> float | None:
    return float(Request(scope).query_params.get("patience", 60)) if scope["type"] == "http" else None


async def impatient_http(request: Request, call_next: Any) -> Any:
    """Cancels a scope, as Starlette's own middleware does."""
    try:
        with anyio.fail_after(patience(request.scope)):
            return await call_next(request)
    except TimeoutError:
        return JSONResponse({}, 504)


@pytest.mark.parametrize("kind", ["task", "scope"])
def test_a_request_that_is_cancelled_leaves_whole_transactions_and_no_connection(
    server_shop: MakeShop, kind: str
) -> None:
    shop = with_orders(server_shop())
    if kind == "scope":
        shop.app.middleware("http")(impatient_http)
    answers: Counter[int] = Counter()
    acknowledged: list[str] = []
    with (
        served(impatient(shop.app) if kind == "task" else shop.app) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):

        def one(number: int) -> None:
            params = {"number": f"A-{number}", "seconds": 0.01, "patience": 0.001 * 1.1**number if number < 45 else 10}
            answer = client.post("/orders", params=params)
            answers[answer.status_code] += 1
            if answer.status_code == 200:
                acknowledged.append(f"A-{number}")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(one, range(50)))
        settle(shop)
        assert [] == half_done(shop)
        assert set() == set(acknowledged) - set(shop.numbers())
        assert {200, 504} == set(answers), answers
        assert 200 == CLIENT.post(f"{url}/orders", params={"number": "last"}).status_code
        assert 0 == shop.connections


@pytest.mark.parametrize("where", ["dependency", "path operation"])
def test_a_thread_that_is_left_behind_writes_no_second_half_and_keeps_no_connection(
    sync_shop: MakeShop, where: str
) -> None:
    """A sync dependency, or a sync path operation that is on no SessionRoute, works on when its task is cancelled."""
    shop = sync_shop(route_class=SessionRoute if where == "dependency" or versions.TEARDOWN_IS_LATE else APIRoute)
    begun: list[int] = []
    ended: list[int] = []

    def create(number: int, session: Annotated[Any, shop.get_session]) -> None:
        begun.append(number)
        try:
            for half in ("first", "second"):
                session.add(Order(number=f"{number} {half}"))
                session.flush()
                session.execute(text("SELECT pg_sleep(0.01)"))
                time.sleep(0.01)
            session.commit()
        finally:
            ended.append(number)

    if where == "dependency":
        shop.app.post("/orders", dependencies=[Depends(create)])(lambda: None)
    else:
        shop.app.post("/orders")(create)
    gc.disable()  # it would give connections back that are lost
    try:
        with served(impatient(shop.app)) as url, httpx.Client(base_url=url, timeout=60, limits=ONE_REQUEST) as client:
            for number in range(12):
                client.post("/orders", params={"number": number, "patience": 0.005 * (number + 1)})
            wait_for(lambda: len(begun) == len(ended))
            settle(shop)
    finally:
        gc.enable()
    assert begun
    numbers = shop.numbers()
    assert [] == [number for number in numbers if number.replace("second", "first") not in numbers]
    assert len(numbers) % 2 == 0


def test_a_timeout_inside_a_path_operation_rolls_back(async_shop: MakeShop) -> None:
    shop = async_shop()

    @shop.app.post("/orders")
    async def create(session: Annotated[Any, shop.get_session]) -> None:
        session.add(Order(number="A-1"))
        await session.flush()
        async with asyncio.timeout(0.02):
            await session.execute(text("SELECT pg_sleep(2)"))

    @shop.app.post("/late")
    async def create_anyway(session: Annotated[Any, shop.get_session]) -> JSONResponse:
        try:
            await create(session)
        except TimeoutError:
            return JSONResponse({}, 504)
        raise AssertionError

    with served(shop.app) as url:
        assert [500, 504] == [CLIENT.post(f"{url}/{path}").status_code for path in ("orders", "late")]
        assert [] == shop.numbers()
        assert 0 == shop.connections


def test_an_exhausted_pool_is_an_error_that_a_program_can_answer_and_passes(server_shop: MakeShop) -> None:
    shop = with_orders(server_shop(pool_size=2, pool_timeout=0.1))

    @shop.app.exception_handler(exc.TimeoutError)
    async def busy(_request: Request, _error: Exception) -> JSONResponse:
        return JSONResponse({"detail": "busy"}, 503, {"Retry-After": "1"})

    answers: Counter[int] = Counter()
    with served(shop.app) as url:
        write_all(url, WRITERS, lambda answer, _: answers.update([answer.status_code]), seconds=0.2)
        assert {200, 503} == set(answers)
        assert answers[200] == len(shop.numbers())
        assert 0 == shop.connections
        assert 200 == CLIENT.post(f"{url}/orders", params={"number": "last"}).status_code


def test_all_threads_waiting_for_connections_do_not_keep_others_from_giving_theirs_back(sync_shop: MakeShop) -> None:
    """Threads wait for connections here, and a connection is given back in a thread."""
    shop = sync_shop(pool_size=2, pool_timeout=10)

    @shop.app.post("/orders")
    def create(session: Annotated[Any, shop.get_session]) -> None:
        session.execute(text("SELECT pg_sleep(0.01)"))
        raise HTTPException(404)

    answers: Counter[int] = Counter()

    def ask(url: str) -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            answers.update([client.post("/orders").status_code for _ in range(2)])

    with served(shop.app) as url, ThreadPoolExecutor(60) as pool:
        for asked in [pool.submit(ask, url) for _ in range(60)]:  # Starlette has 40 threads
            asked.result()
    assert {404: 120} == answers
    assert 0 == shop.connections


@pytest.mark.parametrize("route_class", [SessionRoute, APIRoute])
@pytest.mark.parametrize("end", ["commit", "raise", "read"])
def test_async_path_operations_with_sync_sessions_do_not_keep_each_other_from_ending(
    sync_shop: MakeShop, route_class: type[APIRoute], end: str
) -> None:
    """They wait for connections in the event loop here: whatever has one must not need it to give it back."""
    if versions.TEARDOWN_IS_LATE and end != "read":
        route_class = SessionRoute
    shop = sync_shop(pool_size=2, pool_timeout=2, route_class=route_class, read_only=end == "read")
    router = APIRouter(route_class=route_class)

    @router.post("/orders")
    async def create(number: str, session: Annotated[Any, shop.get_session]) -> None:
        if end == "read":
            session.scalar(select(1))
            return
        session.add(Order(number=number))
        session.flush()
        if end == "raise":
            raise HTTPException(404)

    shop.app.include_router(router)
    answers: Counter[int] = Counter()
    with served(shop.app) as url:
        write_all(url, 60, lambda answer, _: answers.update([answer.status_code]))
    assert {404 if end == "raise" else 200: 60} == answers
    assert 0 == shop.connections


@pytest.fixture(scope="module")
def server() -> Iterator[servers.PrivatePostgreSQL]:
    with servers.PrivatePostgreSQL.started() as server:
        yield server


@pytest.fixture
def own_server(server: servers.PrivatePostgreSQL) -> Iterator[servers.PrivatePostgreSQL]:
    yield server
    engine = databases.postgresql("psycopg", server.address).connect()
    Base.metadata.drop_all(engine)
    engine.dispose()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg_async", "asyncpg"])
def test_a_database_that_crashes_loses_no_acknowledged_write(
    own_server: servers.PrivatePostgreSQL, driver: str
) -> None:
    rows = databases.postgresql("psycopg", own_server.address)
    stop = threading.Event()
    acknowledged: list[str] = []
    answers: Counter[int] = Counter()

    def note(answer: httpx.Response, number: str) -> None:
        answers[answer.status_code] += 1
        if answer.status_code == 200:
            acknowledged.append(number)

    with shop_on(databases.postgresql(driver, own_server.address), rows) as shop:
        with served(with_orders(shop).app) as url, ThreadPoolExecutor(WRITERS) as pool:
            numbers = itertools.takewhile(lambda _: not stop.is_set(), itertools.count())
            writers = [pool.submit(write, url, numbers, note) for _ in range(WRITERS)]
            try:
                wait_for(lambda: len(acknowledged) >= 100)
                own_server.crash()
                before = len(acknowledged)
                wait_for(lambda: len(acknowledged) >= before + 100)
            finally:
                stop.set()
            for writer in writers:
                writer.result()
            settle(shop)
        shop.rows.dispose()  # its connection is one to the server that was
        assert {200, 500} == set(answers)
        assert set() == set(acknowledged) - set(shop.numbers())
        assert [] == half_done(shop)
        wait_for(lambda: connections_of(shop.rows) == 1)  # a process of the server ends a while after its client


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def connections_of(engine: Engine) -> int:
    """Of clients of the server, this one among them."""
    with engine.connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
