"""The model of the generated programs, with one of each kind of attribute, and factories of every flavour."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncAttrs, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    sessionmaker,
    undefer,
)
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateTable

__all__ = [
    "AsyncExpiring",
    "AsyncKeeping",
    "AsyncSession",
    "Author",
    "Award",
    "Book",
    "Expiring",
    "IntegrityError",
    "Keeping",
    "Profile",
    "Session",
    "async_engine",
    "asynccontextmanager",
    "contextmanager",
    "engine",
    "joinedload",
    "select",
    "selectinload",
    "undefer",
]


class Base(AsyncAttrs, DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    biography: Mapped[str | None] = mapped_column(deferred=True)
    books: Mapped[list[Book]] = relationship(back_populates="author", order_by="Book.id")
    profile: Mapped[Profile | None] = relationship(back_populates="author")
    awards: Mapped[list[Award]] = relationship(back_populates="author", lazy="selectin")


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    price: Mapped[int] = mapped_column(default=10)
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author | None] = relationship(back_populates="books")


class Profile(Base):
    __tablename__ = "profile"

    id: Mapped[int] = mapped_column(primary_key=True)
    motto: Mapped[str]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author | None] = relationship(back_populates="profile")


class Award(Base):
    __tablename__ = "award"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author | None] = relationship(back_populates="awards")


engine = create_engine("sqlite://", poolclass=StaticPool)
Expiring = sessionmaker(engine)
Keeping = sessionmaker(engine, expire_on_commit=False)

async_engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
AsyncExpiring = async_sessionmaker(async_engine)
AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


TABLES = ";".join(str(CreateTable(table).compile(engine)) for table in Base.metadata.sorted_tables) + ";"
AUTHORS = "insert into author values (1, 'Ursula', 'Born in Berkeley.'), (2, 'Octavia', null), (3, 'Joanna', null);"
WORLDS = (
    AUTHORS
    + """
    insert into book (title, price, author_id) values ('The Dispossessed', 10, 1), ('Beowulf', 10, null);
    insert into profile (motto, author_id) values ('True journey is return', 1), ('God is change', 2);
    insert into award (title, author_id) values ('Hugo', 1), ('Nebula', 1);
    """,
    AUTHORS
    + """
    insert into book (title, price, author_id)
    values ('The Dispossessed', 10, 1), ('Kindred', 10, 2), ('Picnic on Paradise', 10, 3),
           ('Malafrena', 10, 1), ('Dawn', 10, 2), ('We Who Are About To', 10, 3);
    insert into profile (motto, author_id) values ('True journey is return', 1), ('God is change', 2), ('Forget me', 3);
    insert into award (title, author_id) values ('Hugo', 1), ('Nebula', 2), ('Tiptree', 3);
    """,
    AUTHORS
    + """
    insert into book (title, price, author_id)
    values ('Kindred', 10, 2), ('Picnic on Paradise', 10, 3), ('The Dispossessed', 10, 1),
           ('Dawn', 10, 2), ('We Who Are About To', 10, 3), ('Malafrena', 10, 1);
    insert into profile (motto, author_id) values ('Forget me', 3), ('True journey is return', 1), ('God is change', 2);
    insert into award (title, author_id) values ('Nebula', 2), ('Tiptree', 3), ('Hugo', 1);
    """,
)
"""The rows that a run finds: with gaps; full, where rows with one key belong together; full, where none do."""

TWINS = (1, 2)
"""Worlds that differ in nothing but that: a read that raises in one of them and passes in the other has luck there."""


def start_anew(world: int) -> None:
    """Give up the database in memory for one that holds the rows of a world only."""
    engine.dispose()
    connection = engine.raw_connection()
    connection.cursor().executescript(TABLES + WORLDS[world])
    connection.close()


async def start_anew_async(world: int) -> None:
    await async_engine.dispose()
    async with async_engine.connect() as connection:
        raw = await connection.get_raw_connection()
        await raw.driver_connection.executescript(TABLES + WORLDS[world])


def stop() -> None:
    engine.dispose()
    asyncio.run(async_engine.dispose())
