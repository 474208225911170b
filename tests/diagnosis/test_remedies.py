"""What a remedy says is pasted into the failing program, where the watch has seen the query; then it runs."""

from __future__ import annotations

import asyncio
import importlib.util
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import outlive
from outlive import explain
from tests.databases import UNAWAITED, VERSION, let_go
from tests.diagnosis.failing import run, run_async

IMPORTS = """
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload, sessionmaker, undefer

from tests.shelf import Author, Book
"""
ASYNC_IMPORTS = "from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker\n"


@dataclass(frozen=True)
class Program:
    """A failing program.

    Attributes:
        body: ``select(...)`` takes loader options, ``sessionmaker(engine)`` takes flags, ``...`` stands where a
            statement may be put.
        words: The remedies that are no code; all others have to work.
    """

    name: str
    body: str
    words: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return self.name


SYNC = [
    Program(
        "expired column",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = session.scalars(select(Author)).one()
        session.commit()
        ...
    return author.name
""",
        ["Read it before the commit."],
    ),
    Program(
        "expired key of a new object",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        newcomer = Author(name="Octavia")
        session.add(newcomer)
        session.commit()
        ...
    return newcomer.id
""",
        ["Read it before the commit."],
    ),
    Program(
        "column that a flush expired",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = session.scalars(select(Author)).one()
        author.name = "Le Guin"
        session.flush()
        ...
    return author.changed_at
""",
        ["Read it before the session closes."],
    ),
    Program(
        "column that a rollback expired",
        """
def program(engine):
    with sessionmaker(engine, expire_on_commit=False)() as session:
        author = session.scalars(select(Author)).one()
        session.rollback()
        ...
    return author.name
""",
        ["Read it before the rollback."],
    ),
    Program(
        "collection after a rollback",
        """
def program(engine):
    with sessionmaker(engine, expire_on_commit=False)() as session:
        author = session.scalars(select(Author)).one()
        session.rollback()
        ...
    return author.books
""",
    ),
    Program(
        "column that was expired by hand",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = session.scalars(select(Author)).one()
        session.expire(author, ["name"])
        ...
    return author.name
""",
        ["Read it before the session closes."],
    ),
    Program(
        "collection that was expired by hand",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.expire(author, ["books"])
        ...
    return author.books
""",
        ["Read it before the session closes."],
    ),
    Program(
        "unloaded collection",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = session.scalars(select(Author)).one()
        ...
    return author.books
""",
    ),
    Program(
        "unloaded collection after a commit",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = session.scalars(select(Author)).one()
        session.commit()
        ...
    return author.books
""",
    ),
    Program(
        "unloaded many-to-one, read through its class name",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        book = first = session.scalars(select(Book)).first()
        ...
    return first.author
""",
    ),
    Program(
        "many-to-one of what a relationship loaded",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = session.scalars(select(Author)).one()
        book = author.works[0]
        ...
    return book.author.name
""",
    ),
    Program(
        "collection of a new object",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.flush()
        ...
    return author.books
""",
    ),
    Program(
        "collection that was loaded eagerly",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.commit()
        ...
    return author.books
""",
        ["Read it before the commit."],
    ),
    Program(
        "collection that the mapping loads eagerly",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = session.scalars(select(Author)).one()
        session.commit()
        ...
    return author.works
""",
        ["Read it before the commit."],
    ),
    Program(
        "deferred column",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = session.scalars(select(Author)).one()
        ...
    return author.biography
""",
    ),
    Program(
        "collection that the mapping forbids to load",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = session.scalars(select(Author)).one()
        ...
        return author.drafts
""",
    ),
    Program(
        "column that the mapping forbids to load",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = session.scalars(select(Author)).one()
        ...
        return author.secret
""",
    ),
    Program(
        "refresh of a detached object",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = session.get(Author, 1)
    with sessionmaker(engine)() as session:
        ...
        session.refresh(author)
""",
    ),
    Program(
        "refresh of a pending object",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = Author(name="Octavia")
        session.add(author)
        ...
        session.refresh(author)
""",
    ),
    Program(
        "object of the same row",
        """
def program(engine):
    with sessionmaker(engine)() as session:
        author = session.get(Author, 1)
    with sessionmaker(engine)() as session:
        same = session.get(Author, 1)
        ...
        session.add(author)
""",
    ),
]
ASYNC = [
    Program(
        "expired column",
        """
async def program(engine):
    async with async_sessionmaker(engine)() as session:
        author = (await session.scalars(select(Author))).one()
        await session.commit()
        ...
        return author.name
""",
    ),
    Program(
        "expired column after close",
        """
async def program(engine):
    async with async_sessionmaker(engine)() as session:
        author = (await session.scalars(select(Author))).one()
        await session.commit()
        ...
    return author.name
""",
        ["Read it before the commit."],
    ),
    Program(
        "column that a rollback expired",
        """
async def program(engine):
    async with async_sessionmaker(engine, expire_on_commit=False)() as session:
        author = (await session.scalars(select(Author))).one()
        await session.rollback()
        ...
        return author.name
""",
        ["Read it before the rollback."],
    ),
    Program(
        "collection whose read flushes",
        """
async def program(engine):
    async with async_sessionmaker(engine)() as session:
        author = (await session.scalars(select(Author))).one()
        session.add(Author(name="Octavia"))
        ...
        return author.books
""",
    ),
    Program(
        "single expired column",
        """
async def program(engine):
    async with async_sessionmaker(engine)() as session:
        book = (await session.scalars(select(Book))).first()
        session.expire(book, ["price"])
        ...
        return book.price
""",
    ),
    Program(
        "unloaded collection",
        """
async def program(engine):
    async with async_sessionmaker(engine)() as session:
        author = (await session.scalars(select(Author))).one()
        ...
        return author.books
""",
    ),
    Program(
        "unloaded collection after a commit",
        """
async def program(engine):
    async with async_sessionmaker(engine)() as session:
        author = (await session.scalars(select(Author))).one()
        await session.commit()
        ...
        return author.books
""",
    ),
    Program(
        "collection of a new object after its commit",
        """
async def program(engine):
    async with async_sessionmaker(engine)() as session:
        author = Author(name="Octavia", books=[Book(title="Kindred")])
        session.add(author)
        await session.commit()
        ...
        return author.books
""",
    ),
    Program(
        "collection that was loaded eagerly",
        """
async def program(engine):
    async with async_sessionmaker(engine)() as session:
        author = (await session.scalars(select(Author).options(selectinload(Author.books)))).one()
        await session.commit()
        ...
        return author.books
""",
    ),
    Program(
        "deferred column",
        """
async def program(engine):
    async with async_sessionmaker(engine)() as session:
        author = (await session.scalars(select(Author))).one()
        ...
        return author.biography
""",
    ),
    Program(
        "refresh of a detached object",
        """
async def program(engine):
    async with async_sessionmaker(engine)() as session:
        author = await session.get(Author, 1)
    async with async_sessionmaker(engine)() as session:
        ...
        await session.refresh(author)
""",
    ),
]

AWAITABLE = Program(
    "relationship of a class with AsyncAttrs",
    """
from sqlalchemy import ForeignKey
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(AsyncAttrs, DeclarativeBase):
    pass


class Poet(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    poems: Mapped[list["Poem"]] = relationship()


class Poem(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    poet_id: Mapped[int] = mapped_column("author_id", ForeignKey("author.id"))


async def program(engine):
    async with async_sessionmaker(engine)() as session:
        poet = (await session.scalars(select(Poet))).one()
        ...
        return poet.poems
""",
)


CLASSES = """
from sqlalchemy import ForeignKey, case
from sqlalchemy.orm import (
    DeclarativeBase, Mapped, column_property, defer, lazyload, mapped_column, raiseload, relationship,
    selectin_polymorphic,
)


class Base(DeclarativeBase):
    pass


class Writer(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    works: Mapped[list["Work"]] = relationship()


class Work(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column()
    writer_id: Mapped[int] = mapped_column("author_id", ForeignKey("author.id"))
    editor: Mapped[Writer] = relationship(viewonly=True)
    __mapper_args__ = {
        "polymorphic_on": case((title == "The Dispossessed", "novel"), else_="work"),
        "polymorphic_identity": "work",
    }


class Novel(Work):
    price: Mapped[int]
    writer: Mapped[Writer] = relationship(viewonly=True)
    publisher: Mapped[Writer] = relationship(viewonly=True, lazy="selectin")
    __mapper_args__ = {"polymorphic_identity": "novel"}


Novel.twice = column_property(Novel.price * 2, deferred=True)
"""


def reads(query: str, read: str, name: str) -> Program:
    """A program that reads from the first object of a query after its session has closed."""
    body = f"""
def program(engine):
    with sessionmaker(engine)() as session:
        found = session.scalars({query}).first()
        novel = found.works[0] if isinstance(found, Writer) else found
        del found
        ...
    return novel.{read}
"""
    return Program(name, body)


INHERITED = [
    reads("select(Work)", "price", "column of a subclass"),
    reads("select(Work)", "twice", "deferred column of a subclass"),
    reads("select(Work)", "writer", "relationship of a subclass"),
    reads("select(Work)", "publisher", "relationship of a subclass that its mapping loads eagerly"),
    reads("select(Work).options(selectinload(Novel.writer))", "writer", "option for a subclass alone"),
    reads("select(Writer).options(selectinload(Writer.works))", "price", "column of a related subclass"),
    pytest.param(
        reads("select(Writer).options(selectinload(Writer.works))", "writer", "a related subclass's own"),
        marks=pytest.mark.skipif(VERSION < (2, 0, 22), reason="SQLAlchemy takes such options together since 2.0.22"),
    ),
    reads("select(Novel)", "editor", "inherited relationship"),
    reads("select(Novel).options(raiseload(Novel.editor))", "editor", "option that forbids an inherited one"),
    reads("select(Work).options(lazyload(Work.editor))", "editor", "option that leaves a relationship out"),
    reads("select(Novel).options(defer(Novel.title))", "title", "option that leaves an inherited column out"),
    reads("select(Novel).options(defer(Novel.title, raiseload=True))", "title", "option that forbids a column"),
    reads(
        "select(Writer).options(selectinload(Writer.works).raiseload(Work.editor))",
        "editor",
        "option that forbids what is related",
    ),
]


def code_in(remedy: str) -> list[str]:
    """The code of a remedy: between backticks, and more than a name."""
    return [code for code in re.findall(r"`([^`]+)`", remedy) if re.search(r"[(.]", code)]


def pasted(source: str, code: str, line: int) -> str:
    """The program with one piece of code where a reader would put it: an option in the line that the remedy names."""
    if code.startswith(".options("):
        lines = source.splitlines(keepends=True)
        lines[line - 1] = re.sub(r"(select\(\w+\))", rf"\1{code}", lines[line - 1])
        return "".join(lines)
    if "sessionmaker(" in code:
        return re.sub(r"(async_)?sessionmaker\(engine\)", code, source)
    if ".awaitable_attrs." in code:
        return source.replace(code.removeprefix("await ").replace(".awaitable_attrs", ""), f"({code})")
    return source.replace("...", f"{code}\n        ...")


def without(source: str, replaced: str) -> str:
    """The program without the loader option of a name for an attribute, whatever class it was written for."""
    name, attribute = re.match(r"`(\w+)\(\w+\.(\w+)\)`", replaced).groups()
    option = rf"{name}\(\w+\.{attribute}(, raiseload=True)?\)"
    return re.sub(rf"\.options\({option}\)|\.{option}", "", source)


def loaded(source: str, folder: Path, name: str):
    """The function ``program`` of a module with this source."""
    file = folder / f"{name}.py"
    file.write_text(source)
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.program


def outcomes(program: Program, imports: str, execute, folder: Path) -> dict[str, str]:
    """What becomes of the program with each of its remedies."""
    source = imports + program.body
    # PT011: any error, each program has its own.
    with outlive.watch(queries=True), pytest.raises(Exception) as caught:  # noqa: PT011
        execute(loaded(source, folder, "failing"))
    remedies = explain(caught.value).remedies
    let_go(caught.value)
    found = {}
    for number, remedy in enumerate(remedies):
        advice, _, replaced = remedy.partition(" in place of ")
        place = re.search(r"failing\.py:(\d+)", remedy)
        repaired = without(source, replaced) if replaced else source
        for code in code_in(advice):
            repaired = pasted(repaired, code, int(place[1]) if place else 0)
        if repaired == source:
            found[remedy] = "words"
            continue
        try:
            execute(loaded(repaired, folder, f"repaired_{number}"))
        except Exception as error:
            found[remedy] = repr(error)
        else:
            found[remedy] = "runs"
    return found


def expected(program: Program, found: dict[str, str]) -> dict[str, str]:
    words = [
        *program.words,
        *(f"Read it before the session closes, after the last {end}." for end in ("commit", "rollback")),
    ]
    return {remedy: "words" if remedy in words else "runs" for remedy in found}


@pytest.mark.parametrize("program", SYNC, ids=str)
def test_every_remedy_repairs_the_program(program, sync_database, tmp_path):
    found = outcomes(program, IMPORTS, lambda function: run(function, sync_database), tmp_path)

    assert found
    assert expected(program, found) == found


@pytest.mark.parametrize("program", INHERITED, ids=str)
def test_every_remedy_reaches_what_a_query_leaves_out(program, sync_database, tmp_path):
    found = outcomes(program, IMPORTS + CLASSES, lambda function: run(function, sync_database), tmp_path)

    assert expected(program, found) == found
    assert ".options(" in next(iter(found))


@pytest.mark.filterwarnings(UNAWAITED)
@pytest.mark.parametrize("program", ASYNC, ids=str)
def test_every_remedy_repairs_the_async_program(program, async_database, tmp_path):
    imports = IMPORTS + ASYNC_IMPORTS
    found = outcomes(program, imports, lambda function: asyncio.run(run_async(function, async_database)), tmp_path)

    assert expected(program, found) == found
    assert "runs" in found.values()


@pytest.mark.filterwarnings(UNAWAITED)
@pytest.mark.skipif(VERSION < (2, 0, 13), reason="SQLAlchemy has AsyncAttrs since 2.0.13")
def test_a_class_with_async_attrs_may_await_its_attributes(async_database, tmp_path):
    imports = IMPORTS + ASYNC_IMPORTS
    found = outcomes(AWAITABLE, imports, lambda function: asyncio.run(run_async(function, async_database)), tmp_path)

    assert "runs" == found["Await the read: `await poet.awaitable_attrs.poems`."]
    assert {"runs"} == set(found.values())
