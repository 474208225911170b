"""What the dependency of every tutorial does in the installed FastAPI (yield, then commit), beside ours.

`nox -s fastapi` asks the versions between which the answer changes.
"""

# No `from __future__ import annotations`: FastAPI could not resolve the names that belong to a function.

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Semaphore
from typing import Annotated, Any

import fastapi
import httpx
import pytest
from fastapi import BackgroundTasks, Depends, params
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, field_serializer
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session

from outlive.integrations.fastapi import SessionRoute
from tests.integrations.web.conftest import MakeShop
from tests.integrations.web.shop import CLIENT, Order, Shop, factory_for, served

RELEASE = tuple(int(part) for part in fastapi.__version__.split(".")[:2])
READ = 10


@dataclass(frozen=True)
class Truth:
    """What comes of a way to commit.

    Attributes:
        order: In which the commit, and what is around it, comes.
        has_id: Whether the response has the key of a new row.
        status_of_failure: What is answered where the commit fails.
        missed: Of reads right after the answer, where a commit takes its time: those that do not find the row.
        rows_where_background_raises: Whether what the client was told is done is in the database.
        is_open_in_stream: Whether the session has its connection while a body is streamed.
    """

    order: tuple[str, ...]
    has_id: bool = False
    status_of_failure: int = 500
    missed: int = 0
    rows_where_background_raises: int = 1
    is_open_in_stream: bool = False


EARLY = Truth(("serialise", "commit", "send", "background"))
LATE = Truth(
    ("serialise", "send", "background", "commit"),
    status_of_failure=200,
    missed=READ,
    rows_where_background_raises=0,
    is_open_in_stream=True,
)
OURS = Truth(("commit", "serialise", "send", "background"), has_id=True)

TRUTH = {"the tutorial's": EARLY if (0, 106) <= RELEASE < (0, 118) else LATE, "ours": OURS}
if RELEASE >= (0, 121):
    TRUTH['the tutorial\'s, scope="function"'] = EARLY


@dataclass
class Program:
    """An application that notes in which order things come.

    Attributes:
        depends: How a path operation gets its session.
        noted: What has come so far.
        looked: A client has looked for what it was told is done.
        committed: A commit has come.
        patience: For how many seconds a commit takes its time, unless somebody has looked before.
    """

    shop: Shop
    depends: params.Depends
    noted: list[str]
    looked: Semaphore = field(default_factory=lambda: Semaphore(0))
    committed: Semaphore = field(default_factory=lambda: Semaphore(0))
    patience: float = 0.02

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.noted.append("send")
            await send(message)

        await self.shop.app(scope, receive, sending)


@pytest.fixture(params=TRUTH)
def way(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def truth(way: str) -> Truth:
    return TRUTH[way]


@pytest.fixture
def program(big_shop: MakeShop, way: str) -> Program:
    shop = big_shop(route_class=SessionRoute if way == "ours" else APIRoute)
    sync_engine = shop.engine.sync_engine if isinstance(shop.engine, AsyncEngine) else shop.engine
    scope: dict[str, Any] = {"scope": "function"} if "function" in way else {}
    depends = shop.get_session if way == "ours" else Depends(tutorials(shop), **scope)
    program = with_orders(Program(shop, depends, []))

    @event.listens_for(sync_engine, "commit")
    def commit(_: object) -> None:
        program.looked.acquire(timeout=program.patience)  # the time that another machine takes
        program.noted.append("commit")
        program.committed.release()

    return program


def tutorials(shop: Shop) -> Callable[..., Any]:
    """As https://fastapi.tiangolo.com/tutorial/dependencies/dependencies-with-yield/ and most answers have it."""
    factory = factory_for(shop.engine)

    def get_session() -> Any:
        with factory() as session:
            yield session
            session.commit()

    async def get_async_session() -> Any:
        async with factory() as session:
            yield session
            await session.commit()

    return get_async_session if shop.is_async else get_session


def with_orders(program: Program) -> Program:
    shop, noted = program.shop, program.noted

    class OrderOut(BaseModel, from_attributes=True):
        id: int | None
        number: str

        @field_serializer("number")
        def serialise(self, number: str) -> str:
            noted.append("serialise")
            return number

    @shop.app.post("/orders", response_model=OrderOut)
    def create(
        number: str, session: Annotated[Any, program.depends], background: BackgroundTasks, fails: bool = False
    ) -> Any:
        def task() -> None:
            noted.append("background")
            if fails:
                raise RuntimeError

        background.add_task(task)
        session.add(order := Order(number=number))
        return order

    @shop.app.get("/stream")
    def stream(session: Annotated[Any, program.depends]) -> Any:
        session.add(Order(number="streamed"))
        sync_session = session if isinstance(session, Session) else session.sync_session

        def body() -> Any:
            yield "open" if sync_session.in_transaction() else "closed"

        return StreamingResponse(body())

    return program


def test_in_which_order_a_request_is_committed_and_answered(program: Program, truth: Truth) -> None:
    with served(program) as url:
        answer = CLIENT.post(f"{url}/orders", params={"number": "A-1"})
    assert truth.order == tuple(program.noted)
    assert truth.has_id is (answer.json()["id"] is not None)
    assert ["A-1"] == program.shop.numbers()


def test_what_is_answered_where_the_commit_fails(program: Program, truth: Truth) -> None:
    with served(program) as url:
        answers = [CLIENT.post(f"{url}/orders", params={"number": "A-1"}).status_code for _ in range(2)]
    assert [200, truth.status_of_failure] == answers
    assert ["A-1"] == program.shop.numbers()


def test_what_a_read_right_after_the_answer_finds(program: Program, truth: Truth) -> None:
    missed = 0
    program.patience = 20 if truth.missed else 0.02
    with served(program) as url, httpx.Client(base_url=url, timeout=60) as client:
        for number in range(READ):
            client.post("/orders", params={"number": f"A-{number}"})
            missed += f"A-{number}" not in program.shop.numbers()
            program.looked.release()
            assert program.committed.acquire(timeout=60)  # Or the next commit could be the first.
    assert truth.missed == missed


def test_what_a_background_task_that_raises_leaves(program: Program, truth: Truth) -> None:
    with served(program) as url:
        answer = CLIENT.post(f"{url}/orders", params={"number": "A-1", "fails": True})
    assert 200 == answer.status_code
    assert truth.rows_where_background_raises == len(program.shop.numbers())


def test_whether_a_streamed_body_holds_the_session_open(program: Program, truth: Truth) -> None:
    with served(program) as url:
        answer = CLIENT.get(f"{url}/stream")
    assert truth.is_open_in_stream is (answer.text == "open")
