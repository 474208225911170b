"""``loader_options`` with SQLModel: as schema, as mapped class, and as both."""

# SQLModel wants `list["Hero"]` in a relationship: with `from __future__ import annotations` it cannot read it.

from collections.abc import Iterator
from typing import Annotated

import pytest
from pydantic import ConfigDict, computed_field
from sqlalchemy import Engine
from sqlalchemy.orm import Session, registry

from outlive import SchemaError, loader_options, reads
from tests.databases import MEMORY
from tests.keep.responses import loaded, respond

sqlmodel = pytest.importorskip(
    "sqlmodel", exc_type=ImportError, reason="SQLModel is missing, or too new for this SQLAlchemy"
)
from sqlmodel import Field, Relationship, SQLModel  # noqa: E402


class Base(SQLModel, registry=registry()):
    pass


class TeamBase(Base):
    name: str


class Team(TeamBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    motto: str = "onwards"
    heroes: list["Hero"] = Relationship(back_populates="team")


class HeroBase(Base):
    name: str


class Hero(HeroBase, table=True):
    id: int | None = Field(default=None, primary_key=True)
    power: str = "flight"
    team_id: int | None = Field(default=None, foreign_key="team.id")
    team: Team | None = Relationship(back_populates="heroes")


class HeroPublic(HeroBase):
    id: int


class TeamPublic(TeamBase):
    heroes: list[HeroPublic]


class HeroWithTeam(HeroPublic):
    team: TeamBase | None


class HeroWithTable(HeroPublic):
    team: Team | None


@pytest.fixture
def engine() -> Iterator[Engine]:
    with MEMORY.engine() as engine:
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(Team(id=1, name="team", heroes=[Hero(id=1, name="one"), Hero(id=2, name="two")]))
            session.commit()
        yield engine


def test_a_collection_is_read(engine: Engine):
    response = respond(engine, Team, TeamPublic)

    assert [{"name": "team", "heroes": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]}] == response.dumped()
    assert {"id", "name", "heroes"} == loaded(response.objects[0])
    assert {"id", "name"} == loaded(response.objects[0].heroes[0])


def test_a_single_object_is_read(engine: Engine):
    response = respond(engine, Hero, HeroWithTeam)

    assert {"name": "one", "id": 1, "team": {"name": "team"}} == response.dumped()[0]
    assert {"id", "name"} == loaded(response.objects[0].team)


def test_a_table_model_as_schema_of_its_own_objects_reads_its_columns(engine: Engine):
    response = respond(engine, Hero, Hero)

    assert {"id", "name", "power", "team_id"} == loaded(response.objects[0])
    assert {"id": 1, "name": "one", "power": "flight", "team_id": 1} == response.dumped()[0]


def test_a_table_model_behind_a_relationship_reads_its_columns(engine: Engine):
    response = respond(engine, Hero, HeroWithTable)

    assert {"id": 1, "name": "team", "motto": "onwards"} == response.dumped()[0]["team"]


def test_a_field_that_the_table_lacks_is_named(engine: Engine):
    class HeroWithAge(HeroPublic):
        age: int

    with pytest.raises(SchemaError, match=r"HeroWithAge.age is read from 'age', which Hero does not have"):
        loader_options(Hero, HeroWithAge)


class OtherBase(SQLModel, registry=registry()):
    pass


class Villain(OtherBase, table=True):
    model_config = ConfigDict(from_attributes=True)

    id: int | None = Field(default=None, primary_key=True)
    name: str
    power: str = "fire"

    @computed_field
    @property
    def title(self) -> str:
        return f"the {self.name}"


def test_a_computed_field_of_a_table_model_reads_from_the_object_itself_and_has_to_say_what():
    with pytest.raises(SchemaError) as caught:
        loader_options(Villain, Villain)

    assert (
        "Villain.title is read from 'title', and Villain.title is a property, which does not tell what it reads. "
        "Declare all of it: `title: Annotated[str, outlive.reads(Villain.name)]`"
    ) == str(caught.value)


def test_a_schema_beside_the_table_model_says_what_the_computed_field_reads():
    class VillainPublic(SQLModel):
        title: Annotated[str, reads(Villain.name)]

    with MEMORY.engine() as engine:
        OtherBase.metadata.create_all(engine)
        with Session(engine) as session:
            session.add(Villain(id=1, name="bob"))
            session.commit()

        response = respond(engine, Villain, VillainPublic)

    assert ([{"title": "the bob"}], {"id", "name"}) == (response.dumped(), loaded(response.objects[0]))
