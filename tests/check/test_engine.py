"""A whole check: what generated source and old caches do to it."""

from __future__ import annotations

import ast
import gc
import sys
from pathlib import Path

import pytest
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from outlive.check.engine import check_source
from outlive.check.flow import meeting
from outlive.check.flow.state import State
from outlive.hazards.catalog import all_hazards

HAZARDS = list((Path(__file__).parents[1] / "hazards").glob("*/*.py"))
SHOP = """
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

engine = create_engine("sqlite://")

class Base(DeclarativeBase):
    pass

class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    books: Mapped[list["Book"]] = relationship()

class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
"""

LATE = """
def late{0}():
    with Session(engine) as session:
        author = session.scalars(select(Author)).one()
    return author.books
"""


def codes(text: str) -> list[str]:
    return [finding.code for finding in check_source(text, all_hazards())]


@pytest.mark.parametrize(
    "deep",
    [
        "x = " + "(" * 150 + "1" + ")" * 150,
        "x = " + " + ".join(["1"] * 1000),
        "x = " + "1 if y else " * 900 + "2",
        "x = y" + ".filter(1)" * 900,
        "x = y" + ".z" * 2500,
        "def f(x):\n    if x:\n        pass\n" + "    elif x:\n        pass\n" * 900,
        "def f(x):\n    match x:\n" + "        case [1, *_]:\n            pass\n" * 5000,
    ],
    ids=["parentheses", "sum", "conditions", "calls", "attributes", "elif", "match"],
)
def test_what_python_runs_is_read_however_deep_it_is(deep):
    compile(deep, "deep.py", "exec")

    assert ["OL201"] == codes(SHOP + LATE.format("") + deep)


@pytest.mark.parametrize(
    "deeper",
    [
        "x = " + "(" * 5000 + "1" + ")" * 5000,
        "x = " + " + ".join(["1"] * 10_000),
        "x = y" + ".filter(1)" * 10_000,
        "def f(x):\n    if x:\n        pass\n" + "    elif x:\n        pass\n" * 10_000,
    ],
    ids=["parentheses", "sum", "calls", "elif"],
)
def test_what_is_nested_too_deeply_for_python_is_a_finding(deeper):
    assert ["OL001"] == codes(deeper)


def test_the_limit_of_recursion_is_what_it_was():
    before = sys.getrecursionlimit()
    codes("x = 1")

    assert before == sys.getrecursionlimit()


def test_a_file_with_many_findings_is_not_parsed_for_each(monkeypatch):
    parse, parsed = ast.parse, []

    def count(source, *rest, **options):
        parsed.append(source)
        return parse(source, *rest, **options)

    monkeypatch.setattr(ast, "parse", count)
    text = SHOP + "".join(map(LATE.format, range(30)))

    assert ["OL201"] * 30 == codes(text)
    assert 3 > parsed.count(text)


@pytest.mark.parametrize("hazard", sorted({path.parent for path in HAZARDS}), ids=lambda path: path.name)
def test_the_states_of_a_walk_are_gone_without_the_garbage_collector(hazard):
    gc.collect()
    before = sum(type(each) is State for each in gc.get_objects())
    gc.disable()
    try:
        for path in hazard.glob("*.py"):
            check_source(path.read_text("utf-8"), all_hazards())
        after = sum(type(each) is State for each in gc.get_objects())
    finally:
        gc.enable()

    assert before == after


def test_of_the_paths_that_may_raise_a_block_keeps_a_few(monkeypatch):
    kept = []
    remember = meeting.note_raise

    def note_raise(out, state):
        remember(out, state)
        kept.append(len(out.raises))

    monkeypatch.setattr("outlive.check.flow.raising.note_raise", note_raise)
    lines = "".join(f"            name{n} = call{n}()\n" for n in range(300))
    codes(
        SHOP
        + f"""
def many():
    with Session(engine) as session:
        author = session.scalars(select(Author)).one()
        try:
{lines}
        except ValueError:
            session.rollback()
"""
    )

    assert 300 <= len(kept)
    assert 32 >= max(kept)


def test_columns_are_right_on_very_long_lines():
    text = SHOP + LATE.format("").replace("return author", f"return '{'é' * 20_000}', author")
    [finding] = check_source(text, all_hazards())
    place = finding.place

    assert place.end_column is not None
    assert "author.books" == text.splitlines()[place.line - 1][place.column - 1 : place.end_column - 1]


TWICE = """
def read(rounds):
    with Session(engine) as session:
        book = session.get(Book, 1)
        for _ in range(rounds):
            session.expunge(book)
        session.commit()
    for _ in range(rounds):
        print(book.id)
"""


def test_a_path_that_has_failed_takes_no_knowledge_from_others():
    assert ["OL701"] == codes(SHOP + TWICE)  # The second round is refused, and without a round nobody reads.


def test_the_evidence_has_the_query_and_the_calls_on_the_way() -> None:
    program = (
        SHOP
        + """
def show(author):
    return titles(author)

def titles(author):
    return [book.title for book in author.books]

def main():
    query = select(Author)
    with Session(engine) as session:
        author = session.scalars(query).one()
    show(author)
"""
    )
    (found,) = check_source(program, all_hazards())
    lines = program.splitlines()
    assert "show(author)" == lines[found.place.line - 1].strip()
    assert [
        ("query = select(Author)", "queried here without `books`"),
        ("author = session.scalars(query).one()", "loaded here"),
        ("with Session(engine) as session:", "detached here, where its session closes"),
        ("return titles(author)", "`titles` is called here"),
        ("return [book.title for book in author.books]", "`author.books` is read here"),
    ] == [(lines[step.place.line - 1].strip(), step.message) for step in found.evidence]


NOLOAD = """
from sqlalchemy.ext.asyncio import AsyncSession


class Shelf(Base):
    __tablename__ = "shelf"
    id: Mapped[int] = mapped_column(primary_key=True)
    books: Mapped[list["Book"]] = relationship(lazy="{lazy}")


async def new(session: AsyncSession):
    shelf = Shelf()
    session.add(shelf)
    await session.flush()
    return shelf.books


async def refreshed(session: AsyncSession):
    shelf = (await session.scalars(select(Shelf))).one()
    await session.refresh(shelf, ["books"])
    await session.refresh(shelf)
    return shelf.books
"""


@pytest.mark.parametrize(("lazy", "found"), [("noload", []), ("select", ["OL301", "OL302"])])
def test_a_relationship_that_never_loads_is_empty(lazy: str, found: list[str]) -> None:
    assert sorted(codes(SHOP + NOLOAD.format(lazy=lazy))) == found


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_a_relationship_that_never_loads_is_empty_after_flush_and_refresh() -> None:
    class Base(DeclarativeBase):
        pass

    class Shelf(Base):
        __tablename__ = "shelf"
        id: Mapped[int] = mapped_column(primary_key=True)
        books: Mapped[list[Book]] = relationship(lazy="noload")

    class Book(Base):
        __tablename__ = "book"
        id: Mapped[int] = mapped_column(primary_key=True)
        shelf_id: Mapped[int] = mapped_column(ForeignKey("shelf.id"))

    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        shelf = Shelf()
        session.add(shelf)
        session.flush()
        shelves = [list(shelf.books)]
        session.refresh(shelf, ["books"])
        session.refresh(shelf)
        shelves.append(list(shelf.books))

    engine.dispose()
    assert shelves == [[], []]
