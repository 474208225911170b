"""What is in the context of a GraphQL request: all resolvers share it, and data loaders give what they have loaded."""

from __future__ import annotations

import asyncio
import re
import sys
import types
from pathlib import Path

import pytest
import sqlalchemy

from outlive.check.engine import check
from outlive.hazards.catalog import all_hazards
from tests.hazards.programs import BOOKSHOP

SCHEMA = """
import functools

import strawberry
from fastapi import Depends, FastAPI, Request
from sqlalchemy.pool import NullPool
from strawberry.dataloader import DataLoader
from strawberry.fastapi import BaseContext, GraphQLRouter

shop_engine = create_async_engine("sqlite+aiosqlite:///shop.db", poolclass=NullPool)
open_session = async_sessionmaker(shop_engine, expire_on_commit=False)


async def get_session():
    async with open_session() as session:
        yield session


async def get_used_session():
    async with open_session() as session:
        await session.execute(select(Author.id))
        yield session


async def load_titles(keys, session):
    found = await session.execute(select(Book.id, Book.title).where(Book.id.in_(keys)))
    titles = dict(found.all())
    return [titles.get(key, "") for key in keys]


async def load_names(keys, session):
    return [(await session.get(Author, key)).name for key in keys]


async def load_years(keys):
    async with open_session() as session:
        return await load_titles(keys, session)


def by_key(authors, keys):
    found = {author.id: author for author in authors}
    return [found.get(key) for key in keys]


async def load_bare(keys):
    async with open_session() as session:
        return by_key(await session.scalars(select(Author).where(Author.id.in_(keys))), keys)


async def load_full(keys):
    async with open_session() as session:
        statement = select(Author).options(selectinload(Author.books)).where(Author.id.in_(keys))
        return by_key(await session.scalars(statement), keys)


def named(session):
    return DataLoader(load_fn=functools.partial(load_names, session=session))


class Context(BaseContext):
    def __init__(self, request, session, used):
        super().__init__()
        self.session = session
        self.used = used
        self.lock = asyncio.Lock()
        self.titles = DataLoader(load_fn=lambda keys: load_titles(keys, request.state.session))
        self.years = DataLoader(load_years)
        self.bare = DataLoader(load_bare)
        self.full = DataLoader(load_fn=load_full)
        self.names = named(session)  # session-shared-by-tasks


async def get_context(
    request: Request,
    session: AsyncSession = Depends(get_session),
    used: AsyncSession = Depends(get_used_session),
):
    request.state.session = session
    return Context(request, session, used)


async def count_books(info: strawberry.Info) -> int:
    return await info.context.session.scalar(select(func.count(Book.id)))  # session-shared-by-tasks


async def count_authors(info: strawberry.Info) -> int:
    async with open_session() as session:
        return await session.scalar(select(func.count(Author.id)))


def logged(resolver):
    @functools.wraps(resolver)
    async def wrapper(*args, **kwargs):
        return await resolver(*args, **kwargs)

    return wrapper


async def name_of(info, author_id):
    return (await info.context.session.get(Author, author_id)).name


@strawberry.type
class Writer:
    id: int

    @strawberry.field
    async def name(self, info: strawberry.Info[Context, None]) -> str:
        return await name_of(info, self.id)  # session-shared-by-tasks


@strawberry.type
class Novel:
    title: str


@strawberry.type
class Novelist:
    name: str
    books: list[Novel]


@strawberry.type
class Query:
    books: int = strawberry.field(resolver=logged(count_books))
    authors: int = strawberry.field(resolver=count_authors)

    @strawberry.field
    async def writers(self) -> list[Writer]:
        return [Writer(id=1), Writer(id=2)]

    @strawberry.field
    async def guarded(self, info: strawberry.Info) -> int:
        async with info.context.lock:
            return await info.context.session.scalar(select(func.count(Book.id)))

    @strawberry.field
    async def read(self, info: strawberry.Info) -> int:
        return await info.context.used.scalar(select(func.count(Book.id)))

    @strawberry.field
    async def title(self, info: strawberry.Info) -> str:
        return await info.context.titles.load(1)

    @strawberry.field
    async def year(self, info: strawberry.Info) -> str:
        return await info.context.years.load(1)

    @strawberry.field
    async def first_name(self, info: strawberry.Info) -> str:
        return await info.context.names.load(1)

    @strawberry.field
    async def bare(self, info: strawberry.Info) -> Novelist:
        return await info.context.bare.load(1)  # response-reads-unloaded

    @strawberry.field
    async def all_bare(self, info: strawberry.Info) -> list[Novelist]:
        return await info.context.bare.load_many([1, 2])  # response-reads-unloaded

    @strawberry.field
    async def full(self, info: strawberry.Info) -> Novelist:
        return await info.context.full.load(1)

    @strawberry.field
    async def length(self, info: strawberry.Info) -> int:
        author = await info.context.bare.load(1)
        return len(author.books)  # lazy-read-after-close


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def rename(self, info: strawberry.Info) -> str:
        author = await info.context.session.get(Author, 1)
        author.name = "Le Guin"
        await info.context.session.commit()
        return author.name

    @strawberry.field
    async def kept(self, info: strawberry.Info) -> str:
        return (await info.context.session.get(Author, 1)).name


schema = strawberry.Schema(Query, mutation=Mutation)
app = FastAPI()
app.include_router(GraphQLRouter(schema, context_getter=get_context), prefix="/shop")
"""


def test_what_is_reported() -> None:
    lines = (BOOKSHOP + SCHEMA).splitlines()
    names = {hazard.name for hazard in all_hazards()}
    found = check([Path("shop.py")], all_hazards(), texts={"shop.py": BOOKSHOP + SCHEMA}).findings

    assert [(line, name) for line in lines if (name := line.rpartition("  # ")[2]) in names] == [
        (lines[each.place.line - 1], each.name) for each in found
    ]
    assert "left with the request here" in [step.message for step in found[0].evidence]


@pytest.mark.parametrize(
    ("query", "fails"),
    [
        ("{ books }", False),
        ("{ books more: books }", True),
        ("{ books writers { name } }", True),
        ("{ writers { name } }", True),
        ("{ authors more: authors }", False),
        ("{ guarded more: guarded }", False),
        ("{ read more: read }", False),
        ("{ title firstName }", True),
        ("{ title more: title year }", False),
        ("{ bare { name } }", False),
        ("{ bare { name books { title } } }", True),
        ("{ allBare { books { title } } }", True),
        ("{ full { name books { title } } full { name } }", False),
        ("{ length }", True),
        ("mutation { rename kept more: rename }", False),
    ],
)
def test_a_client_gets_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, query: str, *, fails: bool) -> None:
    pytest.importorskip("strawberry.fastapi")
    pytest.importorskip("aiosqlite")
    httpx = pytest.importorskip("httpx")
    if fails and tuple(map(int, re.findall(r"\d+", sqlalchemy.__version__)[:3])) < (2, 0, 17):
        pytest.skip("before SQLAlchemy 2.0.17 a session did not say that it is in use")
    monkeypatch.chdir(tmp_path)
    shop = types.ModuleType("shop")
    monkeypatch.setitem(sys.modules, "shop", shop)
    exec(BOOKSHOP + SCHEMA, shop.__dict__)

    async def ask() -> httpx.Response:
        async with shop.shop_engine.begin() as connection:
            await connection.run_sync(shop.Base.metadata.create_all)
        async with shop.open_session.begin() as session:
            session.add_all([shop.Author(name="Ursula"), shop.Author(name="Octavia"), shop.Book(title="Tehanu")])
        transport = httpx.ASGITransport(shop.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            return await client.post("/shop", json={"query": query})

    try:
        answer = asyncio.run(ask())
    finally:
        shop.engine.dispose()
        asyncio.run(shop.async_engine.dispose())

    # A session that is closed while it fetches its connection fails behind the resolvers, too.
    assert fails == (answer.status_code == 500 or "errors" in answer.json())
