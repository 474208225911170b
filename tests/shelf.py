"""The bookshop's two classes with everything that can be unloaded, for tests that need their own database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, ForeignKey, func, insert
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, synonym


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    biography: Mapped[str | None] = mapped_column(deferred=True)
    secret: Mapped[str | None] = mapped_column(deferred=True, deferred_raiseload=True)
    changed_at: Mapped[datetime | None] = mapped_column(onupdate=func.now())
    books: Mapped[list[Book]] = relationship(back_populates="author")
    drafts: Mapped[list[Book]] = relationship(viewonly=True, lazy="raise")
    works: Mapped[list[Book]] = relationship(viewonly=True, lazy="selectin")

    pen_name = synonym("name")
    writings = synonym("books")

    @property
    def label(self) -> str:
        return self.name.upper()

    @property
    def titles(self) -> list[str]:
        books = self.books
        return [book.title for book in books]


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    price: Mapped[int] = mapped_column(default=10)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author | None] = relationship(back_populates="books")


def fill(connection: Connection) -> None:
    """Create the tables anew, with one author and two books."""
    Base.metadata.drop_all(connection)
    Base.metadata.create_all(connection)
    connection.execute(insert(Author), {"name": "Ursula"})
    connection.execute(
        insert(Book),
        [
            {"title": "The Dispossessed", "price": 10, "author_id": 1},
            {"title": "The Lathe of Heaven", "price": 12, "author_id": 1},
        ],
    )
