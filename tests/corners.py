"""Mappings that the store has no use for: the corners of what can be loaded, and of what cannot."""

from __future__ import annotations

import warnings
from typing import ClassVar

from sqlalchemy import ForeignKey, ForeignKeyConstraint, String, and_, func, literal
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    composite,
    configure_mappers,
    foreign,
    mapped_column,
    query_expression,
    relationship,
    remote,
    synonym,
)


class Base(DeclarativeBase):
    """A registry apart from the store."""


class Point:
    def __init__(self, x: int | None, y: int | None) -> None:
        self.x, self.y = x, y

    def __composite_values__(self) -> tuple[int | None, int | None]:
        return self.x, self.y


class Country(Base):
    __tablename__ = "country"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    is_open: Mapped[int] = mapped_column(default=1)


class Region(Base):
    """With a key of two columns."""

    __tablename__ = "region"

    country_id: Mapped[int] = mapped_column(ForeignKey("country.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(5), primary_key=True)
    name: Mapped[str] = mapped_column(String(20))


class Town(Base):
    """Every strategy and every kind of attribute that is not in the store."""

    __tablename__ = "town"
    __table_args__ = (ForeignKeyConstraint(["country_id", "region_code"], ["region.country_id", "region.code"]),)

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column("town_label", String(20))
    title: Mapped[str] = synonym("label")
    motto: Mapped[str | None] = mapped_column(String(20), deferred=True, deferred_group="texts")
    history: Mapped[str | None] = mapped_column(String(20), deferred=True, deferred_group="texts")
    touched: Mapped[str | None] = mapped_column(String(40), deferred=True, onupdate=func.lower("X"))
    x: Mapped[int | None]
    y: Mapped[int | None] = mapped_column(deferred=True)
    place: Mapped[Point] = composite(Point, "x", "y")
    country_id: Mapped[int | None] = mapped_column(ForeignKey("country.id"))
    region_code: Mapped[str | None] = mapped_column(String(5))
    shouted: Mapped[str] = column_property(func.upper(label))
    steady: Mapped[str] = column_property(func.lower(label), expire_on_flush=False)
    late: Mapped[str] = column_property(func.upper(label), deferred=True)
    asked: Mapped[int | None] = query_expression()
    answered: Mapped[int | None] = query_expression(literal(42))

    country: Mapped[Country | None] = relationship(lazy="raise_on_sql", foreign_keys=[country_id])
    strict_country: Mapped[Country | None] = relationship(lazy="raise", foreign_keys=[country_id], viewonly=True)
    lazy_country: Mapped[Country | None] = relationship(foreign_keys=[country_id], viewonly=True)
    joined_country: Mapped[Country | None] = relationship(lazy="joined", foreign_keys=[country_id], viewonly=True)
    open_country: Mapped[Country | None] = relationship(
        primaryjoin=lambda: and_(foreign(Town.country_id) == remote(Country.id), remote(Country.is_open) == 1),
        lazy="raise_on_sql",
        viewonly=True,
    )
    region: Mapped[Region | None] = relationship(lazy="raise_on_sql", viewonly=True)
    streets: Mapped[list[Street]] = relationship(back_populates="town", cascade="all")
    strict_streets: Mapped[list[Street]] = relationship(lazy="raise_on_sql", viewonly=True)
    no_streets: Mapped[list[Street]] = relationship(lazy="noload", viewonly=True)
    street_names: AssociationProxy[list[str]] = association_proxy("streets", "name")

    @hybrid_property
    def greeting(self) -> str:
        return f"Welcome to {self.label}"


class Street(Base):
    """Whose values the database computes, and an INSERT leaves there."""

    __tablename__ = "street"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    surface: Mapped[str] = mapped_column(String(20), server_default="gravel")
    note: Mapped[str | None] = mapped_column(String(20))
    town_id: Mapped[int | None] = mapped_column(ForeignKey("town.id"))
    town: Mapped[Town | None] = relationship(back_populates="streets")

    __mapper_args__: ClassVar = {"eager_defaults": False}


class Vehicle(Base):
    """Concrete inheritance: each class has a table of its own."""

    __tablename__ = "vehicle"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    wheels: Mapped[int] = mapped_column(default=4)


class Boat(Vehicle):
    __tablename__ = "boat"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    draught: Mapped[int] = mapped_column(default=1, deferred=True)

    __mapper_args__: ClassVar = {"concrete": True}


class Animal(Base):
    """Joined inheritance of two levels, one of them without columns."""

    __tablename__ = "animal"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(20))
    changed: Mapped[str | None] = mapped_column(String(20), onupdate=func.lower("X"))

    __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}


class Dog(Animal):
    __tablename__ = "dog"

    dog_id: Mapped[int] = mapped_column(ForeignKey("animal.id"), primary_key=True)
    breed: Mapped[str | None] = mapped_column(String(20))
    trick: Mapped[str | None] = mapped_column(String(20), onupdate=func.lower("X"))
    papers: Mapped[str | None] = mapped_column(String(20), deferred=True)

    __mapper_args__: ClassVar = {"polymorphic_identity": "dog"}


class Puppy(Dog):
    toy: Mapped[str | None] = mapped_column(String(20))

    __mapper_args__: ClassVar = {"polymorphic_identity": "puppy"}


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # `noload` is deprecated in SQLAlchemy 2.1, and still there
    configure_mappers()


def fill(session: Session) -> None:
    """Two countries, a region, four towns with and without them, streets, vehicles, animals."""
    session.add_all([Country(name="Norway"), Country(name="Atlantis", is_open=0)])
    session.flush()
    session.add(Region(country_id=1, code="N", name="north"))
    session.flush()
    for country, region in [(1, "N"), (1, None), (2, None), (None, None)]:
        town = Town(label="town", motto="onwards", x=1, y=2, country_id=country, region_code=region)
        town.streets = [Street(name="High Street"), Street(name="Low Street", note="quiet")]
        session.add(town)
    session.add_all([Vehicle(name="van"), Boat(name="barge"), Animal(name="cat")])
    session.add_all([Dog(name="Rex", breed="pug", papers="yes"), Puppy(name="Bit", toy="ball")])
    session.commit()
