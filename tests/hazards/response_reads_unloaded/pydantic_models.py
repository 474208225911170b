from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator


class _BookOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    title: str


class _AuthorOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    books: list[_BookOut] = []


class _NameOut(BaseModel, from_attributes=True):
    name: str


class _Careful(_AuthorOut):
    @model_validator(mode="before")
    @classmethod
    def only_what_is_loaded(cls, given: Any) -> Any:
        return {"id": given.id}


class _DatedOut(BaseModel, from_attributes=True):
    changed: datetime = Field(validation_alias="changed_at")


def validated():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _AuthorOut.model_validate(author)  # finding: Author.books is not loaded and its session is closed; the schema reads


def in_a_callee():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _answer(author)  # finding: Author.books is not loaded and its session is closed


def _answer(author):
    return _AuthorOut.model_validate(author).model_dump()


def each_of_many():
    with Session(engine) as session:
        authors = session.scalars(select(Author)).all()
    [_AuthorOut.model_validate(author) for author in authors]  # finding: Author.books is not loaded and its session


async def expired():
    async with AsyncSessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        await session.commit()
        _NameOut.model_validate(author)  # finding: Author.name expired at the commit: reading it needs `await`


async def computed_by_the_database():
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        book = await session.get(Book, 1)
        book.price = 11
        await session.commit()
        _DatedOut.model_validate(book)  # finding: Book.changed_at expired at the flush of an UPDATE


def adapter():
    with Session(engine) as session:
        author = session.get(Author, 1)
    TypeAdapter(_AuthorOut).validate_python(author)  # finding: Author.books is not loaded and its session is closed


_authors = TypeAdapter(list[_AuthorOut])


def adapter_of_a_list():
    with Session(engine) as session:
        authors = session.scalars(select(Author)).all()
    _authors.validate_python(authors, from_attributes=True)  # finding: Author.books is not loaded and its session


def read_before():
    with Session(engine) as session:
        author = session.get(Author, 1)
        assert author.books
    _AuthorOut.model_validate(author)  # quiet: the read has loaded it


def loaded():
    with Session(engine) as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
    _AuthorOut.model_validate(author)  # quiet: loaded with the query


def columns_only():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _NameOut.model_validate(author)  # quiet: columns are loaded


def open_session():
    with Session(engine) as session:
        author = session.get(Author, 1)
        _AuthorOut.model_validate(author)  # quiet: the session loads them


def looks_first():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _Careful.model_validate(author)  # quiet: its validator does not read them


def given_as_a_dictionary():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _NameOut.model_validate({"name": author.name})  # quiet: the program reads a column


class _Flat(BaseModel, from_attributes=True):
    @model_validator(mode="before")
    @classmethod
    def flat(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return given
        return {"id": given.id, "titles": [book.title for book in given.books]}


class _WhatThereIs(_AuthorOut):
    @model_validator(mode="before")
    @classmethod
    def what_there_is(cls, given: Any) -> Any:
        if isinstance(given, dict):
            return given
        there = dict(vars(given))
        there.setdefault("books", [])
        return there


class _FlatOut(_Flat):
    id: int
    titles: list[str]


class _Checked(_AuthorOut):
    @model_validator(mode="before")
    @classmethod
    def is_someone(cls, given: Any) -> Any:
        if not given.name:
            raise ValueError("nobody")
        return given

    @model_validator(mode="after")
    def is_known(self) -> "_Checked":
        return self


class _Wrapped(_AuthorOut):
    @model_validator(mode="wrap")
    @classmethod
    def chosen(cls, given: Any, handler: Any) -> Any:
        return handler({"id": given.id})


class _Card(BaseModel, from_attributes=True):
    author: _AuthorOut

    @model_validator(mode="before")
    @classmethod
    def card(cls, given: Any) -> Any:
        return {"author": given}


def validator_takes_what_there_is():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _WhatThereIs.model_validate(author)  # quiet: no attribute is read


def validator_reads():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _FlatOut.model_validate(author)  # finding: Author.books is not loaded and its session is closed; the schema reads


def validator_reads_what_is_loaded():
    with Session(engine) as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
    _FlatOut.model_validate(author)  # quiet: loaded with the query


def validator_gives_the_object_back():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _Checked.model_validate(author)  # finding: Author.books is not loaded and its session is closed; the schema reads


def validator_around():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _Wrapped.model_validate(author)  # quiet: what it hands on is not followed


def validator_gives_a_dictionary_of_objects():
    with Session(engine) as session:
        author = session.get(Author, 1)
    _Card.model_validate(author)  # finding: Author.books is not loaded and its session is closed; the schema reads
