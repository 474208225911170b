"""Inheritance of every kind, behind relationships and with relationships of the subclasses."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, attribute_keyed_dict, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Team(Base):
    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    members: Mapped[list[Member]] = relationship(back_populates="team", order_by="Member.id")


class Member(Base):
    __tablename__ = "member"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(20))
    street: Mapped[str] = mapped_column(String(20), default="street")
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    team: Mapped[Team | None] = relationship(back_populates="members")

    __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "member"}


class Lead(Member):
    """A table of its own, a deferred column, and relationships."""

    __tablename__ = "lead"

    id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    budget: Mapped[int] = mapped_column(default=1)
    grade: Mapped[int] = mapped_column(default=2)
    plan: Mapped[str] = mapped_column(String(20), default="plan", deferred=True)
    projects: Mapped[list[Project]] = relationship(back_populates="lead")
    favourites: Mapped[list[Project]] = relationship(viewonly=True, lazy="selectin")

    __mapper_args__: ClassVar = {"polymorphic_identity": "lead"}


class Head(Lead):
    """A subclass of a subclass."""

    __tablename__ = "head"

    id: Mapped[int] = mapped_column(ForeignKey("lead.id"), primary_key=True)
    shares: Mapped[int] = mapped_column(default=3)

    __mapper_args__: ClassVar = {"polymorphic_identity": "head"}


class Coder(Member):
    """Of a single table with its parent."""

    language: Mapped[str | None] = mapped_column(String(20))
    editor: Mapped[str | None] = mapped_column(String(20))

    __mapper_args__: ClassVar = {"polymorphic_identity": "coder"}


class Tester(Member):
    """Its columns always come with its base class."""

    __tablename__ = "tester"

    id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    found: Mapped[int] = mapped_column(default=4)
    missed: Mapped[int] = mapped_column(default=5)

    __mapper_args__: ClassVar = {"polymorphic_identity": "tester", "polymorphic_load": "inline"}


class Writer(Member):
    """Its columns are always loaded by a second statement."""

    __tablename__ = "writer"

    id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    pages: Mapped[int] = mapped_column(default=6)
    words: Mapped[int] = mapped_column(default=7)

    __mapper_args__: ClassVar = {"polymorphic_identity": "writer", "polymorphic_load": "selectin"}


class Project(Base):
    __tablename__ = "project"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    lead_id: Mapped[int | None] = mapped_column(ForeignKey("lead.id"))
    lead: Mapped[Lead | None] = relationship(back_populates="projects")


class Folder(Base):
    """A tree whose collections are keyed."""

    __tablename__ = "folder"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("folder.id"))
    folders: Mapped[dict[str, Folder]] = relationship(collection_class=attribute_keyed_dict("name"))


class Contract(Base):
    """A class of which each subclass has a whole table of its own."""

    __tablename__ = "contract"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    until: Mapped[int] = mapped_column(default=2027)


class Internship(Contract):
    __tablename__ = "internship"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    school: Mapped[str] = mapped_column(String(20), default="school")

    __mapper_args__: ClassVar = {"concrete": True}


def fill(session: Session) -> None:
    """A team of one member of each class, with two projects; three folders in one another; two contracts."""
    team = Team(id=1, name="team")
    kinds: list[type[Member]] = [Member, Lead, Head, Coder, Tester, Writer]
    for number, kind in enumerate(kinds, 1):
        team.members.append(kind(id=number, name=kind.__name__.lower()))
    session.add(team)
    session.flush()
    session.get(Coder, 4).language = "python"
    for number in (2, 3):
        session.add(Project(id=number, name=f"project {number}", lead_id=number))
    session.add_all([Contract(id=1, name="contract"), Internship(id=1, name="internship")])
    for number in (1, 2, 3):
        session.add(Folder(id=number, name=f"folder {number}", parent_id=number - 1 or None))
        session.flush()
    session.commit()


BY_MAPPING = {Tester: {"found", "missed"}, Writer: {"pages", "words"}}
"""Columns that the mapping loads with the base class."""
