"""The small shop of all examples: an author with two books, and sessions of both kinds."""

from __future__ import annotations

import asyncio
from datetime import datetime

from sqlalchemy import Connection, ForeignKey, create_engine, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
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

__all__ = [
    "AsyncSession",
    "AsyncSessionLocal",
    "Author",
    "Book",
    "IntegrityError",
    "Session",
    "SessionLocal",
    "async_engine",
    "async_sessionmaker",
    "asyncio",
    "engine",
    "joinedload",
    "select",
    "selectinload",
    "sessionmaker",
    "undefer",
]


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    biography: Mapped[str | None] = mapped_column(deferred=True)
    books: Mapped[list[Book]] = relationship(back_populates="author")


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    price: Mapped[int] = mapped_column(default=10)
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author | None] = relationship(back_populates="books")


engine = create_engine("sqlite://", poolclass=StaticPool)
SessionLocal = sessionmaker(engine)

async_engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
AsyncSessionLocal = async_sessionmaker(async_engine)


def fill(connection: Connection) -> None:
    Base.metadata.create_all(connection)
    connection.execute(insert(Author), {"id": 1, "name": "Ursula", "biography": "Born in Berkeley."})
    books = [
        {"id": 1, "title": "The Dispossessed", "author_id": 1},
        {"id": 2, "title": "The Lathe of Heaven", "author_id": 1},
    ]
    connection.execute(insert(Book), books)


async def fill_async() -> None:
    async with async_engine.begin() as connection:
        await connection.run_sync(fill)


with engine.begin() as connection:
    fill(connection)
asyncio.run(fill_async())
