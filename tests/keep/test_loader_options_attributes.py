"""``loader_options``: attributes that are no plain columns and relationships, and ``reads``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Annotated, Any, TypedDict

import msgspec
import pytest
from pydantic import AliasChoices, AliasPath, BeforeValidator, ConfigDict, Field, computed_field, model_validator
from sqlalchemy import Engine, literal, select
from sqlalchemy.orm import Session, with_expression

from outlive import SchemaError, loader_options, reads
from tests.databases import MEMORY
from tests.keep import library
from tests.keep.library import Author, Book, Note
from tests.keep.responses import Out, loaded, respond


class BookOut(Out):
    title: str


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with MEMORY.engine(library) as engine:
        yield engine


def test_a_synonym_reads_what_it_stands_for(engine: Engine):
    class AuthorOut(Out):
        surname: str
        volumes: list[BookOut]

    response = respond(engine, Author, AuthorOut)

    assert [{"surname": "Lovelace", "volumes": [{"title": "book 1"}, {"title": "book 2"}]}] == response.dumped()
    assert {"id", "last", "books"} == loaded(response.objects[0])


def test_an_association_proxy_reads_through_its_relationship(engine: Engine):
    class AuthorOut(Out):
        titles: Annotated[list[str], BeforeValidator(list)]

    response = respond(engine, Author, AuthorOut)

    assert [{"titles": ["book 1", "book 2"]}] == response.dumped()
    assert ({"id", "books"}, {"id", "title"}) == (loaded(response.objects[0]), loaded(response.objects[0].books[0]))


def test_an_association_proxy_to_objects_reads_them_into_a_schema(engine: Engine):
    class NoteOut(Out):
        text: str

    class AuthorOut(Out):
        notes: Annotated[list[dict[str, NoteOut]], BeforeValidator(list)]

    response = respond(engine, Author, AuthorOut)

    assert ["en 1", "en 2"] == [notes["en"].text for notes in response.converted[0].notes]
    assert 3 == len(response.sent)


def test_a_keyed_collection_is_read_as_a_dict(engine: Engine):
    class NoteOut(Out):
        text: str

    class BookWithNotes(Out):
        notes: dict[str, NoteOut]

    response = respond(engine, Book, BookWithNotes)

    assert {"en": {"text": "en 1"}, "fr": {"text": "fr 1"}} == response.dumped()[0]["notes"]
    # The collection reads the key from its objects.  What else it reads is not known.
    assert {"id", "text", "language", "book_id"} == loaded(response.objects[0].notes["en"])
    assert 2 == len(response.sent)


def test_a_column_property_is_read(engine: Engine):
    class AuthorOut(Out):
        number_of_books: int
        constant: str

    response = respond(engine, Author, AuthorOut)

    assert [{"number_of_books": 2, "constant": "x"}] == response.dumped()
    assert {"id", "number_of_books", "constant"} == loaded(response.objects[0])


def test_a_query_expression_is_read_if_the_query_gives_it(engine: Engine):
    class AuthorOut(Out):
        first: str
        score: int

    query = select(Author).options(with_expression(Author.score, literal(7)))

    assert [{"first": "Ada", "score": 7}] == respond(engine, Author, AuthorOut, query).dumped()


def test_a_constant_of_the_class_needs_nothing(engine: Engine):
    class AuthorOut(Out):
        kind: str
        first: str

    response = respond(engine, Author, AuthorOut)

    assert ([{"kind": "author", "first": "Ada"}], {"id", "first"}) == (response.dumped(), loaded(response.objects[0]))


@pytest.mark.parametrize(
    ("name", "served_by", "remedy"),
    [
        ("name", "property", "Author.first, Author.last"),
        ("pages", "property", "Author.books"),
        ("first_title", "cached_property", "Author.books"),
        ("initial", "hybrid_property", "Author.first"),
        ("method", "function", "Author.last"),
    ],
)
def test_what_a_property_reads_is_unknown_until_it_is_declared(name: str, served_by: str, remedy: str):
    schema = dataclasses.make_dataclass("AuthorOut", [(name, str)])

    with pytest.raises(SchemaError) as caught:
        loader_options(Author, schema)

    assert (
        f"AuthorOut.{name} is read from {name!r}, and Author.{name} is a {served_by}, which does not tell what it "
        f"reads. Declare all of it: `{name}: Annotated[str, outlive.reads({remedy})]`"
    ) == str(caught.value)


def test_a_declared_property_is_read(engine: Engine):
    class AuthorOut(Out):
        name: Annotated[str, reads(Author.first, Author.last)]
        pages: Annotated[int, reads((Author.books, Book.pages))]
        initial: Annotated[str, reads(Author.first)]

    response = respond(engine, Author, AuthorOut)

    assert [{"name": "Ada Lovelace", "pages": 300, "initial": "A"}] == response.dumped()
    assert {"id", "first", "last", "books"} == loaded(response.objects[0])
    assert {"id", "pages"} == loaded(response.objects[0].books[0])


def test_a_declared_relationship_brings_its_objects_with_all_columns(engine: Engine):
    class AuthorOut(Out):
        pages: Annotated[int, reads(Author.books)]

    response = respond(engine, Author, AuthorOut)

    assert {"id", "title", "pages", "metadata_", "author_id"} == loaded(response.objects[0].books[0])


def test_a_declaration_can_be_given_a_name_and_used_again(engine: Engine):
    name = Annotated[str, reads(Author.first, Author.last)]

    class AuthorOut(Out):
        name: name

    class AuthorOfBook(Out):
        author: AuthorOut

    response = respond(engine, Book, AuthorOfBook)

    assert {"author": {"name": "Ada Lovelace"}} == response.dumped()[0]
    assert {"id", "first", "last"} == loaded(response.objects[0].author)


def test_the_first_declared_path_leads_to_the_objects_of_the_field(engine: Engine):
    class AuthorOut(Out):
        long_books: Annotated[list[BookOut], reads(Author.books, (Author.books, Book.pages))]

    response = respond(engine, Author, AuthorOut)

    assert [{"long_books": [{"title": "book 2"}]}] == response.dumped()
    assert {"id", "title", "pages", "metadata_", "author_id"} >= loaded(response.objects[0].books[0])


def test_a_longer_declared_path_leads_to_the_objects_of_the_field(engine: Engine):
    class NoteOut(Out):
        text: str

    def in_english(books: list[Book]) -> list[Note]:
        return [book.notes["en"] for book in books]

    class AuthorOut(Out):
        english: Annotated[list[NoteOut], BeforeValidator(in_english), reads((Author.books, Book.notes))] = Field(
            validation_alias="books"
        )

    response = respond(engine, Author, AuthorOut)

    assert [{"english": [{"text": "en 1"}, {"text": "en 2"}]}] == response.dumped()


def test_a_validator_that_computes_from_a_relationship_declares_what_it_reads(engine: Engine):
    class AuthorOut(Out):
        books: Annotated[int, BeforeValidator(len), reads(Author.books)]

    assert [{"books": 2}] == respond(engine, Author, AuthorOut).dumped()


def test_a_validator_of_the_whole_object_declares_what_it_reads_beside_its_field(engine: Engine):
    class AuthorOut(Out):
        first: str
        last_title: Annotated[str, reads((Author.books, Book.title))]

        @model_validator(mode="before")
        @classmethod
        def read(cls, author: Author) -> dict[str, Any]:
            return {"first": author.first, "last_title": author.books[-1].title}

    assert [{"first": "Ada", "last_title": "book 2"}] == respond(engine, Author, AuthorOut).dumped()


def test_a_field_that_is_not_read_says_so(engine: Engine):
    class AuthorOut(Out):
        first: str
        links: Annotated[str, reads()] = "none"

    assert [{"first": "Ada", "links": "none"}] == respond(engine, Author, AuthorOut).dumped()


def test_a_relationship_that_is_read_as_its_mapped_class_brings_whole_objects(engine: Engine):
    class AuthorOut(Out):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        books: list[Book]

    response = respond(engine, Author, AuthorOut)

    assert {"id", "title", "pages", "metadata_", "author_id"} == loaded(response.converted[0].books[0])


def test_a_computed_field_reads_from_the_schema_and_needs_nothing(engine: Engine):
    class AuthorOut(Out):
        books: list[BookOut]

        @computed_field  # type: ignore[prop-decorator]
        @property
        def number(self) -> int:
            return len(self.books)

    assert [2] == [one["number"] for one in respond(engine, Author, AuthorOut).dumped()]


def test_a_computed_field_may_declare_what_it_reads(engine: Engine):
    class AuthorOut(Out):
        first: str

        @computed_field  # type: ignore[prop-decorator]
        @property
        def number(self) -> Annotated[int, reads(Author.books)]:
            return 0

    assert {"id", "first", "books"} == loaded(respond(engine, Author, AuthorOut).objects[0])


def test_the_first_of_several_names_that_the_class_has_is_read(engine: Engine):
    class AuthorOut(Out):
        name: str = Field(validation_alias=AliasChoices("nickname", "last", "first"))

    response = respond(engine, Author, AuthorOut)

    assert ({"id", "last"}, [{"name": "Lovelace"}]) == (loaded(response.objects[0]), response.dumped())


def test_behind_a_path_that_may_lead_nowhere_the_next_name_is_read_too(engine: Engine):
    class AuthorOut(Out):
        name: str = Field(validation_alias=AliasChoices(AliasPath("books", 7, "title"), "last", "first"))

    response = respond(engine, Author, AuthorOut)

    assert [{"name": "Lovelace"}] == response.dumped()
    assert {"id", "books", "last"} == loaded(response.objects[0])


@dataclasses.dataclass
class BookData:
    title: str


class BookRow(TypedDict):
    pages: int


@dataclasses.dataclass
class AuthorData:
    last: str
    books: list[BookData | BookRow]


def test_a_dataclass_and_a_typed_dict_are_schemas(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author).options(*loader_options(Author, AuthorData))).one()

    assert {"id", "last", "books"} == loaded(author)
    assert {"id", "title", "pages"} == loaded(author.books[0])


class BookStruct(msgspec.Struct):
    title: str


class AuthorStruct(msgspec.Struct):
    last: str
    books: list[BookStruct]


def test_a_struct_is_a_schema(engine: Engine):
    with Session(engine) as session:
        author = session.scalars(select(Author).options(*loader_options(Author, AuthorStruct))).one()

    converted = msgspec.convert(author, AuthorStruct, from_attributes=True)

    assert AuthorStruct("Lovelace", [BookStruct("book 1"), BookStruct("book 2")]) == converted
    assert ({"id", "last", "books"}, {"id", "title"}) == (loaded(author), loaded(author.books[0]))
