"""FastAPI: responses are complete, and a write that is acknowledged is done."""

# No `from __future__ import annotations`: FastAPI could not resolve the names that belong to a function.

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, Request, Response, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import sessionmaker

import outlive
from outlive.integrations.fastapi import SessionRoute, lifespan, response_options, session_dependency, versions
from outlive.lifecycle.errors import ReadOnlyError, SetupError
from tests.integrations.web.conftest import MakeShop
from tests.integrations.web.shop import CLIENT, FullOrder, Order, OrderOut, Shop, served


def with_orders(shop: Shop) -> Shop:
    """The application with one path operation, sync or async as its sessions are."""

    def create(number: str, session: Annotated[Any, shop.get_session]) -> Order:
        order = Order(number=number)
        session.add(order)
        return order

    async def create_async(number: str, session: Annotated[Any, shop.get_session]) -> Order:
        return create(number, session)

    shop.app.post("/orders", response_model=OrderOut)(create_async if shop.is_async else create)
    return shop


def test_ids_and_what_the_database_fills_in_are_in_the_response(shop_anywhere: MakeShop) -> None:
    shop = with_orders(shop_anywhere())
    with served(shop.app) as url:
        answer = CLIENT.post(f"{url}/orders", params={"number": "A-1"})

        assert 200 == answer.status_code
        assert 1 == answer.json()["id"]
        assert answer.json()["created"] is not None
        assert ["A-1"] == shop.numbers()
        assert 0 == shop.connections


def test_a_commit_that_fails_is_a_500_and_no_row(big_shop: MakeShop) -> None:
    shop = with_orders(big_shop())
    with served(shop.app) as url:
        answers = [CLIENT.post(f"{url}/orders", params={"number": "A-1"}).status_code for _ in range(2)]

        assert [200, 500] == answers
        assert ["A-1"] == shop.numbers()
        assert 0 == shop.connections


def test_a_handler_of_the_program_answers_where_a_commit_fails(big_shop: MakeShop) -> None:
    shop = with_orders(big_shop())

    @shop.app.exception_handler(IntegrityError)
    async def taken(_request: Request, _error: Exception) -> JSONResponse:
        return JSONResponse({"detail": "taken"}, status_code=409)

    with served(shop.app) as url:
        answers = [CLIENT.post(f"{url}/orders", params={"number": "A-1"}).status_code for _ in range(2)]

        assert [200, 409] == answers
        assert ["A-1"] == shop.numbers()


def test_what_is_acknowledged_can_be_read_on_another_connection_at_once(big_shop: MakeShop) -> None:
    shop = with_orders(big_shop())
    with served(shop.app) as url, httpx.Client(base_url=url, timeout=60) as client:
        for number in range(50):
            client.post("/orders", params={"number": f"A-{number}"})

            assert number + 1 == len(shop.numbers())


@pytest.mark.parametrize("end", ["raise", "return", "status", "http"])
def test_an_error_rolls_back_however_it_is_answered(small_shop: MakeShop, end: str) -> None:
    shop = small_shop()

    @shop.app.post("/orders")
    async def create(session: Annotated[Any, shop.get_session], response: Response) -> Any:
        session.add(Order(number="A-1"))
        if end == "raise":
            raise RuntimeError
        if end == "http":
            raise HTTPException(409)
        if end == "status":
            response.status_code = 409
            return {}
        return JSONResponse({}, status_code=409)

    with served(shop.app) as url:
        answer = CLIENT.post(f"{url}/orders")

        assert (500 if end == "raise" else 409) == answer.status_code
        assert [] == shop.numbers()


def test_a_route_class_of_the_program_may_commit_error_responses(small_shop: MakeShop) -> None:
    class CommittingRoute(SessionRoute):
        commits_error_responses = True

    shop = small_shop(route_class=CommittingRoute)

    @shop.app.post("/orders")
    async def create(session: Annotated[Any, shop.get_session]) -> Any:
        session.add(Order(number="A-1"))
        return JSONResponse({}, status_code=409)

    with served(shop.app) as url:
        CLIENT.post(f"{url}/orders")

        assert ["A-1"] == shop.numbers()


def test_an_exception_in_a_dependency_rolls_back(small_shop: MakeShop) -> None:
    shop = small_shop()

    def refuse(session: Annotated[Any, shop.get_session]) -> None:
        session.add(Order(number="A-1"))
        raise HTTPException(403)

    @shop.app.post("/orders", dependencies=[Depends(refuse)])
    async def create() -> None: ...

    with served(shop.app) as url:
        assert 403 == CLIENT.post(f"{url}/orders").status_code
        assert [] == shop.numbers()
        assert 0 == shop.connections


def test_all_dependencies_of_a_request_share_a_session(small_shop: MakeShop) -> None:
    shop = small_shop()
    again = session_dependency(shop.get_session.dependency.factory)

    def current(session: Annotated[Any, again]) -> Any:
        return session

    @shop.app.get("/")
    async def show(session: Annotated[Any, shop.get_session], other: Annotated[Any, Depends(current)]) -> bool:
        return session is other

    with served(shop.app) as url:
        assert CLIENT.get(url).json() is True


def test_of_two_databases_none_is_written_where_a_flush_of_one_fails(small_shop: MakeShop) -> None:
    one, two = small_shop("one"), small_shop("two")
    one.app.router.lifespan_context = lifespan(one.engine, two.engine)

    @one.app.post("/orders")
    async def create(first: Annotated[Any, one.get_session], second: Annotated[Any, two.get_session]) -> None:
        first.add(Order(id=1, number="A-1"))
        second.add(Order(id=1, number=None))

    with served(one.app) as url:
        assert 500 == CLIENT.post(f"{url}/orders").status_code
        assert ([], []) == (one.numbers(), two.numbers())


def test_routers_have_the_route_class_that_they_are_given(small_shop: MakeShop) -> None:
    shop = small_shop()
    inner = APIRouter(route_class=SessionRoute, prefix="/inner")
    outer = APIRouter(prefix="/outer")

    @inner.post("/orders", response_model=OrderOut)
    async def create(session: Annotated[Any, shop.get_session]) -> Order:
        session.add(order := Order(number="A-1"))
        return order

    outer.include_router(inner)
    shop.app.include_router(outer, prefix="/api")
    with served(shop.app) as url:
        answer = CLIENT.post(f"{url}/api/outer/inner/orders")

        assert 1 == answer.json()["id"]
        assert ["A-1"] == shop.numbers()


@pytest.mark.skipif(versions.TEARDOWN_IS_LATE, reason="this FastAPI refuses it")
def test_the_commit_comes_before_the_response_starts_without_a_session_route_too(small_shop: MakeShop) -> None:
    shop = with_orders(small_shop(route_class=APIRoute))
    order: list[str] = []

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            order.append(f"{message['type']}: {len(shop.numbers())} in the database")
            await send(message)

        await shop.app(scope, receive, sending if scope["type"] == "http" else send)

    with served(watched) as url:
        CLIENT.post(f"{url}/orders", params={"number": "A-1"})

        assert "http.response.start: 1 in the database" == order[0]


def test_objects_stay_readable_in_background_tasks_and_in_a_streamed_body(small_shop: MakeShop) -> None:
    shop = with_orders(small_shop())
    seen: list[str] = []

    @shop.app.post("/read")
    async def create(session: Annotated[Any, shop.get_session], background: BackgroundTasks) -> StreamingResponse:
        session.add(order := Order(number="B-1"))
        background.add_task(lambda: seen.append(f"{order.id} {order.number}"))

        def body() -> Any:
            yield f"{order.id} {order.created:%Y}"

        return StreamingResponse(body())

    with served(shop.app) as url:
        answer = CLIENT.post(f"{url}/read")

        assert answer.text.startswith("1 20")
    assert ["1 B-1"] == seen


@pytest.mark.skipif(not versions.STREAMS_GENERATORS, reason="this FastAPI sends no generators")
@pytest.mark.parametrize("is_streaming", [False, True])
def test_a_path_operation_that_is_a_generator_keeps_its_session(small_shop: MakeShop, is_streaming: bool) -> None:
    shop = small_shop()
    get_session = session_dependency(shop.get_session.dependency.factory, streaming=is_streaming)

    def numbers(session: Annotated[Any, get_session]) -> Iterable[str]:
        for number in ("A-1", "A-2"):
            session.add(order := Order(number=number))
            yield order.number

    async def async_numbers(session: Annotated[Any, get_session]) -> AsyncIterable[str]:
        for number in numbers(session):
            yield number

    shop.app.get("/orders")(async_numbers if shop.is_async else numbers)
    with served(shop.app) as url:
        assert '"A-1"\n"A-2"\n' == CLIENT.get(f"{url}/orders").text
        assert ["A-1", "A-2"] == shop.numbers()
        assert 0 == shop.connections


@pytest.mark.skipif(not versions.STREAMS_GENERATORS, reason="this FastAPI sends no generators")
def test_a_value_that_was_sent_is_committed_and_one_that_failed_is_not(small_shop: MakeShop) -> None:
    shop = small_shop()

    def numbers(session: Annotated[Any, shop.get_session]) -> Iterable[str]:
        for number in ("A-1", "A-2", None):
            session.add(Order(number=number))  # the last one lacks its number
            yield f"{number}"

    async def async_numbers(session: Annotated[Any, shop.get_session]) -> AsyncIterable[str]:
        for number in numbers(session):
            yield number

    shop.app.get("/orders")(async_numbers if shop.is_async else numbers)
    with served(shop.app) as url:
        with pytest.raises(httpx.RemoteProtocolError):
            CLIENT.get(f"{url}/orders")
        assert ["A-1", "A-2"] == shop.numbers()
        assert 0 == shop.connections


@pytest.mark.skipif(not versions.STREAMS_GENERATORS, reason="this FastAPI sends no generators")
def test_a_cursor_of_the_server_ends_with_the_first_value(big_shop: MakeShop) -> None:
    shop = big_shop()

    def numbers(session: Annotated[Any, shop.get_session]) -> Iterable[str]:
        for order in session.scalars(select(Order).execution_options(yield_per=1)):
            yield order.number

    async def async_numbers(session: Annotated[Any, shop.get_session]) -> AsyncIterable[str]:
        async for order in await session.stream_scalars(select(Order).execution_options(yield_per=1)):
            yield order.number

    with_orders(shop).app.get("/orders")(async_numbers if shop.is_async else numbers)
    with served(shop.app) as url:
        for number in range(3):
            CLIENT.post(f"{url}/orders", params={"number": f"A-{number}"})
        with pytest.raises(httpx.RemoteProtocolError):
            CLIENT.get(f"{url}/orders")
        assert 0 == shop.connections


def test_a_body_that_is_never_sent_holds_no_connection(small_shop: MakeShop) -> None:
    shop = small_shop()
    get_session = session_dependency(shop.get_session.dependency.factory, streaming=True, read_only=True)

    @shop.app.get("/orders")
    async def show(session: Annotated[Any, get_session]) -> StreamingResponse:
        found = session.scalar(select(1))
        if shop.is_async:
            await found
        return StreamingResponse(iter("body"))

    async def never_sent(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                raise OSError
            await send(message)

        await shop.app(scope, receive, sending)

    with served(never_sent) as url:
        CLIENT.get(f"{url}/orders")
        assert 0 == shop.connections


@pytest.mark.parametrize("is_read_only", [False, True])
def test_a_streaming_session_holds_no_connection_while_a_chunk_is_sent(
    shop_anywhere: MakeShop, is_read_only: bool
) -> None:
    shop = with_orders(shop_anywhere())
    get_session = session_dependency(shop.get_session.dependency.factory, read_only=is_read_only, streaming=True)
    held: list[int] = []

    async def body(session: Any, last: int) -> Any:
        while True:
            query = select(Order).where(Order.id > last).order_by(Order.id)
            found = session.scalars(query)
            order = (await found if shop.is_async else found).first()
            if order is None:
                return
            assert order in session
            yield f"{order.number} "
            held.append(shop.connections)
            last = order.id

    @shop.app.get("/orders")
    async def show(session: Annotated[Any, get_session]) -> StreamingResponse:
        return StreamingResponse(body(session, 0))

    with served(shop.app) as url:
        for number in range(3):
            CLIENT.post(f"{url}/orders", params={"number": f"A-{number}"})
        answer = CLIENT.get(f"{url}/orders")

        assert "A-0 A-1 A-2 " == answer.text
        assert [0, 0, 0] == held
        assert 0 == shop.connections


def test_a_read_only_session_refuses_to_write(small_shop: MakeShop) -> None:
    shop = small_shop(read_only=True)
    raised: list[type[BaseException]] = []

    @shop.app.exception_handler(ReadOnlyError)
    async def refused(_request: Request, error: Exception) -> JSONResponse:
        raised.append(type(error))
        return JSONResponse({}, status_code=500)

    @shop.app.get("/flush")
    async def flush(session: Annotated[Any, shop.get_session]) -> None:
        session.add(Order(number="A-1"))
        if shop.is_async:
            await session.flush()
        else:
            session.flush()

    @shop.app.get("/execute")
    async def execute(session: Annotated[Any, shop.get_session]) -> None:
        executed = session.execute(Order.__table__.delete())
        if shop.is_async:
            await executed

    with served(shop.app) as url:
        assert [500, 500] == [CLIENT.get(f"{url}/{path}").status_code for path in ("flush", "execute")]
    assert [ReadOnlyError, ReadOnlyError] == raised


def test_a_session_whose_client_has_gone_gives_its_connection_back(shop_anywhere: MakeShop) -> None:
    shop = shop_anywhere(pool_size=1)
    entered = asyncio.Event()

    @shop.app.post("/orders")
    async def create(session: Annotated[Any, shop.get_session]) -> None:
        session.add(Order(number="A-1"))
        if shop.is_async:
            await session.flush()
        else:
            session.flush()
        entered.set()
        await asyncio.sleep(60)

    async def cancelled() -> None:
        async with shop.app.router.lifespan_context(shop.app):
            transport = httpx.ASGITransport(shop.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
                request = asyncio.create_task(client.post("/orders"))
                await entered.wait()
                request.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await request
                assert 0 == shop.connections

    asyncio.run(cancelled())
    assert [] == shop.numbers()


def test_a_test_puts_another_factory_in_place(small_shop: MakeShop) -> None:
    shop, other = with_orders(small_shop("one")), small_shop("two")
    shop.app.router.lifespan_context = lifespan(shop.engine, other.engine)
    shop.app.dependency_overrides[shop.get_session.dependency] = other.get_session.dependency
    with served(shop.app) as url:
        answer = CLIENT.post(f"{url}/orders", params={"number": "A-1"})

        assert 1 == answer.json()["id"]
        assert ([], ["A-1"]) == (shop.numbers(), other.numbers())


def test_a_websocket_has_one_session_while_it_is_connected(small_shop: MakeShop) -> None:
    shop = small_shop()

    @shop.app.websocket("/orders")
    async def create(websocket: WebSocket, session: Annotated[Any, shop.get_session]) -> None:
        await websocket.accept()
        async for number in websocket.iter_text():
            session.add(Order(number=number))
            await websocket.send_text("added")

    async def connect() -> list[str]:
        messages = iter(
            [{"type": "websocket.connect"}, *texts("A-1", "A-2"), {"type": "websocket.disconnect", "code": 1000}]
        )
        sent: list[str] = []

        async def receive() -> Any:
            return next(messages)

        async def send(message: Any) -> None:
            sent.append(message["type"])

        async with shop.app.router.lifespan_context(shop.app):
            scope = {"type": "websocket", "path": "/orders", "headers": [], "query_string": b"", "subprotocols": []}
            await shop.app(scope, receive, send)
        return sent

    assert ["websocket.accept", "websocket.send", "websocket.send"] == asyncio.run(connect())
    assert ["A-1", "A-2"] == shop.numbers()


def texts(*texts: str) -> list[dict[str, str]]:
    return [{"type": "websocket.receive", "text": text} for text in texts]


def test_the_query_loads_what_the_response_model_needs(small_shop: MakeShop) -> None:
    shop = with_orders(small_shop())

    @shop.app.get("/orders", response_model=list[FullOrder])
    async def show(session: Annotated[Any, shop.get_session], options: Annotated[Any, response_options(Order)]) -> Any:
        found = session.scalars(select(Order).options(*options))
        return (await found if shop.is_async else found).all()

    with served(shop.app) as url:
        CLIENT.post(f"{url}/orders", params={"number": "A-1"})

        assert [] == CLIENT.get(f"{url}/orders").json()[0]["items"]


SYNC_PROGRAM = """
import asyncio, sys
sys.modules["greenlet"] = None  # since SQLAlchemy 2.1 `sqlalchemy.ext.asyncio` cannot be imported then

from typing import Annotated
import outlive
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from outlive.integrations.fastapi import SessionRoute, lifespan, review, session_dependency
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

engine = create_engine("sqlite://")
app = FastAPI(lifespan=lifespan(engine))
app.router.route_class = SessionRoute

@app.get("/")
def show(session: Annotated[Session, session_dependency(outlive.sessionmaker(engine), read_only=True)]) -> int:
    return session.scalar(select(1))

async def main():
    async with app.router.lifespan_context(app):
        async with AsyncClient(transport=ASGITransport(app), base_url="http://shop") as client:
            print((await client.get("/")).text, len(review(app).findings))

asyncio.run(main())
"""


def test_sync_code_needs_no_greenlet(tmp_path: Path) -> None:
    (program := tmp_path / "program.py").write_text(SYNC_PROGRAM)
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)

    assert ("1 0\n", "") == (done.stdout, done.stderr)


def test_a_factory_that_expires_on_commit_is_refused() -> None:
    for make in (sessionmaker, async_sessionmaker):
        with pytest.raises(SetupError, match="expire_on_commit=False"):
            session_dependency(make())
        session_dependency(make(expire_on_commit=False))
    session_dependency(outlive.sessionmaker())


def test_where_the_teardown_is_late_an_application_without_session_routes_does_not_start(
    small_shop: MakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "TEARDOWN_IS_LATE", True)
    shop = with_orders(small_shop(route_class=APIRoute))
    with pytest.raises(SetupError, match=r"^/orders: FastAPI .* commits after the response was sent"):
        asyncio.run(started(shop.app))


def test_nor_does_it_answer_where_its_lifespan_does_not_look(
    small_shop: MakeShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "TEARDOWN_IS_LATE", True)
    shop = with_orders(small_shop(route_class=APIRoute))
    shop.app.router.lifespan_context = asynccontextmanager(nothing)
    with served(shop.app) as url:
        assert 500 == CLIENT.post(f"{url}/orders", params={"number": "A-1"}).status_code
    assert [] == shop.numbers()


async def nothing(_: FastAPI) -> Any:
    yield


async def started(app: FastAPI) -> None:
    async with app.router.lifespan_context(app):
        pass


def test_a_lifespan_disposes_of_engines_after_the_programs_own(small_shop: MakeShop) -> None:
    shop = small_shop()
    seen: list[str] = []

    @asynccontextmanager
    async def inner(_: FastAPI) -> Any:
        seen.append("opened")
        yield
        seen.append("closed")

    shop.app.router.lifespan_context = lifespan(shop.engine, inner=inner)
    pool = shop.engine.pool
    asyncio.run(started(shop.app))
    assert ["opened", "closed"] == seen
    assert pool is not shop.engine.pool
