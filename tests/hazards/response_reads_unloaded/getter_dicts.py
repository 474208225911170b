"""pydantic 1: a ``getter_dict`` decides what is read of an object."""

from typing import Any

from pydantic.v1 import BaseModel
from pydantic.v1.utils import GetterDict
from sqlalchemy import inspect


class _OfLoaded(GetterDict):
    def get(self, key: Any, default: Any = None) -> Any:
        return default if key in inspect(self._obj).unloaded else super().get(key, default)


class _Orm(BaseModel):
    class Config:
        orm_mode = True


class _AuthorOut(_Orm):
    id: int
    books: list[Any] = []


class _PlainAuthorOut(_AuthorOut):
    class Config:
        getter_dict = GetterDict


class _LoadedAuthorOut(_AuthorOut):
    class Config:
        getter_dict = _OfLoaded


class _Careful:
    orm_mode = True
    getter_dict = _OfLoaded


class _InheritedOut(_AuthorOut):
    class Config(_Careful):
        pass


class _KeywordOut(_AuthorOut, getter_dict=_OfLoaded):
    pass


class _BelowOut(_LoadedAuthorOut):
    name: str


class _BookOut(_Orm):
    title: str
    author: _LoadedAuthorOut


class _PlainBookOut(_Orm):
    title: str
    author: _AuthorOut


def without():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _AuthorOut.from_orm(author)  # finding: Author.books is not loaded and its session is closed; the schema reads


def that_of_pydantic():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _PlainAuthorOut.from_orm(author)  # finding: Author.books is not loaded and its session is closed


def that_asks_first():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _LoadedAuthorOut.from_orm(author)  # quiet: its getter knows what is loaded
    _InheritedOut.from_orm(author)  # quiet: its getter knows what is loaded
    _KeywordOut.from_orm(author)  # quiet: its getter knows what is loaded
    _BelowOut.from_orm(author)  # quiet: its getter knows what is loaded


async def in_async_code():
    async with AsyncSession(async_engine) as session:
        author = await session.get(Author, 1)
        _LoadedAuthorOut.from_orm(author)  # quiet: its getter knows what is loaded
        _AuthorOut.from_orm(author)  # finding: Author.books is not loaded: reading it needs `await`


def behind_a_relationship():
    with Session(engine) as session:
        book = session.get(Book, 1, options=[joinedload(Book.author)])
    _BookOut.from_orm(book)  # quiet: the schema of the author has a getter
    _PlainBookOut.from_orm(book)  # finding: Author.books is not loaded and its session is closed


def of_a_schema_without():
    with Session(engine) as session:
        book = session.get(Book, 1)
    _BookOut.from_orm(book)  # finding: Book.author is not loaded and its session is closed
