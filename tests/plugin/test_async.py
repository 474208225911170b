"""Tests and fixtures that are coroutines, with the plugins that run them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.projects import Run, project_in, section

SHARED = """
from contextlib import suppress

import pytest
from sqlalchemy import StaticPool, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from tests.shelf import Author, Book, fill


async def one(session):
    return (await session.scalars(select(Author))).one()
"""

FIXTURES = """
@{fixture}
async def engine():
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    async with engine.begin() as connection:
        await connection.run_sync(fill)
    yield engine
    await engine.dispose()


@{fixture}
async def session(engine):
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


@{fixture}
async def expired(engine):
    async with AsyncSession(engine) as session:
        author = await one(session)
        await session.commit()
    return author


@{fixture}
async def factory(engine):
    return lambda: AsyncSession(engine)


@{fixture}
async def client(session):
    from fastapi import Depends, FastAPI
    from httpx import ASGITransport, AsyncClient

    app, cache = FastAPI(), {{}}

    def get_session():
        raise AssertionError

    @app.get("/")
    async def read(session=Depends(get_session)):
        if "author" not in cache:
            cache["author"] = await one(session)
            return 0
        return len(await session.run_sync(lambda _: cache["author"].books))

    app.dependency_overrides[get_session] = lambda: session
    async with AsyncClient(transport=ASGITransport(app), base_url="http://test") as client:
        yield client
"""

TESTS = """
pytestmark = [{mark}, pytest.mark.filterwarnings("ignore:coroutine '.*' was never awaited:RuntimeWarning")]


async def test_expired(expired):
    assert expired.name == "Ursula"


async def test_expired_in_open_session(session):
    author = await one(session)
    await session.commit()
    assert author.name == "Ursula"


async def test_lazy(session):
    author = await one(session)
    author.books


async def test_factory(factory):
    async with factory() as session:
        author = await one(session)
        await session.commit()
    author.name


async def test_no_lazy_loads(session, lifetimes):
    with lifetimes.no_lazy_loads():
        await session.run_sync(lambda session: len(session.scalars(select(Author)).one().books))


async def test_caught(expired, lifetimes):
    with suppress(Exception):
        expired.name
    lifetimes.assert_no_errors()


async def test_second_request(client):
    assert (await client.get("/")).json() == 0
    await client.get("/")


@pytest.mark.outlive(production_sessions=False)
async def test_shared_session(client):
    assert (await client.get("/")).json() == 0
    assert (await client.get("/")).json() == 2


async def test_fine(session, lifetimes):
    author = await one(session)
    lifetimes.assert_no_errors().assert_safe_to_detach(author, Author.name)
"""

ANYIO = """

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""


def run_with(folder: Path, plugin: str, *arguments: str) -> Run:
    for module in ("greenlet", "aiosqlite", "fastapi", "httpx", plugin):
        pytest.importorskip(module)
    if plugin == "pytest_asyncio":
        fixture, mark, more, ini = "pytest_asyncio.fixture", "pytest.mark.asyncio", "import pytest_asyncio", "asyncio"
    else:
        fixture, mark, more, ini = "pytest.fixture", "pytest.mark.anyio", ANYIO, ""
    conftest = SHARED + more + FIXTURES.format(fixture=fixture)
    project = project_in(folder, conftest, test_shop=SHARED + TESTS.format(mark=mark))
    if ini:
        asyncio = (
            "[pytest]\naddopts = --strict-markers --strict-config\nasyncio_default_fixture_loop_scope = function\n"
        )
        (folder / "pytest.ini").write_text(asyncio)
    return project.run("--outlive-production-sessions", *arguments)


@pytest.fixture(scope="module", params=["pytest_asyncio", "anyio"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_with(tmp_path_factory.mktemp("project"), request.param)


def told(run: Run, test: str) -> str:
    [text] = [text for name, text in run.results.items() if name.partition("[")[0] == test]
    return section(text)


def result(run: Run, test: str) -> str:
    [text] = [text for name, text in run.results.items() if name.partition("[")[0] == test]
    return text


def test_a_fixture_that_is_a_coroutine_owns_its_sessions(run: Run) -> None:
    text = told(run, "test_expired")

    assert "`Author.name` was read on a detached `Author (1,)`." in text
    assert "its session was made here by the fixture `expired` (function scope)" in text
    assert "expired here by the commit" in text
    assert "detached here: its session was closed" in text


def test_an_expired_attribute_in_an_open_session(run: Run) -> None:
    text = told(run, "test_expired_in_open_session")

    assert "was read in async code on a persistent `Author (1,)`" in text
    assert "by the fixture `session` (function scope)" in text
    assert "outlive_production_sessions = close" in text


def test_a_lazy_read(run: Run) -> None:
    assert "`Author.books` was read in async code" in told(run, "test_lazy")
    assert "selectinload(Author.books)" in told(run, "test_lazy")


def test_a_factory_of_a_fixture_owns_its_sessions(run: Run) -> None:
    assert "by the fixture `factory` (function scope)" in told(run, "test_factory")


def test_a_block_without_lazy_loads(run: Run) -> None:
    assert "1 lazy load in a block that allows none" in result(run, "test_no_lazy_loads")


def test_an_error_that_was_caught(run: Run) -> None:
    assert "1 lifetime error was raised" in result(run, "test_caught")


def test_what_a_request_has_kept_is_detached_for_the_next(run: Run) -> None:
    assert "its request was over, and outside of tests its session is closed then" in told(run, "test_second_request")
    assert "by the fixture `session` (function scope)" in told(run, "test_second_request")


@pytest.mark.parametrize("test", ["test_fine", "test_shared_session"])
def test_others_pass(run: Run, test: str) -> None:
    assert "passed" == result(run, test)


def test_with_xdist(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    run = run_with(tmp_path, "anyio", "-n", "1", "-k", "test_expired or test_second_request")

    assert "by the fixture `expired` (function scope)" in told(run, "test_expired")
    assert "its request was over" in told(run, "test_second_request")
