"""Keys and foreign keys of text, which a database may find equal in whatever case they are written."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, String, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

CODE = String(5).with_variant(String(5, collation="NOCASE"), "sqlite")
"""MariaDB ignores case by default, accents and blanks at the end, too."""


class Base(DeclarativeBase):
    """Apart from the store."""


spoken_in = Table(
    "spoken_in",
    Base.metadata,
    Column("land_code", CODE, ForeignKey("land.code"), primary_key=True),
    Column("language_id", ForeignKey("language.id"), primary_key=True),
)


class Land(Base):
    __tablename__ = "land"

    code: Mapped[str] = mapped_column(CODE, primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    version: Mapped[int] = mapped_column()
    rivers: Mapped[list[River]] = relationship(back_populates="land", order_by="River.id")
    languages: Mapped[list[Language]] = relationship(secondary=spoken_in, order_by="Language.id")

    __mapper_args__: ClassVar = {"version_id_col": version}


class River(Base):
    __tablename__ = "river"

    id: Mapped[int] = mapped_column(primary_key=True)
    land_code: Mapped[str | None] = mapped_column(CODE, ForeignKey("land.code"))
    land: Mapped[Land | None] = relationship(back_populates="rivers")


class Language(Base):
    __tablename__ = "language"

    id: Mapped[int] = mapped_column(primary_key=True)


class Region(Base):
    """A key of two columns."""

    __tablename__ = "region"

    land_code: Mapped[str] = mapped_column(CODE, ForeignKey("land.code"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(20))
    towns: Mapped[list[Town]] = relationship(back_populates="region", order_by="Town.id")


class Town(Base):
    __tablename__ = "town"

    id: Mapped[int] = mapped_column(primary_key=True)
    land_code: Mapped[str | None] = mapped_column(CODE)
    number: Mapped[int | None]
    region: Mapped[Region | None] = relationship(back_populates="towns")

    __table_args__ = (ForeignKeyConstraint(["land_code", "number"], ["region.land_code", "region.number"]),)


WRITTEN = ("NO", "no", "No")
"""One key to the database, three to Python."""


def fill(session: Session) -> None:
    """Two lands; three rivers, languages and towns, which belong to one of them, each in another case; two regions."""
    session.add_all([Land(code="NO", name="Norway"), Land(code="SE", name="Sweden")])
    session.flush()
    session.add_all(Region(land_code="NO", number=number, name=f"region {number}") for number in (1, 2))
    session.add_all(Language(id=number) for number in (1, 2, 3))
    session.flush()
    for number, code in enumerate(WRITTEN, 1):
        session.add_all([River(id=number, land_code=code), Town(id=number, land_code=code, number=1)])
        session.execute(spoken_in.insert().values(land_code=code, language_id=number))
    session.add_all([River(id=4), Town(id=4)])
    session.commit()
