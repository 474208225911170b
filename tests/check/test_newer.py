"""Syntax of Python 3.12 to 3.14 is read by every Python that runs the check, and stays where it is."""

from __future__ import annotations

import ast

import pytest

from outlive.check.engine import check_source
from outlive.check.lower import read_facts
from outlive.check.lower.fstrings import with_other_quotes
from outlive.check.lower.newer import OLDEST, parse
from outlive.hazards.catalog import all_hazards

OLDER = {
    "alias": ("type X = list[int]\n", "X      = list[int]\n"),
    "generic alias": ("type X[T: str] = list[T]\n", "X              = list[T]\n"),
    "aliases": ("x = 1; type X = int\nif x: type Y = X\n", "x = 1; X      = int\nif x: Y      = X\n"),
    "function": ("async def f[T: (int, str), **P](x: T): ...\n", "async def f                    (x: T): ...\n"),
    "class": ("class A[T = int](B): ...\nclass C[*Ts]: ...\n", "class A         (B): ...\nclass C     : ...\n"),
    "lines": ("def f[\n    T,  # what\n\n](x): ...\n", "def f\\\n             \\\n\\\n (x): ...\n"),
    "windows": ("def f[\r\n  T\r\n](x): ...\r\n", "def f\\\r\n  \\\r\n (x): ...\r\n"),
    "handler": ("try: x\nexcept A, b.C: y\n", "try: x\nexcept(A, b.C): y\n"),
    "group": ("try: x\nexcept* A, B: y\n", "try: x\nexcept*(A, B): y\n"),
}

STRINGS = {
    "quotes": ('f"{x["a"]} {y}"', "f\"{x['a']} {y}\""),
    "prefix": ("rF'\\d {x['a']:>{w['b']}}'", 'rF\'\\d {x["a"]:>{w["b"]}}\''),
    "backslash": ("f\"{'\\n'.join(x)}\"", 'f"{0   .join(x)}"'),
    "both quotes": ('f"{x["it\'s"]}"', 'f"{x[0     ]}"'),
    "one in another": ('f"{f"{x["y"]}"}"', "f\"{f'{x[0  ]}'}\""),
    "braces": ('f"{{ {"a"} }}"', "f\"{{ {'a'} }}\""),
    "three": ("f'''{x[\"a\"]}''' # f\"{\"", "f'''{x[\"a\"]}''' # f\"{\""),
    "none": ("if'a': x = {'b': f'{c!r:%H:%M}'}", "if'a': x = {'b': f'{c!r:%H:%M}'}"),
}

SAME = [
    "type = 1\ntype[1] = 2\nprint(type)\n",
    "def f(type): return type[0]\n",
    "try: x\nexcept (A, B): y\nexcept A: [1, 2]\nexcept: (1, 2)\nfinally: x[1:2, 3]\n",
    "try: x\nexcept* A as e: y\n",
    "match type:\n    case [1, 2]: x\n",
]


@pytest.mark.parametrize(("newer", "older"), OLDER.values(), ids=OLDER)
def test_newer_syntax_is_read_in_older_words(newer, older):
    tree, text = parse(newer)

    assert text == older
    assert ast.dump(tree) == ast.dump(ast.parse(older, feature_version=OLDEST))
    assert read_facts(newer).error is None


@pytest.mark.parametrize(("newer", "older"), STRINGS.values(), ids=STRINGS)
def test_strings_in_fields_have_quotes_of_their_own(newer, older):
    assert with_other_quotes(newer) == older
    assert read_facts(newer).error is None


@pytest.mark.parametrize("text", SAME)
def test_older_syntax_is_left_alone(text):
    assert parse(text)[1] == text


@pytest.mark.parametrize("text", ["def f[T(x): ...\n", "type X = \n", "except A, B: x\n", "class A[T\n", "x = '\n"])
def test_what_no_python_reads_is_said_as_python_says_it(text):
    with pytest.raises(SyntaxError) as expected:
        ast.parse(text)

    found = read_facts(text).error

    assert found is not None
    assert (expected.value.lineno, expected.value.msg) == (found[0], found[2])


PROGRAM = """
from typing import Annotated
from fastapi import Depends
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

engine = create_engine("sqlite://")

class Base(DeclarativeBase): ...

class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    books: Mapped[list["Book"]] = relationship(lazy="raise")

class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))

type Sessions = Annotated[Session, Depends(lambda: Session(engine))]

class Repository[Model: Base]:
    def __init__(self, model: type[Model], session: Sessions) -> None:
        self.model, self.session = model, session

    def all[T](self) -> list[Model]:
        return self.session.scalars(select(self.model)).all()

def books(session: Sessions):
    try:
        for author in Repository[Author](Author, session).all(): print("é", author.books)
    except KeyError, ValueError: return []
"""


def test_what_is_written_in_newer_syntax_is_followed():
    [finding] = check_source(PROGRAM, all_hazards())

    line = PROGRAM.splitlines()[finding.place.line - 1]
    assert finding.name == "read-blocked-by-raiseload"
    assert line[finding.place.column - 1 :].startswith("author.books")
