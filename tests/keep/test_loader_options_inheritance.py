"""``loader_options``: attributes that only subclasses have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field
from sqlalchemy import Engine, String, inspect, select
from sqlalchemy.orm import Session, mapped_column

from outlive import SchemaError, loader_options, reads
from tests.databases import VERSION, Database
from tests.keep import company
from tests.keep.company import Coder, Contract, Folder, Head, Internship, Lead, Member, Project, Team
from tests.keep.responses import Out, loaded, respond

pytestmark = pytest.mark.skipif(
    VERSION < (2, 0, 21), reason="before 2.0.21 an option behind a relationship cannot name an attribute of a subclass"
)


class ProjectOut(Out):
    name: str


class LeadOut(Out):
    name: str
    budget: int
    projects: list[ProjectOut]


class CoderOut(Out):
    name: str
    language: str


class MemberOut(Out):
    name: str


class Flat(Out):
    """What some have and others lack."""

    name: str
    budget: int | None = None
    language: str | None = None


@pytest.fixture
def engine(every_database: Database) -> Iterator[Engine]:
    with every_database.engine(company) as engine:
        yield engine


def by_kind(objects: list[Any]) -> dict[str, set[str]]:
    """What is loaded beside the key and the discriminator."""
    return {type(one).__name__: loaded(one) - {"id", "kind"} for one in objects}


def test_a_union_reads_of_each_class_what_its_schema_has(engine: Engine):
    response = respond(engine, Member, LeadOut | CoderOut | MemberOut, select(Member).order_by(Member.id))

    projects = [[{"name": "project 2"}], [{"name": "project 3"}]]
    assert [
        {"name": "member"},
        {"name": "lead", "budget": 1, "projects": projects[0]},
        {"name": "head", "budget": 1, "projects": projects[1]},
        {"name": "coder", "language": "python"},
        {"name": "tester"},
        {"name": "writer"},
    ] == response.dumped()
    assert {
        "Member": {"name"},
        "Lead": {"name", "budget", "projects"},
        "Head": {"name", "budget", "projects"},
        "Coder": {"name", "language"},
        # Their mapping loads these columns with the base class.
        "Tester": {"name", "found", "missed"},
        "Writer": {"name", "pages", "words"},
    } == by_kind(response.objects)


def test_a_union_behind_a_relationship_reads_of_each_class_what_its_schema_has(engine: Engine):
    class TeamOut(Out):
        members: list[LeadOut | CoderOut | MemberOut]

    response = respond(engine, Team, TeamOut)

    assert ["member", "lead", "head", "coder", "tester", "writer"] == [
        one["name"] for one in response.dumped()[0]["members"]
    ]
    assert {
        "Member": {"name"},
        "Lead": {"name", "budget", "projects"},
        "Head": {"name", "budget", "projects"},
        "Coder": {"name", "language"},
        # Their mapping loads these columns with the base class.
        "Tester": {"name", "found", "missed"},
        "Writer": {"name", "pages", "words"},
    } == by_kind(response.objects[0].members)
    # teams, members, leads, coders, writers (by their mapping), projects
    assert len(response.sent) <= 6


def test_a_discriminated_union_reads_its_discriminator(engine: Engine):
    class OfLead(Out):
        kind: Literal["lead", "head"]
        budget: int

    class OfOthers(Out):
        kind: Literal["member", "coder", "tester", "writer"]

    class TeamOut(Out):
        members: list[Annotated[OfLead | OfOthers, Field(discriminator="kind")]]

    response = respond(engine, Team, TeamOut)

    assert [{"kind": "member"}, {"kind": "lead", "budget": 1}] == response.dumped()[0]["members"][:2]


def test_a_schema_may_have_what_only_some_objects_have(engine: Engine):
    response = respond(engine, Member, Flat, select(Member).order_by(Member.id))

    assert [None, 1, 1, None, None, None] == [one.budget for one in response.converted]
    assert ["python"] == [one.language for one in response.converted if one.language]
    assert {"name", "language"} == by_kind(response.objects)["Coder"]


def test_a_column_of_a_subclass_of_a_subclass_is_read(engine: Engine):
    class WithShares(Out):
        shares: int | None = None

    response = respond(engine, Member, WithShares, select(Member).order_by(Member.id))

    assert [None, None, 3, None, None, None] == [one.shares for one in response.converted]
    assert {"shares"} == by_kind(response.objects)["Head"]


def test_a_deferred_column_of_a_subclass_is_read(engine: Engine):
    class WithPlan(Out):
        plan: str | None = None

    response = respond(engine, Member, WithPlan, select(Member).order_by(Member.id))

    assert [None, "plan", "plan", None, None, None] == [one.plan for one in response.converted]
    assert {"plan"} == by_kind(response.objects)["Lead"]


def test_columns_that_the_mapping_loads_with_the_base_class_are_left_out_if_others_of_that_class_are_read(
    engine: Engine,
):
    class Counts(Out):
        found: int | None = None
        pages: int | None = None

    response = respond(engine, Member, Counts)

    assert ({"found"}, {"pages"}) == (by_kind(response.objects)["Tester"], by_kind(response.objects)["Writer"])


def test_a_subclass_may_be_selected_itself(engine: Engine):
    response = respond(engine, Lead, LeadOut, select(Lead).order_by(Lead.id))

    assert ["lead", "head"] == [one.name for one in response.converted]
    assert {"Lead": {"name", "budget", "projects"}, "Head": {"name", "budget", "projects"}} == by_kind(response.objects)
    assert 2 == len(response.sent)


def test_a_subclass_of_a_single_table_may_be_selected_itself(engine: Engine):
    response = respond(engine, Coder, CoderOut)

    assert {"Coder": {"name", "language"}} == by_kind(response.objects)


def test_a_single_object_of_a_subclass_is_joined(engine: Engine):
    class WithLead(Out):
        lead: LeadOut | None

    response = respond(engine, Project, WithLead)

    assert ["lead", "head"] == sorted((one.lead.name for one in response.converted), reverse=True)
    assert {"name", "budget", "projects"} == by_kind([response.objects[0].lead])["Lead"]


def test_a_path_may_lead_to_an_attribute_of_a_subclass(engine: Engine):
    class TeamOut(Out):
        projects: Annotated[int, reads((Team.members, Lead.projects, Project.name))]

    options = loader_options(Team, TeamOut)

    with Session(engine) as session:
        team = session.scalars(select(Team).options(*options)).one()
    assert {"Lead": {"projects"}, "Coder": set()}.items() <= by_kind(team.members).items()
    assert {"id", "name"} == loaded(team.members[1].projects[0])


def test_a_declaration_may_begin_at_a_subclass(engine: Engine):
    class Counted(Out):
        number: Annotated[int, reads(Lead.projects)] = 0

    with Session(engine) as session:
        members = session.scalars(select(Member).options(*loader_options(Member, Counted))).all()

    assert {"Lead": {"projects"}, "Coder": set()}.items() <= by_kind(list(members)).items()


def test_whole_objects_have_the_columns_of_their_own_class(engine: Engine):
    class TeamOut(Out):
        names: Annotated[list[str], reads(Team.members)]

    with Session(engine) as session:
        team = session.scalars(select(Team).options(*loader_options(Team, TeamOut))).one()

    for member in team.members:
        columns = inspect(member).mapper.column_attrs
        assert {column.key for column in columns if not column.deferred} <= loaded(member)


def test_a_name_that_no_class_of_the_hierarchy_has_is_named(engine: Engine):
    class Wrong(Out):
        budgets: int

    with pytest.raises(SchemaError, match="Member does not have, did you mean 'budget'"):
        loader_options(Member, Wrong)


def test_a_class_of_a_concrete_table_is_read(engine: Engine):
    class ContractOut(Out):
        until: int

    class InternshipOut(Out):
        name: str
        school: str

    contracts = respond(engine, Contract, ContractOut)

    assert ([{"until": 2027}], {"id", "until"}) == (contracts.dumped(), loaded(contracts.objects[0]))
    assert [{"name": "internship", "school": "school"}] == respond(engine, Internship, InternshipOut).dumped()


def test_a_column_that_a_concrete_table_does_not_have_is_named():
    class Wrong(Out):
        until: int | None = None

    with pytest.raises(SchemaError, match=r"'until', which Internship does not have\."):
        loader_options(Internship, Wrong)


def test_a_tree_of_keyed_collections_is_read_to_its_end(engine: Engine):
    class FolderOut(Out):
        folders: dict[str, FolderOut]

    response = respond(engine, Folder, FolderOut, select(Folder).where(Folder.parent_id.is_(None)))

    assert [{"folders": {"folder 2": {"folders": {"folder 3": {"folders": {}}}}}}] == response.dumped()
    assert 4 == len(response.sent)


def test_a_class_that_is_mapped_later_is_seen():
    class Late(Out):
        name: str
        late: str | None = None

    with pytest.raises(SchemaError, match="'late', which Member does not have"):
        loader_options(Member, Late)

    class Intern(Member):
        late = mapped_column(String(20))
        __mapper_args__: ClassVar = {"polymorphic_identity": "intern"}

    loader_options(Member, MemberOut)

    assert 1 <= len(loader_options(Member, Late))


def test_the_class_of_a_schema_may_be_a_subclass_of_a_subclass(engine: Engine):
    class HeadOut(LeadOut):
        shares: int

    response = respond(engine, Head, HeadOut)

    assert {"Head": {"name", "budget", "shares", "projects"}} == by_kind(response.objects)
