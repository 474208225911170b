"""A whole check: what generated source and old caches do to it."""

from __future__ import annotations

import ast
import sys

import pytest

from outlive.check.engine import check_source
from outlive.hazards.catalog import all_hazards

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
    ],
    ids=["parentheses", "sum", "conditions", "calls", "attributes", "elif"],
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


def test_columns_are_right_on_very_long_lines():
    text = SHOP + LATE.format("").replace("return author", f"return '{'é' * 20_000}', author")
    [finding] = check_source(text, all_hazards())
    place = finding.place

    assert place.end_column is not None
    assert "author.books" == text.splitlines()[place.line - 1][place.column - 1 : place.end_column - 1]
