"""After an edit only what depends on it is walked, and what is found is what is found without a cache."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from outlive.check import engine
from outlive.check.flow import analysis
from outlive.hazards.catalog import all_hazards

MODELS = """
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, sessionmaker

class Base(DeclarativeBase):
    pass

class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list["Book"]] = relationship()

class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))

def engine():
    return create_engine("sqlite://")

make_session = sessionmaker(engine())
"""
HELPERS = """
from models import Author

def load(session):
    return session.get(Author, 1)

def save(session):
    session.commit()

def show(author):
    return author.name

def fail():
    raise ValueError
"""
USER = """
from models import Author, make_session
from helpers import fail, load, save, show

class Service{n}:
    def run(self):
        with make_session() as session:
            author = load(session)
            save(session)
        return show(author)

    def books(self):
        def opened():
            return make_session()
        with opened() as session:
            author = load(session)
        return lambda: author.books

def guarded{n}(flag):
    with make_session() as session:
        author = load(session)
    if flag:
        fail()
    return author.books
"""
EDITS = [
    ("    session.commit()\n", "    session.flush()\n"),
    ("    return author.name\n", "    return author.id\n"),
    ("    raise ValueError\n", "    return None\n"),
    ("sessionmaker(engine())", "sessionmaker(engine(), expire_on_commit=False)"),
    ('    return create_engine("sqlite://")\n', '    url = "sqlite://"\n    return create_engine(url)\n'),
    ("    name: Mapped[str]\n", ""),
    ("= relationship()", '= relationship(lazy="selectin")'),
    ("return session.get(Author, 1)", "return session.query(Author).first()"),
    ("            save(session)\n", "            # not saved\n"),
    ("            save(session)\n", "            author.name\n            save(session)\n"),
    ("        return lambda: author.books\n", "        return author.id\n"),
    (
        "        return lambda: author.books\n",
        "        def late():\n            return author.books\n        return late()\n",
    ),
    ("    if flag:\n        fail()\n", "    fail()\n"),
    ("def load(session):\n", "def load(session) -> int:\n"),
    ("def show(author):\n", "\n\ndef show(author):\n    # shows it\n"),
    (
        "from helpers import fail, load, save, show\n",
        "from helpers import fail, load, show\nfrom helpers import load as save\n",
    ),
]


def write(folder: Path, texts: dict[str, str]) -> list[Path]:
    for name, text in texts.items():
        (folder / name).write_text(text)
    return [folder / name for name in texts]


@pytest.fixture
def walked(monkeypatch):
    names: list[str] = []
    walk = analysis._walk_unit
    monkeypatch.setattr(
        analysis,
        "_walk_unit",
        lambda run, unit, base: names.append(Path(unit.module.filename).name) or walk(run, unit, base),
    )
    return names


PROGRAM = {"models.py": MODELS, "helpers.py": HELPERS} | {f"user{n}.py": USER.format(n=n) for n in range(3)}


@pytest.mark.parametrize("seed", range(4))
def test_what_is_found_after_an_edit_does_not_depend_on_the_cache(tmp_path, seed):
    chance = random.Random(seed)
    texts, cache, asked = dict(PROGRAM), tmp_path / "cache", list(all_hazards())
    found = set()
    for _ in range(25):
        name, (before, after) = chance.choice(list(texts)), chance.choice(EDITS)
        before, after = chance.choice([(before, after), (after, before)])
        if before and before in texts[name]:
            texts[name] = texts[name].replace(before, after, 1)
        elif chance.random() < 0.3:
            texts[name] = PROGRAM[name]
        files = write(tmp_path, texts)
        kept = engine.check(files, asked, cache=cache).findings

        assert engine.check(files, asked).findings == kept
        found.add(kept)
    assert len(found) > 2


def test_only_what_looks_at_an_edited_function_is_walked(tmp_path, walked):
    files = write(tmp_path, PROGRAM)
    engine.check(files, all_hazards(), cache=tmp_path / "cache")
    assert ["helpers.py", "user0.py", "user1.py", "user2.py"] == sorted(walked)
    walked.clear()
    files[3].write_text(USER.format(n=1).replace("save(session)\n", "save(session)\n            # saved\n"))
    found = engine.check(files, all_hazards(), cache=tmp_path / "cache").findings

    assert ["user1.py"] == walked
    assert engine.check(files, all_hazards()).findings == found


def test_a_comment_outside_of_functions_is_seen_by_that_file_alone(tmp_path, walked):
    files = write(tmp_path, PROGRAM)
    engine.check(files, all_hazards(), cache=tmp_path / "cache")
    walked.clear()
    files[3].write_text(f"# one\n\n{USER.format(n=1)}\n# another\n")
    found = engine.check(files, all_hazards(), cache=tmp_path / "cache").findings

    assert ["user1.py"] == walked
    assert engine.check(files, all_hazards()).findings == found


def test_what_stands_outside_of_functions_is_seen_by_all(tmp_path, walked):
    for before, after in [("class Service", "@decorated\nclass Service"), ("def guarded0(", "def guarded0(other, ")]:
        files = write(tmp_path, PROGRAM)
        engine.check(files, all_hazards(), cache=tmp_path / "cache")
        walked.clear()
        files[2].write_text(USER.format(n=0).replace(before, after))
        engine.check(files, all_hazards(), cache=tmp_path / "cache")

        assert 4 == len(walked)


def test_a_function_that_others_call_is_walked_from_those_too(tmp_path, walked):
    files = write(tmp_path, PROGRAM)
    engine.check(files, all_hazards(), cache=tmp_path / "cache")
    walked.clear()
    files[1].write_text(HELPERS.replace("session.commit()", "session.flush()"))
    engine.check(files, all_hazards(), cache=tmp_path / "cache")

    assert ["helpers.py", "user0.py", "user1.py", "user2.py"] == sorted(walked)


LITESTAR = {
    "models.py": MODELS,
    "sessions.py": """
from sqlalchemy.ext.asyncio import async_sessionmaker
expiring = async_sessionmaker()
keeping = async_sessionmaker(expire_on_commit=False)

async def provide_expiring():
    async with expiring() as session:
        yield session

async def provide_keeping():
    async with keeping() as session:
        yield session
""",
    "handlers.py": """
from litestar import get
from sqlalchemy.ext.asyncio import AsyncSession
from models import Author

@get("/")
async def show(session: AsyncSession) -> str:
    author = await session.get(Author, 1)
    await session.commit()
    return author.name
""",
    "app.py": """
from litestar import Litestar
from handlers import show
from sessions import provide_expiring, provide_keeping

def create_app():
    return Litestar([show], dependencies={"session": provide_expiring})
""",
}


def test_two_applications_that_provide_different_things_tell_nothing(tmp_path):
    second = 'def create_other():\n    return Litestar([show], dependencies={"session": provide_keeping})\n'
    files = write(tmp_path, LITESTAR | {"app.py": LITESTAR["app.py"] + second})

    assert not engine.check(files, all_hazards()).findings


STARTED = {
    "models.py": MODELS,
    "app.py": """
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import async_sessionmaker

async def lifespan(app: FastAPI):
    app.state.sessions = async_sessionmaker()
    yield
""",
    "routes.py": """
from fastapi import APIRouter, Request
from models import Author
router = APIRouter()

@router.get("/")
async def show(request: Request):
    async with request.app.state.sessions() as session:
        author = await session.get(Author, 1)
        await session.commit()
        return author.name
""",
}


@pytest.mark.parametrize(
    ("program", "old", "new"),
    [
        (LITESTAR, 'session": provide_expiring', 'session": provide_keeping'),
        (STARTED, "maker()", "maker(expire_on_commit=False)"),
    ],
    ids=["provides", "holds"],
)
def test_what_an_application_has_is_seen_by_those_who_take_it(tmp_path, program, old, new):
    files, cache = write(tmp_path, program), tmp_path / "cache"
    before = engine.check(files, all_hazards(), cache=cache).findings
    (app,) = (file for file in files if file.name == "app.py")
    app.write_text(program["app.py"].replace(old, new))
    after = engine.check(files, all_hazards(), cache=cache).findings

    assert "expired-read-in-async" in {finding.name for finding in before}
    assert not after


GRAPHQL = {
    "sessions.py": """
from sqlalchemy.ext.asyncio import async_sessionmaker
from fastapi import Depends
open_session = async_sessionmaker()

async def get_session():
    async with open_session() as session:
        yield session

async def get_context(session=Depends(get_session)):
    return {"session": session}

async def get_nothing():
    return {}
""",
    "schema.py": """
import strawberry
from sqlalchemy import text

@strawberry.type
class Books:
    @strawberry.field
    async def count(self, info: strawberry.Info) -> int:
        return await info.context["session"].scalar(text("select 1"))
""",
    "app.py": """
import strawberry
from strawberry.fastapi import GraphQLRouter
from schema import Books
from sessions import get_context, get_nothing

def create_app():
    return GraphQLRouter(strawberry.Schema(query=Books), context_getter=get_context)
""",
}


@pytest.mark.parametrize(("old", "new"), [("query=Books", "mutation=Books"), ("=get_context", "=get_nothing")])
def test_what_makes_a_schema_is_seen_by_its_resolvers(tmp_path, old, new):
    files, cache = write(tmp_path, GRAPHQL), tmp_path / "cache"
    before = engine.check(files, all_hazards(), cache=cache).findings
    files[2].write_text(GRAPHQL["app.py"].replace(old, new))
    after = engine.check(files, all_hazards(), cache=cache).findings

    assert ["session-shared-by-tasks"] == [finding.name for finding in before]
    assert not after
