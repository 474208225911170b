"""msgspec swallows what cannot be read: the harm is silent where the field has a default."""

from __future__ import annotations

import pytest

from outlive.check.engine import check_source
from outlive.hazards.catalog import all_hazards
from tests.hazards.programs import BOOKSHOP, run_program

PROGRAM = """
import msgspec

class AuthorOut(msgspec.Struct):
    id: int
    books: list[object] = []

with Session(engine) as session:
    author = session.get(Author, 1)
answer = msgspec.convert(author, AuthorOut, from_attributes=True)
assert answer.books == []
"""


def test_a_default_takes_the_place_of_what_is_not_loaded() -> None:
    pytest.importorskip("aiosqlite", reason="the bookshop has an async engine")

    assert run_program(PROGRAM).error is None


def test_it_is_reported_all_the_same() -> None:
    found = check_source(BOOKSHOP + PROGRAM, all_hazards())

    assert ["response-reads-unloaded"] == [finding.name for finding in found]
