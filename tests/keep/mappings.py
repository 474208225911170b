"""Relationships that need more than a foreign key to a primary key, and collections that are no lists."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Integer, String, Table, and_, func, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    aliased,
    attribute_keyed_dict,
    foreign,
    mapped_column,
    relationship,
    remote,
    synonym,
)


class Base(DeclarativeBase):
    """Apart from the store: the same names may be used."""


membership = Table(
    "membership",
    Base.metadata,
    Column("person_id", ForeignKey("person.id"), primary_key=True),
    Column("club_id", ForeignKey("club.id"), primary_key=True),
    Column("rank", Integer, nullable=False),
)
friendship = Table(
    "friendship",
    Base.metadata,
    Column("one_id", ForeignKey("person.id"), primary_key=True),
    Column("other_id", ForeignKey("person.id"), primary_key=True),
    Column("since", Integer, nullable=False),
)
# The same pair may be there twice.
sighting = Table(
    "sighting",
    Base.metadata,
    Column("person_id", ForeignKey("person.id")),
    Column("club_id", ForeignKey("club.id")),
)


class Country(Base):
    __tablename__ = "country"

    code: Mapped[str] = mapped_column(String(5), primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    people: Mapped[list[Person]] = relationship(back_populates="country", order_by="Person.id")
    people_by_number: Mapped[list[Person]] = relationship(
        primaryjoin="Country.number == foreign(Person.country_number)", order_by="Person.id", viewonly=True
    )


class Person(Base):
    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(20))
    country_code: Mapped[str | None] = mapped_column(ForeignKey("country.code"))
    country_number: Mapped[int | None]
    country: Mapped[Country | None] = relationship(back_populates="people")
    country_by_number: Mapped[Country | None] = relationship(
        primaryjoin=lambda: foreign(Person.country_number) == Country.number, viewonly=True
    )
    country_if_read: Mapped[Country | None] = relationship(lazy="raise_on_sql", viewonly=True)
    clubs: Mapped[list[Club]] = relationship(secondary=membership, order_by=membership.c.rank.desc(), backref="members")
    first_clubs: Mapped[set[Club]] = relationship(
        secondary=membership,
        primaryjoin=lambda: and_(Person.id == membership.c.person_id, membership.c.rank < 3),
        viewonly=True,
    )
    ranked_clubs: Mapped[list[Club]] = relationship(
        secondary=membership,
        primaryjoin=lambda: and_(Person.id == membership.c.person_id, membership.c.rank < 3),
        order_by=membership.c.rank.desc(),
        viewonly=True,
    )
    seen_in: Mapped[list[Club]] = relationship(secondary=sighting, viewonly=True)
    friends: Mapped[list[Person]] = relationship(
        secondary=friendship,
        primaryjoin=lambda: Person.id == friendship.c.one_id,
        secondaryjoin=lambda: Person.id == friendship.c.other_id,
        order_by=friendship.c.since,
    )
    old_friends: Mapped[list[Person]] = relationship(
        secondary=friendship,
        primaryjoin=lambda: and_(Person.id == friendship.c.one_id, friendship.c.since < 2000),
        secondaryjoin=lambda: Person.id == friendship.c.other_id,
        order_by=friendship.c.since.desc(),
        viewonly=True,
    )
    namesakes: Mapped[list[Person]] = relationship(
        primaryjoin=lambda: and_(remote(foreign(Person.name)) == Person.name, remote(Person.id) != Person.id),
        order_by=lambda: Person.id,
        viewonly=True,
    )
    phones: Mapped[dict[str, Phone]] = relationship(
        back_populates="person", collection_class=attribute_keyed_dict("label")
    )
    home_phone: Mapped[Phone | None] = relationship(
        primaryjoin=lambda: and_(Phone.person_id == Person.id, Phone.label == "home"), viewonly=True, uselist=False
    )
    telephones = synonym("phones")

    __mapper_args__: ClassVar = {"polymorphic_on": "kind", "polymorphic_identity": "person"}


class Player(Person):
    """With another name for its part of the key, and a relationship by that part."""

    __tablename__ = "player"

    player_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    goals: Mapped[list[Goal]] = relationship(back_populates="player", order_by="Goal.minute")
    early_goals: Mapped[list[Goal]] = relationship(
        primaryjoin=lambda: and_(Goal.player_id == Player.player_id, Goal.minute < 45),
        order_by="Goal.minute",
        back_populates="early_player",
        overlaps="goals,player",
    )

    __mapper_args__: ClassVar = {"polymorphic_identity": "player"}


class Club(Base):
    __tablename__ = "club"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))


class Phone(Base):
    """Loads its person with itself."""

    __tablename__ = "phone"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    label: Mapped[str] = mapped_column(String(10), primary_key=True)
    person: Mapped[Person] = relationship(back_populates="phones", lazy="joined")
    calls: Mapped[list[Call]] = relationship(back_populates="phone", order_by="Call.id")


class Call(Base):
    """Refers to a key of two columns."""

    __tablename__ = "call"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None]
    label: Mapped[str | None] = mapped_column(String(10))
    phone: Mapped[Phone | None] = relationship(back_populates="calls")

    __table_args__ = (ForeignKeyConstraint(["person_id", "label"], ["phone.person_id", "phone.label"]),)


class Goal(Base):
    __tablename__ = "goal"

    id: Mapped[int] = mapped_column(primary_key=True)
    minute: Mapped[int]
    player_id: Mapped[int] = mapped_column(ForeignKey("player.player_id"))
    player: Mapped[Player] = relationship(back_populates="goals")
    early_player: Mapped[Player | None] = relationship(
        primaryjoin=lambda: and_(Goal.player_id == Player.player_id, Goal.minute < 45),
        back_populates="early_goals",
        overlaps="goals,player",
    )


ranked: Any = select(
    Goal, func.row_number().over(partition_by=Goal.player_id, order_by=Goal.minute.desc()).label("place")
).subquery()
LastGoal = aliased(Goal, ranked)
Player.last_goal = relationship(  # type: ignore[attr-defined]
    LastGoal,
    primaryjoin=and_(Player.player_id == LastGoal.player_id, ranked.c.place == 1),
    uselist=False,
    viewonly=True,
)


def fill(session: Session) -> None:
    """Four people, two of them players, in two countries and three clubs."""
    countries = [Country(code="NO", number=47), Country(code="SE", number=46)]
    clubs = [Club(name=name) for name in ("chess", "go", "rowing")]
    people = [
        Person(name="Kim", country=countries[0], country_number=46),
        Player(name="Kim", country=countries[0]),
        Player(name="Lea", country_number=47),
        Person(name="Kim"),
    ]
    session.add_all([*countries, *clubs, *people])
    session.flush()
    for number, person in enumerate(people[:3], 1):
        for club in clubs[:number]:
            rank = (club.id + number) % 3 + 1
            session.execute(membership.insert().values(person_id=person.id, club_id=club.id, rank=rank))
            session.execute(sighting.insert(), [{"person_id": person.id, "club_id": club.id}] * 2)
    for one, other, since in ((0, 1, 2010), (0, 2, 1990), (0, 3, 1980), (1, 0, 1999)):
        values = {"one_id": people[one].id, "other_id": people[other].id, "since": since}
        session.execute(friendship.insert().values(values))
    for person in people[:2]:
        for label in ("home", "work"):
            phone = Phone(person=person, label=label)
            phone.calls = [Call(), Call()]
            session.add(phone)
    session.add(Call())
    session.add_all(Goal(minute=minute, player=people[1]) for minute in (90, 12, 44))
    session.commit()
