"""Attributes that are no plain columns and relationships: properties, hybrids, proxies, synonyms, keyed collections."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, String, func, literal, select
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    attribute_keyed_dict,
    column_property,
    mapped_column,
    query_expression,
    relationship,
    synonym,
)


class Base(DeclarativeBase):
    pass


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(50))
    pages: Mapped[int] = mapped_column(default=100)
    metadata_: Mapped[str | None] = mapped_column("metadata", String(50))
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship(back_populates="books")
    notes: Mapped[dict[str, Note]] = relationship(collection_class=attribute_keyed_dict("language"))


class Note(Base):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(String(10))
    text: Mapped[str] = mapped_column(String(50), default="")
    book_id: Mapped[int] = mapped_column(ForeignKey("book.id"))


class Author(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    first: Mapped[str] = mapped_column(String(50))
    last: Mapped[str] = mapped_column(String(50))
    surname: Mapped[str] = synonym("last")
    score: Mapped[int] = query_expression()
    books: Mapped[list[Book]] = relationship(back_populates="author", order_by=Book.id)
    titles: AssociationProxy[list[str]] = association_proxy("books", "title")
    notes: AssociationProxy[list[Any]] = association_proxy("books", "notes")
    volumes: Mapped[list[Book]] = synonym("books")
    kind: ClassVar[str] = "author"

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"

    @property
    def pages(self) -> int:
        return sum(book.pages for book in self.books)

    @property
    def long_books(self) -> list[Book]:
        return [book for book in self.books if book.pages > 100]

    @cached_property
    def first_title(self) -> str:
        return self.books[0].title

    @hybrid_property
    def initial(self) -> str:
        return self.first[0]

    def method(self) -> str:
        return self.last


Author.number_of_books = column_property(
    select(func.count(Book.id)).where(Book.author_id == Author.id).correlate_except(Book).scalar_subquery()
)
Author.constant = column_property(literal("x"), deferred=True)


def fill(session: Session) -> None:
    """One author of two books, each with a note in two languages."""
    author = Author(id=1, first="Ada", last="Lovelace")
    session.add(author)
    for number in (1, 2):
        book = Book(id=number, title=f"book {number}", pages=100 * number, author=author)
        book.notes = {language: Note(language=language, text=f"{language} {number}") for language in ("en", "fr")}
        session.add(book)
    session.commit()
