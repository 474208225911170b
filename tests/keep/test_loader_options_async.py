"""``loader_options`` with every async driver: converting emits no SQL, in the open session and after it."""

from __future__ import annotations

from typing import Any

import pytest

from tests import store
from tests.databases import VERSION, Database
from tests.keep import company
from tests.keep.company import Folder, Member, Team
from tests.keep.responses import Out, respond_async
from tests.store import Employee, Order, Shelf

below_relationships = pytest.mark.skipif(
    VERSION < (2, 0, 21), reason="before 2.0.21 an option behind a relationship cannot name an attribute of a subclass"
)


class Name(Out):
    name: str


class ProductOut(Out):
    name: str
    tags: list[Name]


class ItemOut(Out):
    quantity: int
    product: ProductOut


class OrderOut(Out):
    notes: str
    customer: Name
    items: list[ItemOut]


class EmployeeOut(Out):
    name: str
    reports: list[EmployeeOut]


class LeadOut(Out):
    budget: int
    projects: list[Name]


class CoderOut(Out):
    language: str


class TeamOut(Out):
    members: list[LeadOut | CoderOut | Name]


class FolderOut(Out):
    folders: dict[str, FolderOut]


class ShelfOut(Out):
    label: str


CASES = [
    pytest.param(Order, OrderOut, 3, id="nested"),
    pytest.param(Employee, EmployeeOut, 3, id="recursive"),
    pytest.param(Shelf, ShelfOut, 1, id="eager by mapping"),
    pytest.param(Member, LeadOut | CoderOut | Name, 5, id="polymorphic", marks=below_relationships),
    pytest.param(Team, TeamOut, 6, id="polymorphic below", marks=below_relationships),
    pytest.param(Folder, FolderOut, 4, id="keyed and recursive"),
]


@pytest.mark.parametrize(("model", "schema", "statements"), CASES)
def test_objects_are_converted_in_the_open_session_and_after_it(
    every_async_database: Database, model: type, schema: Any, statements: int
):
    response = every_async_database.tell(lambda engine: respond_async(engine, model, schema), store, company)

    assert response.converted
    assert statements == len(response.sent)
