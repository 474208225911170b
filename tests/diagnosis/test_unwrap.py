"""Where a lifetime error hides: each wrapper is a real one, or raises as the real one does."""

from __future__ import annotations

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, MissingGreenlet
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import DetachedInstanceError

from outlive import explain
from outlive.lifecycle.states import State
from tests.databases import VERSION, Database, sqlite
from tests.diagnosis import programs
from tests.diagnosis.failing import error_of, run
from tests.shelf import Author


@pytest.fixture
def database(tmp_path) -> Database:
    return sqlite("sqlite", str(tmp_path / "test.db"))


@pytest.fixture
def lazy_read(database) -> BaseException:
    return error_of(programs.relationship_after_close, database)


@pytest.fixture
def detached(database) -> Author:
    """An author whose books nobody loaded."""

    def load(engine):
        with Session(engine) as session:
            return session.scalars(select(Author)).one()

    return run(load, database)


def raised(*, cause=None, context=None, is_suppressed=False) -> BaseException:
    """An error of the user's, with what Python attaches to it."""
    error = RuntimeError("request failed")
    error.__context__ = context
    error.__cause__ = cause
    error.__suppress_context__ = is_suppressed or cause is not None
    return error


def test_a_cause(lazy_read):
    # As TaskIQ does: SendTaskError from the error of the serializer.
    assert "lazy-read-after-close" == explain(raised(cause=lazy_read)).hazard


def test_a_context(lazy_read):
    assert "lazy-read-after-close" == explain(raised(context=lazy_read)).hazard


def test_a_context_that_its_author_suppressed(lazy_read):
    assert explain(raised(context=lazy_read, is_suppressed=True)) is None


def test_a_cause_deep_down(lazy_read):
    assert "lazy-read-after-close" == explain(raised(cause=raised(context=raised(cause=lazy_read)))).hazard


def test_errors_that_are_each_others_cause():
    error = raised()
    error.__cause__ = raised(cause=error)

    assert explain(error) is None


def test_nested_groups(lazy_read):
    group = ExceptionGroup("outer", [ValueError(), ExceptionGroup("inner", [KeyError(), lazy_read])])

    assert "lazy-read-after-close" == explain(group).hazard


def test_the_first_of_several_errors_in_a_group(lazy_read, database):
    other = error_of(programs.clear, database)

    assert "no-such-session-method" == explain(ExceptionGroup("two", [other, lazy_read])).hazard


def test_the_outer_of_two_different_errors(lazy_read, database):
    handler = error_of(programs.clear, database)
    handler.__context__ = lazy_read

    assert "no-such-session-method" == explain(handler).hazard


def test_the_earlier_of_two_errors_of_one_kind(database):
    def fails_in_its_handler(engine):
        with Session(engine) as session:
            author = session.scalars(select(Author)).one()
        try:
            author.books  # noqa: B018
        finally:
            print(author.biography)

    assert "books" == explain(error_of(fails_in_its_handler, database)).attribute


def test_an_error_that_is_no_lifetime_error(database):
    def add_again(engine):
        with Session(engine) as session:
            session.add(Author(id=1, name="again"))
            session.flush()

    error = error_of(add_again, database)

    assert isinstance(error, IntegrityError)
    assert explain(error) is None


def test_an_error_from_a_thread(detached):
    with ThreadPoolExecutor(1) as pool:
        error = pool.submit(lambda: detached.books).exception()

    assert ("lazy-read-after-close", (1,)) == (explain(error).hazard, explain(error).identity_key)


def test_an_error_inside_a_method_of_the_object_names_the_line_that_called_it(detached):
    with pytest.raises(DetachedInstanceError) as caught:
        print(detached.titles)
    line = caught.traceback[0].lineno + 1

    used, read = explain(caught.value).where
    # A refresh loads a lazy relationship since 2.0.4, and is not advised before.
    assert VERSION < (2, 0, 4) or "refresh(detached, " in explain(caught.value).remedies[1]
    assert f"tests/diagnosis/test_unwrap.py:{line}: `Author.titles` was used here" == str(used)
    assert "tests/shelf.py" == read.place.filename


def test_an_error_that_the_user_has_no_line_in(detached):
    with pytest.raises(DetachedInstanceError) as caught:
        inspect.getattr_static(Author, "books").__get__(detached, Author)
    inner = caught.value.__traceback__.tb_next

    explanation = explain(caught.value.with_traceback(inner))

    assert ("books", ()) == (explanation.attribute, explanation.where)


def test_an_error_that_was_raised_again_without_its_traceback(lazy_read):
    with pytest.raises(DetachedInstanceError) as caught:
        raise lazy_read.with_traceback(None)
    line = caught.traceback[0].lineno + 1

    [step] = explain(caught.value).where
    assert f"tests/diagnosis/test_unwrap.py:{line}: raised here; the traceback of its origin is gone" == str(step)


def test_a_greenlet_error_without_its_traceback_is_most_likely_a_read():
    assert "Load what is read" in explain(MissingGreenlet("greenlet_spawn has not been called")).remedies[0]


class TestPydantic:
    @pytest.fixture
    def schemas(self):
        pydantic = pytest.importorskip("pydantic")

        class BookOut(pydantic.BaseModel, from_attributes=True):
            title: str

        class AuthorOut(pydantic.BaseModel, from_attributes=True):
            id: int
            books: list[BookOut] = ()

        class TitlesOut(pydantic.BaseModel, from_attributes=True):
            titles: list[str]

        class NamesOut(pydantic.BaseModel, from_attributes=True):
            label: str

        class PenNameOut(pydantic.BaseModel, from_attributes=True):
            pen_name: str

        class WritingsOut(pydantic.BaseModel, from_attributes=True):
            writings: list[BookOut]

        class Shelf(pydantic.BaseModel):
            author: AuthorOut

        schemas = (AuthorOut, TitlesOut, Shelf, NamesOut, PenNameOut, WritingsOut)
        return {schema.__name__: schema for schema in schemas}

    def test_a_field(self, schemas, detached):
        with pytest.raises(ValueError, match="validation error") as caught:
            schemas["AuthorOut"].model_validate(detached)

        explanation = explain(caught.value)
        assert ("lazy-read-after-close", "Author", (1,), "books", State.DETACHED) == (
            explanation.hazard,
            explanation.entity,
            explanation.identity_key,
            explanation.attribute,
            explanation.state,
        )

    def test_points_at_the_validation(self, schemas, detached):
        with pytest.raises(ValueError, match="validation error") as caught:
            schemas["AuthorOut"].model_validate(detached)

        [step] = explain(caught.value).where
        assert "tests/diagnosis/test_unwrap.py" == step.place.filename

    def test_a_nested_model(self, schemas, detached):
        with pytest.raises(ValueError, match="validation error") as caught:
            schemas["Shelf"].model_validate({"author": detached})

        assert "books" == explain(caught.value).attribute

    def test_a_property_names_the_attribute_that_it_read(self, schemas, detached):
        with pytest.raises(ValueError, match="validation error") as caught:
            schemas["TitlesOut"].model_validate(detached)

        assert ("Author", "books") == (explain(caught.value).entity, explain(caught.value).attribute)

    def test_an_expired_column(self, schemas, database):
        def validate(engine):
            with Session(engine) as session:
                author = session.scalars(select(Author)).one()
                session.commit()
            schemas["AuthorOut"].model_validate(author)

        explanation = explain(error_of(validate, database))
        assert ("read-after-commit-and-close", "id") == (explanation.hazard, explanation.attribute)

    @pytest.mark.parametrize(("schema", "attribute"), [("NamesOut", "label"), ("PenNameOut", "name")])
    def test_a_property_or_synonym_of_an_expired_object(self, schemas, schema, attribute, database):
        def validate(engine):
            with Session(engine) as session:
                author = session.scalars(select(Author)).one()
                session.commit()
            schemas[schema].model_validate(author)

        explanation = explain(error_of(validate, database))
        assert ("read-after-commit-and-close", "Author", (1,), attribute) == (
            explanation.hazard,
            explanation.entity,
            explanation.identity_key,
            explanation.attribute,
        )

    def test_a_property_of_an_object_that_lost_one_column(self, schemas, database):
        def validate(engine):
            with Session(engine) as session:
                author = session.scalars(select(Author)).one()
                session.expire(author, ["name"])
            schemas["NamesOut"].model_validate(author)

        explanation = explain(error_of(validate, database))
        assert "A column was read on a detached `Author (1,)`." == explanation.what

    def test_a_synonym_of_a_relationship(self, schemas, detached):
        with pytest.raises(ValueError, match="validation error") as caught:
            schemas["WritingsOut"].model_validate(detached)

        assert ("lazy-read-after-close", "books") == (explain(caught.value).hazard, explain(caught.value).attribute)

    def test_a_wrong_value_is_no_lifetime_error(self, schemas):
        with pytest.raises(ValueError, match="validation error") as caught:
            schemas["AuthorOut"].model_validate({"id": "one"})

        assert explain(caught.value) is None


class TestFastAPI:
    @pytest.fixture
    def error(self, detached):
        fastapi = pytest.importorskip("fastapi")
        httpx = pytest.importorskip("httpx")
        pydantic = pytest.importorskip("pydantic")

        class AuthorOut(pydantic.BaseModel, from_attributes=True):
            id: int
            biography: str | None = None

        app = fastapi.FastAPI()

        @app.get("/author", response_model=AuthorOut)
        def read_author():
            return detached

        async def request():
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
                await client.get("/author")

        with pytest.raises(fastapi.exceptions.ResponseValidationError) as caught:
            asyncio.run(request())
        return caught.value

    def test_a_response(self, error):
        explanation = explain(error)

        assert ("lazy-read-after-close", "Author", (1,), "biography") == (
            explanation.hazard,
            explanation.entity,
            explanation.identity_key,
            explanation.attribute,
        )

    def test_names_the_path_operation_where_fastapi_tells_it(self, error):
        if not hasattr(error, "endpoint_ctx"):
            pytest.skip("this FastAPI does not tell")

        [returned] = explain(error).where
        assert "returned by `read_author` (GET /author)" == returned.message
        assert "tests/diagnosis/test_unwrap.py" == returned.place.filename
