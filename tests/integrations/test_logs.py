"""Explanations where people look: logs and servers' logs."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import DetachedInstanceError

import outlive
from outlive.integrations import asgi, wsgi
from outlive.integrations.logging import ExplainFilter
from tests.databases import MEMORY
from tests.shelf import Author, fill


@pytest.fixture
def author() -> Iterator[Author]:
    """Expired and detached."""
    with MEMORY.engine() as engine:
        yield expired(engine)


def expired(engine: Engine) -> Author:
    with engine.begin() as connection:
        fill(connection)
    with Session(engine) as session:
        author = session.scalars(select(Author)).one()
        session.commit()
    return author


@pytest.fixture
def log() -> tuple[logging.Logger, io.StringIO]:
    logger, written = logging.Logger("app"), io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(ExplainFilter())
    logger.addHandler(handler)
    return logger, written


def notes_on(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


def test_a_logged_exception_is_explained(author: Author, log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    try:
        author.name  # noqa: B018
    except DetachedInstanceError:
        logger.exception("failed")

    assert written.getvalue().count("`Author.name` was read on a detached `Author (1,)`.") == 1


def test_what_a_watch_has_said_is_not_said_again(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    with outlive.watch(), MEMORY.engine() as engine:
        try:
            expired(engine).name  # noqa: B018
        except DetachedInstanceError as error:
            try:
                raise RuntimeError from error
            except RuntimeError:
                logger.exception("failed")

    assert written.getvalue().count("was read on a detached") == 1


def test_an_error_inside_that_of_a_serializer(author: Author, log: tuple[logging.Logger, io.StringIO]) -> None:
    pydantic = pytest.importorskip("pydantic")
    logger, written = log
    model = pydantic.create_model("AuthorOut", __config__=pydantic.ConfigDict(from_attributes=True), name=(str, ...))
    try:
        model.model_validate(author)
    except pydantic.ValidationError:
        logger.exception("failed")

    assert "`Author.name` was read on a detached" in written.getvalue()


def test_other_records_stay_what_they_are(log: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = log
    logger.info("started")
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        logger.exception("failed")

    first, *_, last = written.getvalue().splitlines()
    assert ("started", "ZeroDivisionError: division by zero") == (first, last)


def test_an_exception_that_leaves_an_asgi_application(author: Author) -> None:
    async def app(*_: object) -> None:
        author.name  # noqa: B018

    with pytest.raises(DetachedInstanceError) as caught:
        asyncio.run(asgi.ExplainMiddleware(app, redact=True)({}, None, None))

    [note] = notes_on(caught.value)
    assert "`Author.name` was read on a detached `Author (...)`." in note


def test_a_fastapi_application_answers_as_before() -> None:
    fastapi = pytest.importorskip("fastapi")
    httpx = pytest.importorskip("httpx")
    app = fastapi.FastAPI()
    app.add_middleware(asgi.ExplainMiddleware)

    @app.get("/")
    async def fail() -> None:
        with MEMORY.engine() as engine:
            expired(engine).name  # noqa: B018

    async def ask(*, is_raised: bool) -> int:
        transport = httpx.ASGITransport(app, raise_app_exceptions=is_raised)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.get("/")
            assert "Author" not in answer.text
            return answer.status_code

    assert 500 == asyncio.run(ask(is_raised=False))
    with pytest.raises(DetachedInstanceError) as caught:
        asyncio.run(ask(is_raised=True))
    assert 1 == len(notes_on(caught.value))


def test_an_exception_that_leaves_a_wsgi_application(author: Author) -> None:
    def app(environ: object, start_response: object) -> list[bytes]:
        return [author.name.encode()]

    with pytest.raises(DetachedInstanceError) as caught:
        list(wsgi.ExplainMiddleware(app)({}, lambda *_: None))

    assert 1 == len(notes_on(caught.value))


def test_an_exception_in_the_body_of_a_wsgi_response(author: Author) -> None:
    closed = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield b"name: "
            yield author.name.encode()

        def close(self) -> None:
            closed.append(True)

    body = wsgi.ExplainMiddleware(lambda *_: Body())({}, lambda *_: None)
    with pytest.raises(DetachedInstanceError) as caught:
        list(body)
    body.close()

    assert 1 == len(notes_on(caught.value))
    assert [True] == closed
