"""Resolvers of Strawberry: the fields of what they return are resolved when they are done."""

from __future__ import annotations

import asyncio
import sys
import types
from pathlib import Path

import pytest

from outlive.check.engine import check
from outlive.hazards.catalog import all_hazards
from tests.hazards.programs import BOOKSHOP

QUERIES = """
import strawberry

@strawberry.type
class BookType:
    id: int
    title: str


@strawberry.type
class AuthorType:
    id: int
    name: str
    books: list[BookType]


@strawberry.type
class CountedAuthor:
    name: str
    secret: strawberry.Private[object] = None

    @strawberry.field
    def length(self) -> int:
        return len(self.name)


@strawberry.type
class WriterType:
    name: str


@strawberry.type
class WrittenBook:
    title: str
    author: WriterType | None


@strawberry.type
class Query:
    @strawberry.field
    def author(self) -> AuthorType:
        with SessionLocal() as session:
            return session.get(Author, 1)  # Author.books is not loaded and its session is closed

    @strawberry.field
    def loaded_author(self) -> AuthorType:
        with SessionLocal() as session:
            author = session.get(Author, 1, options=[selectinload(Author.books)])
            return author

    @strawberry.field
    def counted_author(self) -> CountedAuthor | None:
        with SessionLocal() as session:
            return session.get(Author, 1)

    @strawberry.field
    def authors(self) -> list[AuthorType]:
        with SessionLocal() as session:
            return session.scalars(select(Author)).all()  # Author.books is not loaded

    @strawberry.field
    def made(self) -> AuthorType:
        with SessionLocal() as session:
            author = session.get(Author, 1)
            books = [BookType(id=book.id, title=book.title) for book in author.books]
            return AuthorType(id=author.id, name=author.name, books=books)

    @strawberry.field
    async def written(self) -> WrittenBook:
        async with AsyncSessionLocal() as session:
            book = await session.get(Book, 1)
            return book  # Book.author is not loaded and its session is closed

    @strawberry.field
    async def written_by(self) -> WrittenBook:
        async with AsyncSessionLocal() as session:
            statement = select(Book).options(joinedload(Book.author)).where(Book.id == 1)
            return (await session.scalars(statement)).one()

    @strawberry.field
    async def asked_for(self, info: strawberry.Info) -> WrittenBook:
        options = []
        if any(field.name == "author" for field in info.selected_fields[0].selections):
            options.append(joinedload(Book.author))
        async with AsyncSessionLocal() as session:
            return (await session.scalars(select(Book).options(*options).where(Book.id == 1))).one()
"""


def test_what_a_type_declares_is_read_when_its_resolver_is_done() -> None:
    lines = (BOOKSHOP + QUERIES).splitlines()
    found = check([Path("shop.py")], all_hazards(), texts={"shop.py": BOOKSHOP + QUERIES}).findings

    assert [line for line in lines if "  # " in line and "is not loaded" in line] == [
        lines[finding.place.line - 1] for finding in found
    ]
    assert {"response-reads-unloaded"} == {finding.name for finding in found}


@pytest.mark.parametrize(
    ("query", "fails"),
    [
        ("author { name books { title } }", True),
        ("author { name }", False),
        ("loadedAuthor { name books { title } }", False),
        ("countedAuthor { name length }", False),
        ("authors { name books { title } }", True),
        ("made { name books { title } }", False),
        ("written { title author { name } }", True),
        ("writtenBy { title author { name } }", False),
        ("askedFor { title author { name } }", False),
        ("askedFor { title }", False),
    ],
)
def test_a_client_that_asks_for_it_gets_an_error(monkeypatch: pytest.MonkeyPatch, query: str, *, fails: bool) -> None:
    strawberry = pytest.importorskip("strawberry")
    pytest.importorskip("aiosqlite")
    shop = types.ModuleType("shop")
    monkeypatch.setitem(sys.modules, "shop", shop)
    exec(BOOKSHOP + QUERIES, shop.__dict__)
    try:
        answer = asyncio.run(strawberry.Schema(shop.Query).execute(f"{{ {query} }}"))
    finally:
        shop.engine.dispose()
        asyncio.run(shop.async_engine.dispose())

    assert fails == bool(answer.errors)
    assert all(error.original_error.code == "bhk3" for error in answer.errors or ())
