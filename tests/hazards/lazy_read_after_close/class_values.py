"""Mapped classes that are given to a constructor."""

from typing import Generic, TypeVar

Model = TypeVar("Model", bound=Base)


class _Store(Generic[Model]):
    def __init__(self, model: type[Model]) -> None:
        self.model = model

    def first(self, session) -> Model | None:
        return session.scalars(select(self.model)).first()

    def get(self, session, key) -> Model | None:
        return session.get(self.model, key)


class _Authors(_Store[Author]):
    def __init__(self) -> None:
        super().__init__(Author)


_books = _Store(Book)
_authors = _Authors()


def given_to_the_constructor():
    with SessionLocal() as session:
        book = _books.get(session, 1)
    print(book.title)  # quiet: a loaded column
    print(book.author)  # finding: book.author is not loaded and its session is closed


def given_by_a_class_below():
    with SessionLocal() as session:
        author = _authors.first(session)
    print(author.books)  # finding: author.books is not loaded and its session is closed
