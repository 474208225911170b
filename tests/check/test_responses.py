"""Path operations of FastAPI: what the response model reads, held against what the client gets."""

from __future__ import annotations

import asyncio
import gc
import re
import sys
import types
import warnings
from collections.abc import Iterator

import pytest

from outlive.check.engine import check_source
from outlive.hazards.catalog import all_hazards
from tests.hazards.programs import BOOKSHOP, OFFSET

pytest.importorskip("fastapi")
httpx = pytest.importorskip("httpx")
pytest.importorskip("aiosqlite")

PROGRAM = (
    BOOKSHOP
    + """
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel, Field, model_validator

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)
application = FastAPI()
kept = []
router = APIRouter(prefix="/library")


class BookOut(BaseModel):
    kind: ClassVar[str] = "book"
    id: int
    title: str


class AuthorOut(BaseModel):
    id: int
    books: list[BookOut] = []


class NamedOut(BaseModel):
    id: int
    works: list[BookOut] = Field(default=[], validation_alias="books")


class PlainOut(BaseModel):
    id: int
    name: str


class CarefulOut(BaseModel):
    id: int
    books: list[BookOut] = []

    @model_validator(mode="before")
    @classmethod
    def only_what_is_loaded(cls, given: Any) -> Any:
        return {"id": given.id}


class DetailOut(BookOut):
    changed_at: datetime


async def get_session():
    async with AsyncKeeping() as session:
        yield session


OpenSession = Annotated[AsyncSession, Depends(get_session)]


@application.get("/model", response_model=AuthorOut)
async def model(session: OpenSession):
    return await session.get(Author, 1)  # fails


@application.get("/annotation")
async def annotation(session: OpenSession) -> AuthorOut:
    return await session.get(Author, 1)  # fails


@router.get("/list")
async def many(session: OpenSession) -> list[AuthorOut]:
    authors = (await session.scalars(select(Author))).all()
    return authors  # fails


@router.get("/alias", response_model=NamedOut | None)
async def alias(session: AsyncSession = Depends(get_session)):
    return await session.get(Author, 1)  # fails


@router.patch("/onupdate", response_model=DetailOut)
async def onupdate(session: OpenSession):
    book = await session.get(Book, 1)
    book.price = 11
    await session.commit()
    return book  # fails


@router.get("/closed", response_model=AuthorOut)
async def closed():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
    return author  # fails


@application.get("/loaded", response_model=AuthorOut)
async def loaded(session: OpenSession):
    return await session.get(Author, 1, options=[selectinload(Author.books)])


@application.get("/columns", response_model=PlainOut)
async def columns(session: OpenSession):
    return await session.get(Author, 1)


@application.get("/validator", response_model=CarefulOut)
async def validator(session: OpenSession):
    return await session.get(Author, 1)


@application.get("/sync", response_model=AuthorOut)
async def sync():
    session = SessionLocal()
    kept.append(session)
    return session.get(Author, 1)


@application.get("/dictionary", response_model=PlainOut)
async def dictionary(session: OpenSession):
    author = await session.get(Author, 1)
    return {"id": author.id, "name": author.name}


@application.get("/no-model", response_model=None)
async def no_model(session: OpenSession) -> Any:
    author = await session.get(Author, 1)
    return {"name": author.name}


def helper(author) -> AuthorOut:
    return author


application.include_router(router)
"""
)


@pytest.fixture(scope="module")
def program() -> Iterator[types.ModuleType]:
    """The program, with its routes, as a module of its own."""
    module = types.ModuleType("example")
    sys.modules["example"] = module
    exec(compile(PROGRAM, "example.py", "exec"), module.__dict__)
    yield module
    del sys.modules["example"]
    for session in module.kept:
        session.close()
    module.engine.dispose()
    asyncio.run(module.async_engine.dispose())


def failing_functions(program: types.ModuleType) -> set[str]:
    """Names of the path operations that answer 500."""
    routes = re.findall(r'@(\w+)\.(get|patch)\("(/[\w-]+)".*\n(?:async )?def (\w+)', PROGRAM)
    with warnings.catch_warnings():
        # A lazy load in async code drops the coroutine that it could not await.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        gc.disable()  # not in the middle of anything, and not in a later test
        try:
            return asyncio.run(ask(program, routes))
        finally:
            gc.collect()
            gc.enable()


async def ask(program: types.ModuleType, routes: list[tuple[str, str, str, str]]) -> set[str]:
    transport = httpx.ASGITransport(program.application, raise_app_exceptions=False)
    failing: set[str] = set()
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for owner, method, path, name in routes:
            prefix = "/library" if owner == "router" else ""
            if (await client.request(method, prefix + path)).status_code == 500:
                failing.add(name)
    return failing


def reported_lines() -> set[int]:
    found = check_source(PROGRAM, all_hazards())
    return {finding.place.line for finding in found if finding.place.line > OFFSET}


def test_what_the_response_model_cannot_read_is_reported() -> None:
    marked = {number for number, line in enumerate(PROGRAM.splitlines(), 1) if line.endswith("# fails")}

    assert marked == reported_lines()


def test_those_answer_with_an_error_and_no_others(program: types.ModuleType) -> None:
    expected = {"model", "annotation", "many", "alias", "onupdate", "closed"}

    assert expected == failing_functions(program)


def test_the_evidence_names_the_field() -> None:
    found = [f for f in check_source(PROGRAM, all_hazards()) if f.place.line > OFFSET]
    texts = {PROGRAM.splitlines()[step.place.line - 1].strip() for f in found for step in f.evidence}

    assert {"books: list[BookOut] = []", "changed_at: datetime"} <= texts
