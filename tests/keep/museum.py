"""Values and collections of every kind that a snapshot has to copy, and attributes that it must not run."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import time, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import JSON, ForeignKey, PickleType, String, TypeDecorator, literal
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.ext.mutable import MutableList
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    attribute_keyed_dict,
    column_property,
    composite,
    keyfunc_mapping,
    mapped_column,
    relationship,
    synonym,
)


class Base(DeclarativeBase):
    """Apart from the store."""


class CodeRunError(AssertionError):
    """A snapshot has run code of a mapped class."""


class Floor(enum.Enum):
    GROUND = 0
    FIRST = 1


@dataclass
class Place:
    """A mutable composite with a mutable value and a method."""

    room: str | None
    remarks: list[str] = field(default_factory=list)

    def __composite_values__(self) -> tuple[Any, ...]:
        return self.room, self.remarks

    def sign(self) -> str:
        return f"to {self.room}"


@dataclass(frozen=True)
class Money:
    amount: int
    currency: str


class Handle:
    """What a type of the user's makes of a column."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handle) and other.url == self.url

    __hash__ = None  # type: ignore[assignment]


class HandleType(TypeDecorator[Handle]):
    impl = String(100)
    cache_ok = True

    def process_bind_param(self, value: Handle | None, dialect: object) -> str | None:
        return value and value.url

    def process_result_value(self, value: str | None, dialect: object) -> Handle | None:
        return None if value is None else Handle(value)


class Exhibit(Base):
    __tablename__ = "exhibit"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))
    tour: Mapped[timedelta | None]
    opens: Mapped[time | None]
    floor: Mapped[Floor | None]
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    words: Mapped[list[str] | None] = mapped_column(MutableList.as_mutable(JSON()))
    thing: Mapped[Any] = mapped_column(PickleType, nullable=True)
    image: Mapped[bytes | None]
    handle: Mapped[Handle | None] = mapped_column(HandleType)
    room: Mapped[str | None] = mapped_column(String(20))
    remarks: Mapped[list[str] | None] = mapped_column(JSON)
    place: Mapped[Place] = composite("room", "remarks")
    amount: Mapped[int | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    price: Mapped[Money] = composite("amount", "currency")
    shout: Mapped[str] = column_property(literal("loud"))
    before_id: Mapped[int | None] = mapped_column(ForeignKey("exhibit.id"))

    before: Mapped[Exhibit | None] = relationship(back_populates="after", remote_side="Exhibit.id")
    after: Mapped[list[Exhibit]] = relationship(back_populates="before")
    notes: Mapped[dict[str, Note]] = relationship(
        collection_class=attribute_keyed_dict("language"), back_populates="exhibit"
    )
    guides: Mapped[set[Guide]] = relationship(back_populates="exhibit")
    first_guide: Mapped[Guide | None] = relationship(viewonly=True, uselist=False)
    notes_by_guide: Mapped[dict[Guide, Note]] = relationship(
        collection_class=keyfunc_mapping(lambda note: note.guide), viewonly=True
    )

    title = synonym("name")
    predecessor = synonym("before")
    loud_name = synonym("name", descriptor=property(lambda self: self.run_code()))
    languages: AssociationProxy[list[str]] = association_proxy("notes", "language")

    @hybrid_property
    def is_free(self) -> bool:
        return self.run_code()

    @property
    def label(self) -> str:
        return self.run_code()

    @cached_property
    def cached(self) -> str:
        return self.run_code()

    def run_code(self) -> Any:
        raise CodeRunError

    def __repr__(self) -> str:
        return self.run_code()

    def __eq__(self, other: object) -> bool:
        return self.run_code()

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        return self.run_code()


class Guide(Base):
    __tablename__ = "guide"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    exhibit_id: Mapped[int | None] = mapped_column(ForeignKey("exhibit.id"))
    exhibit: Mapped[Exhibit | None] = relationship(back_populates="guides")


class Note(Base):
    __tablename__ = "note"

    exhibit_id: Mapped[int] = mapped_column(ForeignKey("exhibit.id"), primary_key=True)
    language: Mapped[str] = mapped_column(String(2), primary_key=True)
    text: Mapped[str] = mapped_column(String(50))
    guide_id: Mapped[int | None] = mapped_column(ForeignKey("guide.id"))
    exhibit: Mapped[Exhibit] = relationship(back_populates="notes")
    guide: Mapped[Guide | None] = relationship()
