"""Commits that come after the response has started."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, StaticPool, create_engine, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from outlive.recorder.recording import Recording
from outlive.testing import Lifetimes
from tests.shelf import Author, Book, fill

fastapi = pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with engine.begin() as connection:
        fill(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def seen() -> Lifetimes:
    return Lifetimes(Recording())


def app_of(engine: Engine, work: Callable[[Session], Any], *, is_async: bool = False, **depends: Any) -> Any:
    """A path operation whose dependency commits when it ends."""
    app = fastapi.FastAPI()

    def get_session() -> Iterator[Session]:
        with Session(engine) as session:
            yield session
            session.commit()  # late

    async def get_session_async() -> AsyncIterator[Session]:
        with Session(engine) as session:
            yield session
            session.commit()  # late

    dependency = fastapi.Depends(get_session_async if is_async else get_session, **depends)

    @app.post("/books", status_code=201)
    def write(session: Session = dependency) -> None:
        work(session)

    return app


def add(session: Session) -> None:
    session.add(Book(title="Kindred"))


def ask(app: Any) -> int:
    async def asked() -> int:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return (await client.post("/books")).status_code

    return asyncio.run(asked())


def ask_test_client(app: Any) -> int:
    # It warns that it wants another httpx.
    testclient = pytest.importorskip("fastapi.testclient")
    return testclient.TestClient(app, raise_server_exceptions=False).post("/books").status_code


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("client", [ask, ask_test_client])
def test_a_late_commit_is_named(client: Any, is_async: bool, engine: Engine, seen: Lifetimes) -> None:
    app = app_of(engine, add, is_async=is_async)
    with pytest.raises(AssertionError) as caught, seen.commits_before_response():
        assert 201 == client(app)

    lines = str(caught.value).splitlines()
    assert "1 commit came after the response had started:" == lines[0]
    assert "test_commits.py" in lines[1]
    assert "POST /books had answered 201 when this was committed" in lines[1]
    assert 'scope="function"' in lines[4]
    assert "outlive explain commit-after-response" in lines[5]


@pytest.mark.parametrize("client", [ask, ask_test_client])
def test_an_early_commit_is_none(client: Any, engine: Engine, seen: Lifetimes) -> None:
    app = app_of(engine, add, scope="function")
    with seen.commits_before_response() as commits:
        assert 201 == client(app)

    assert [] == [*commits]


def test_a_late_commit_that_fails_is_named(engine: Engine, seen: Lifetimes) -> None:
    app = app_of(engine, lambda session: session.add(Author()))
    with pytest.raises(AssertionError, match="had answered 201"), seen.commits_before_response():
        assert 201 == ask(app)
    with Session(engine) as session:
        session.add(Author())
        with pytest.raises(IntegrityError):
            session.commit()


@pytest.mark.parametrize(
    "work",
    [
        lambda session: session.get(Author, 1),
        lambda session: (session.add(Book(title="Kindred")), session.commit()),
        lambda session: (session.add(Book(title="Kindred")), session.flush(), session.rollback()),
        lambda _: None,
    ],
    ids=["reads", "commits itself", "rolls back", "does nothing"],
)
def test_a_late_commit_of_nothing_is_none(work: Any, engine: Engine, seen: Lifetimes) -> None:
    with seen.commits_before_response():
        assert 201 == ask(app_of(engine, work))


@pytest.mark.parametrize(
    "work",
    [
        lambda session: (session.add(Book(title="Kindred")), session.flush()),
        lambda session: session.execute(insert(Book), [{"title": "Kindred"}]),
        lambda session: setattr(session.get(Author, 1), "name", "Octavia"),
        lambda session: session.delete(session.get(Book, 1)),
    ],
    ids=["flushed", "in SQL", "changed", "deleted"],
)
def test_whatever_was_written_counts(work: Any, engine: Engine, seen: Lifetimes) -> None:
    with pytest.raises(AssertionError, match="1 commit came"), seen.commits_before_response():
        assert 201 == ask(app_of(engine, work))


def test_a_background_task_may_commit_in_a_session_of_its_own(engine: Engine, seen: Lifetimes) -> None:
    app = fastapi.FastAPI()

    def work() -> None:
        with Session(engine) as session:
            add(session)
            session.commit()

    @app.post("/books")
    def write(tasks: fastapi.BackgroundTasks) -> None:
        tasks.add_task(work)

    with seen.commits_before_response():
        assert 200 == ask(app)


def test_commits_of_the_test_itself_are_none(engine: Engine, seen: Lifetimes) -> None:
    app = app_of(engine, lambda _: None)
    with seen.commits_before_response(), Session(engine) as session:
        add(session)
        ask(app)
        session.commit()


def test_an_error_of_the_block_stays_what_it_is(engine: Engine, seen: Lifetimes) -> None:
    with pytest.raises(ZeroDivisionError), seen.commits_before_response():
        raise ZeroDivisionError(ask(app_of(engine, add)))


def test_after_the_block_the_framework_is_as_before(seen: Lifetimes) -> None:
    from starlette.applications import Starlette  # noqa: PLC0415

    before = Starlette.__call__
    with seen.commits_before_response():
        assert before is not Starlette.__call__

    assert before is Starlette.__call__


def test_any_asgi_application_can_be_watched(engine: Engine, seen: Lifetimes) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with Session(engine) as session:
            add(session)
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            session.commit()

    with pytest.raises(AssertionError, match="POST /books had answered 204"), seen.commits_before_response() as commits:
        assert 204 == ask(commits.watch(app))


def test_flask_commits_before_the_response(engine: Engine, seen: Lifetimes) -> None:
    flask = pytest.importorskip("flask")
    app, session = flask.Flask(__name__), Session(engine)

    @app.post("/books")
    def write() -> str:
        add(session)
        return ""

    @app.teardown_request
    def save(_: object) -> None:
        session.commit()

    with seen.commits_before_response():
        assert 200 == app.test_client().post("/books").status_code
    session.close()


def test_a_commit_in_a_streamed_body_is_late(engine: Engine, seen: Lifetimes) -> None:
    flask = pytest.importorskip("flask")
    app, session = flask.Flask(__name__), Session(engine)

    @app.post("/books")
    def write() -> Any:
        add(session)

        def body() -> Iterator[bytes]:
            yield b"a"
            session.commit()
            yield b"b"

        return body()

    with pytest.raises(AssertionError, match="POST /books had answered 200"), seen.commits_before_response():
        assert b"ab" == app.test_client().post("/books").data
    session.close()


def test_any_wsgi_application_can_be_watched(engine: Engine, seen: Lifetimes) -> None:
    closed = []

    class Body:
        def __init__(self, session: Session) -> None:
            self.session = session

        def __iter__(self) -> Iterator[bytes]:
            yield b"a"

        def close(self) -> None:
            self.session.commit()
            closed.append(True)

    def app(environ: Any, start_response: Any) -> Body:
        session = Session(engine)
        add(session)
        start_response("200 OK", [])
        return Body(session)

    def ask_wsgi(app: Any) -> bytes:
        with httpx.Client(transport=httpx.WSGITransport(app), base_url="http://test") as client:
            return client.get("/").content

    with pytest.raises(AssertionError, match="GET / had answered 200"), seen.commits_before_response() as commits:
        assert b"a" == ask_wsgi(commits.watch(app))
    assert [True] == closed
