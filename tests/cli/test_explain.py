"""``outlive explain``: a hazard's text, or the list."""

from __future__ import annotations

import pytest

from outlive.hazards.catalog import all_hazards


def test_without_argument_every_hazard_is_a_line(outlive):
    answer = outlive("explain")
    rows = [line.split(maxsplit=2) for line in answer.out.splitlines()]

    expected = [[hazard.code, hazard.name, hazard.summary.replace("``", "`")] for hazard in all_hazards()]
    assert (0, expected) == (answer.code, rows)


@pytest.mark.parametrize("hazard", all_hazards(), ids=lambda hazard: hazard.name)
def test_a_hazard_is_explained_from_its_summary_to_its_examples(outlive, hazard):
    answer = outlive("explain", hazard.code)
    code = "".join(line.removeprefix("    ") for line in answer.out.splitlines(keepends=True))

    assert answer.out.startswith(
        f"{hazard.code} {hazard.name}\n\n{hazard.summary.replace('``', '`')}\n\nWhy it matters\n"
    )
    assert hazard.bad.strip("\n") in code
    assert hazard.good.strip("\n") in code
    assert answer.out.endswith(f"\nMore: https://outlive.readthedocs.io/hazards/{hazard.name}/\n")


@pytest.mark.parametrize("handle", ["OL201", "ol201", "lazy-read-after-close", "Lazy-Read-After-Close"])
def test_a_code_and_a_name_are_the_same_in_any_case(outlive, handle):
    assert outlive("explain", "OL201") == outlive("explain", handle)


@pytest.mark.parametrize(
    ("handle", "hint"),
    [
        ("lazy-read-after-closing", "did you mean lazy-read-after-close? "),
        ("lazy_read_after_close", "did you mean lazy-read-after-close? "),
        ("OL20", "did you mean OL203? "),
        ("zzz", ""),
    ],
)
def test_an_unknown_hazard_is_exit_code_2_with_the_near_match(outlive, handle, hint):
    answer = outlive("explain", handle)

    expected = f"error: {handle!r} is not a code or name of a hazard; {hint}`outlive explain` lists them\n"
    assert (2, "", expected) == (answer.code, answer.out, answer.err)


def test_the_bad_example_says_what_it_raises(outlive):
    assert "\nBad (raises SQLAlchemy's error bhk3, https://sqlalche.me/e/20/bhk3)\n" in outlive("explain", "OL201").out
    assert "\nBad (raises SyntaxError)\n" in outlive("explain", "OL001").out


def test_a_hazard_without_examples_has_no_empty_headings(outlive):
    lines = outlive("explain", "OL002").out.splitlines()

    assert [] == [line for line in lines if line.startswith(("Bad", "Good"))]


SHOP = """\
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

class Base(DeclarativeBase):
    pass

class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
QUERY = """\
from models import Author

def first(session: Session):
    author = session.get(Author, 1)
    return author
"""


def test_a_line_is_explained_from_the_program_around_it(outlive, write):
    write("models.py", SHOP)
    write("queries.py", "from sqlalchemy.orm import Session\n" + QUERY)
    answer = outlive("explain", "queries.py:6")

    assert (0, "") == (answer.code, answer.err)
    assert answer.out.startswith("queries.py:6 in first\n\n  session  Session, ")
    assert "  author   Author, persistent in session, loaded at queries.py:5\n             loaded: all\n" in answer.out


def test_a_column_after_the_line_is_allowed_as_editors_write_it(outlive, write):
    write("queries.py", "from sqlalchemy.orm import Session\n" + QUERY)

    assert 0 == outlive("explain", "queries.py:4").code
    assert outlive("explain", "queries.py:4") == outlive("explain", "queries.py:4:7")


def test_the_program_can_be_named(outlive, write):
    write("queries.py", "from sqlalchemy.orm import Session\n" + QUERY)
    write("models.py", SHOP)

    assert "Author, persistent" in outlive("explain", "queries.py:6", "models.py").out
    assert "Author, persistent" not in outlive("explain", "queries.py:6", "queries.py").out


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("none.py:1", "none.py: No such file or directory"),
        ("models.py:0", "models.py:0: the file ends at line 9"),
        ("models.py:99", "models.py:99: the file ends at line 9"),
        ("broken.py:1", "broken.py:1: "),
        ("end.py:2", "end.py:2: nothing is executed there, or later in the function around it"),
    ],
)
def test_a_line_that_cannot_be_explained_is_exit_code_2(outlive, write, argument, message):
    write("models.py", SHOP)
    write("broken.py", "def (")
    write("end.py", "x = 1\n# the end\n")
    answer = outlive("explain", argument)

    assert (2, "") == (answer.code, answer.out)
    assert answer.err.startswith(f"error: {message}")


def test_paths_without_a_line_are_an_error(outlive):
    answer = outlive("explain", "OL201", "shop")

    assert (2, "error: the paths of a program go with FILE:LINE and with a traceback\n") == (answer.code, answer.err)
