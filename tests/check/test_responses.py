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

from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import BaseModel, Field, model_validator

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)
application = FastAPI()
kept = []
shelf = []
table = {}
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


class WrittenOut(BookOut):
    author: PlainOut


class WholeOut(BaseModel):
    id: int
    books: list[WrittenOut]


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


@application.get("/held", response_model=list[WrittenOut])
async def held_by_a_name(session: OpenSession):
    author = await session.get(Author, 1, options=[selectinload(Author.books)])
    return author.books  # fails


async def find_books(session):
    author = (await session.scalars(select(Author).options(selectinload(Author.books)))).one()
    return author.books


@application.get("/found", response_model=list[WrittenOut])
async def held_in_a_callee(session: OpenSession):
    return await find_books(session)  # fails


@application.get("/new", response_model=WrittenOut)
async def looked_up_for_its_key(session: OpenSession):
    author = (await session.scalars(select(Author))).one()
    book = Book(title="The Dispossessed", author_id=author.id)
    session.add(book)
    await session.commit()
    await session.refresh(book)
    return book  # fails


@application.get("/whole", response_model=WholeOut)
async def held_by_the_response(session: OpenSession):
    return await session.get(Author, 1, options=[selectinload(Author.books)])


async def get_author(session: OpenSession):
    return await session.get(Author, 1, options=[selectinload(Author.books)])


@application.get("/dependency", response_model=list[WrittenOut])
async def held_by_a_dependency(author: Annotated[Author, Depends(get_author)]):
    return author.books


@application.get("/user", response_model=list[WrittenOut])
async def held_by_a_dependency_of_another(author: Annotated[Author, Depends(get_author)], session: OpenSession):
    books = (await session.scalars(select(Book).where(Book.author_id == author.id))).all()
    return books


@application.get("/changed", response_model=list[WrittenOut])
async def held_by_its_session(session: OpenSession):
    author = await session.get(Author, 1, options=[selectinload(Author.books)])
    author.name = "Ursula"
    return author.books


@application.get("/shelf", response_model=list[WrittenOut])
async def held_by_a_list(session: OpenSession):
    author = await session.get(Author, 1, options=[selectinload(Author.books)])
    shelf.append(author)
    return author.books


@application.get("/table", response_model=list[WrittenOut])
async def held_by_a_table(session: OpenSession):
    table[1] = author = await session.get(Author, 1, options=[selectinload(Author.books)])
    return author.books


@application.get("/state", response_model=list[WrittenOut])
async def held_by_the_request(session: OpenSession, request: Request):
    author = await session.get(Author, 1, options=[selectinload(Author.books)])
    request.state.author = author
    return author.books


@application.get("/global", response_model=list[WrittenOut])
async def held_by_the_module(session: OpenSession):
    global last
    last = await session.get(Author, 1, options=[selectinload(Author.books)])
    return last.books


@application.get("/info", response_model=list[WrittenOut])
async def held_by_what_its_session_knows(session: OpenSession):
    author = await session.get(Author, 1, options=[selectinload(Author.books)])
    session.info["author"] = author
    return author.books


@application.get("/cycle", response_model=list[WrittenOut])
async def known_to_its_books(session: OpenSession):
    author = await session.get(Author, 1, options=[selectinload(Author.books).joinedload(Book.author)])
    return author.books


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
    expected |= {"held_by_a_name", "held_in_a_callee", "looked_up_for_its_key"}

    assert expected == failing_functions(program)


def test_the_evidence_names_the_field() -> None:
    found = [f for f in check_source(PROGRAM, all_hazards()) if f.place.line > OFFSET]
    texts = {PROGRAM.splitlines()[step.place.line - 1].strip() for f in found for step in f.evidence}

    assert {"books: list[BookOut] = []", "changed_at: datetime"} <= texts
