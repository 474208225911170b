"""What the middleware says of a request that ends its transactions too late, or not at all."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from inspect import currentframe
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from outlive.integrations.asgi import BoundaryMiddleware
from outlive.recorder import exchanges
from tests.databases import MEMORY
from tests.shelf import Author, fill


@pytest.fixture(autouse=True)
def alone() -> Iterator[None]:
    """A middleware lives as long as its application; here, as long as a test."""
    yield
    exchanges.stop_listening()


@pytest.fixture
def session() -> Iterator[Session]:
    with MEMORY.engine() as engine:
        with engine.begin() as connection:
            fill(connection)
        with Session(engine) as session:
            yield session


def warnings_of(app: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> list[str]:
    """What is logged while an application answers one request."""

    async def send(_: Any) -> None: ...

    async def serve() -> None:
        await BoundaryMiddleware(app)({"type": "http", "method": "POST", "path": "/authors"}, send, send)

    with caplog.at_level(logging.WARNING, "outlive"):
        asyncio.run(serve())
    return [record.getMessage() for record in caplog.records]


async def answer(send: Any) -> None:
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def line_below() -> str:
    frame = currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return f"{Path(__file__).relative_to(Path.cwd())}:{frame.f_back.f_lineno + 1}"


def test_a_commit_after_the_response_has_started_is_told(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    places: list[str] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        session.add(Author(name="Ursula"))
        await answer(send)
        places.append(line_below())
        session.commit()

    told = warnings_of(app, caplog)

    assert [f"{places[0]}: POST /authors had answered 201 when this was committed"] == [
        text.partition(";")[0] for text in told
    ]


def test_a_transaction_that_is_left_open_is_told_also_where_the_application_fails(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    places: list[str] = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        places.append(line_below())
        session.scalars(select(Author)).all()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        warnings_of(app, caplog)

    assert [f"{places[0]}: the transaction that began here was left open by POST /authors"] == [
        record.getMessage().partition(";")[0] for record in caplog.records
    ]


def test_nothing_is_said_where_all_is_done_in_time(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        session.add(Author(name="Ursula"))
        session.commit()
        await answer(send)
        session.scalars(select(Author)).all()
        session.commit()  # of nothing that was written before the answer

    assert [] == warnings_of(app, caplog)


def test_nothing_is_said_of_a_background_task_with_a_session_of_its_own(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(send)
        session.add(Author(name="Ursula"))
        session.commit()

    assert [] == warnings_of(app, caplog)
