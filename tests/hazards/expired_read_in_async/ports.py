"""Repositories that a service knows by a protocol, or by a class with abstract methods."""

from abc import ABC, abstractmethod
from typing import Protocol


class _Authors(Protocol):
    async def by_name(self, session: AsyncSession, name: str) -> Author: ...

    async def save(self, session: AsyncSession) -> None: ...


class _AuthorsOfTheDatabase(_Authors):
    async def by_name(self, session: AsyncSession, name: str) -> Author:
        return (await session.scalars(select(Author).where(Author.name == name))).one()

    async def save(self, session: AsyncSession) -> None:
        await session.commit()


class _FakeAuthors(_Authors):
    async def by_name(self, session: AsyncSession, name: str) -> Author:
        return Author(id=1, name=name)


class _Books(ABC):
    @abstractmethod
    async def first(self, session: AsyncSession) -> Book: ...

    async def save(self, session: AsyncSession) -> None:
        await session.commit()


class _BooksOfTheDatabase(_Books):
    async def first(self, session: AsyncSession) -> Book:
        return (await session.scalars(select(Book))).first()


class _Store(Protocol):
    async def first(self, session: AsyncSession) -> Author: ...

    async def save(self, session: AsyncSession) -> None: ...


class _Keeping(_Store):
    async def first(self, session: AsyncSession) -> Author:
        return (await session.scalars(select(Author))).first()

    async def save(self, session: AsyncSession) -> None:
        await session.commit()


class _Flushing(_Keeping):
    async def save(self, session: AsyncSession) -> None:
        await session.flush()


class _Renaming:
    def __init__(self, authors: _Authors, books: _Books, store: _Store) -> None:
        self._authors = authors
        self._books = books
        self._store = store

    async def author(self, session: AsyncSession, name: str) -> str:
        author = await self._authors.by_name(session, name)
        print(author.name)  # quiet: nothing has been committed
        await self._authors.save(session)
        return author.name  # finding: author.name expired at the commit

    async def book(self, session: AsyncSession) -> str:
        book = await self._books.first(session)
        await self._books.save(session)
        return book.title  # finding: book.title expired at the commit

    async def stored(self, session: AsyncSession) -> str:
        author = await self._store.first(session)
        await self._store.save(session)
        return author.name  # quiet: which of two stores it is, is not known


_FILLED = {"authors": _AuthorsOfTheDatabase(), "books": _BooksOfTheDatabase(), "store": _Flushing()}


async def author():
    async with AsyncSessionLocal() as session:
        await _Renaming(**_FILLED).author(session, "Ursula")


async def book():
    async with AsyncSessionLocal() as session:
        await _Renaming(**_FILLED).book(session)


async def stored():
    async with AsyncSessionLocal() as session:
        await _Renaming(**_FILLED).stored(session)
