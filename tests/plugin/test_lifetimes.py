"""What a test can assert of lifetimes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.exc import DetachedInstanceError

import outlive
from outlive.testing import Lifetimes
from tests.databases import MEMORY, UNAWAITED, VERSION, let_go
from tests.shelf import Author, Book, fill


@pytest.fixture
def engine() -> Iterator[Engine]:
    with MEMORY.engine() as engine:
        with engine.begin() as connection:
            fill(connection)
        yield engine


@pytest.fixture
def session(engine: Engine, seen: Lifetimes) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


@pytest.fixture
def seen() -> Iterator[Lifetimes]:
    with outlive.watch(notes=False, queries=True) as watch:
        yield Lifetimes(watch.recording)


def one(session: Session, *options: Any) -> Author:
    return session.scalars(select(Author).options(*options)).one()


def message(caught: pytest.ExceptionInfo[AssertionError]) -> str:
    return str(caught.value)


def told(database: Any, story: Callable[[Any], Awaitable[str]]) -> str:
    async def filled(engine: Any) -> str:
        async with engine.begin() as connection:
            await connection.run_sync(fill)
        return await story(engine)

    return database.tell(filled)


# -- errors -----------------------------------------------------------------------------------------------------------


def test_without_errors_an_assertion_of_none_can_be_followed_by_the_next(seen: Lifetimes, session: Session) -> None:
    author = one(session, selectinload(Author.books), selectinload(Author.drafts))

    assert seen is seen.assert_no_errors().assert_safe_to_detach(author, Author.books)


def test_an_error_that_was_caught_is_found(seen: Lifetimes, session: Session) -> None:
    author = one(session)
    session.commit()
    session.close()
    with suppress(SQLAlchemyError):
        author.name  # noqa: B018

    with pytest.raises(AssertionError, match="1 lifetime error was raised") as caught:
        seen.assert_no_errors()
    assert "expired here by the commit" in message(caught)
    assert ["name"] == [error.attribute for error in seen.errors]


def test_the_same_error_is_told_once(seen: Lifetimes, session: Session) -> None:
    author = one(session)
    session.expunge(author)
    for _ in range(3):
        with suppress(SQLAlchemyError):
            author.books  # noqa: B018

    with pytest.raises(AssertionError, match="1 lifetime error was raised"):
        seen.assert_no_errors()


# -- lazy loads -------------------------------------------------------------------------------------------------------


def test_a_lazy_load_is_named_with_its_place_and_remedy(seen: Lifetimes, session: Session) -> None:
    author = one(session)
    with pytest.raises(AssertionError) as caught, seen.no_lazy_loads():
        author.books  # noqa: B018

    lines = message(caught).splitlines()
    assert lines[0] == "1 lazy load in a block that allows none:"
    assert "test_lifetimes.py" in lines[1]
    assert lines[1].endswith(": `Author.books` was loaded by reading it")
    assert lines[2].endswith("loaded here")
    assert "`.options(selectinload(Author.books))`" in lines[3]
    # Before SQLAlchemy 2.0.4 `refresh` loads no relationship.
    assert (VERSION >= (2, 0, 4)) == any('session.refresh(author, ["books"])' in line for line in lines[4:])


def test_an_expired_column_is_a_lazy_load_with_what_expired_it(seen: Lifetimes, session: Session) -> None:
    author = one(session)
    session.commit()
    with pytest.raises(AssertionError) as caught, seen.no_lazy_loads():
        author.name  # noqa: B018

    assert "`Author.name` was loaded" in message(caught)
    assert "expired here by the commit" in message(caught)
    assert "expire_on_commit=False" in message(caught)


def test_a_relationship_of_an_expired_object_is_one_load(seen: Lifetimes, session: Session) -> None:
    author = one(session)
    session.commit()
    with pytest.raises(AssertionError) as caught, seen.no_lazy_loads():
        author.books  # noqa: B018

    assert message(caught).startswith("1 lazy load")
    assert "Author.books" in message(caught)


def test_a_deferred_column_is_a_lazy_load(seen: Lifetimes, session: Session) -> None:
    author = one(session)
    with pytest.raises(AssertionError, match=r"undefer\(Author.biography\)"), seen.no_lazy_loads():
        author.biography  # noqa: B018


def test_loads_in_a_loop_are_told_together(seen: Lifetimes, session: Session) -> None:
    session.add_all([Author(name=name) for name in "abc"])
    session.commit()
    authors = session.scalars(select(Author)).all()
    with pytest.raises(AssertionError) as caught, seen.no_lazy_loads():
        assert [0, 0, 0, 2] == sorted(len(author.books) for author in authors)

    assert "4 lazy loads" in message(caught)
    assert "was loaded by reading it, 4 times" in message(caught)
    assert 1 == message(caught).count("selectinload")


def test_what_is_asked_for_is_no_lazy_load(seen: Lifetimes, session: Session) -> None:
    with seen.no_lazy_loads() as loads:
        author = one(session, selectinload(Author.books), selectinload(Author.drafts))
        session.get(Book, 1)
        session.commit()
        session.refresh(author)
        session.refresh(author, ["books", "biography"])
        session.commit()
        session.get(Author, 1)
        outlive.ensure_loaded(session, author, Author.books)
        author.books  # noqa: B018

    assert [] == [*loads]


def test_only_some_attributes(seen: Lifetimes, session: Session) -> None:
    author = one(session)
    with seen.no_lazy_loads(Author.books):
        author.biography  # noqa: B018
    with seen.no_lazy_loads(ignore=[Author.books]):
        author.books  # noqa: B018
    session.expire(author)
    with pytest.raises(AssertionError), seen.no_lazy_loads(Author.books, ignore=[Author.name]):
        author.books  # noqa: B018
    with pytest.raises(ArgumentError), seen.no_lazy_loads("books"):  # type: ignore[arg-type]
        pass


def test_an_error_of_the_block_stays_what_it_is(seen: Lifetimes, session: Session) -> None:
    author = one(session)
    with pytest.raises(ZeroDivisionError), seen.no_lazy_loads():
        raise ZeroDivisionError(author.books)


def test_after_the_block_nothing_listens(seen: Lifetimes, session: Session) -> None:
    author = one(session)
    with seen.no_lazy_loads() as loads:
        pass
    author.books  # noqa: B018

    assert 0 == len(loads)


def test_keys_can_be_left_out(session: Session) -> None:
    with outlive.watch(redact=True) as watch:
        author = one(session)
        with pytest.raises(AssertionError) as caught, Lifetimes(watch.recording, redact=True).no_lazy_loads():
            author.books  # noqa: B018

    assert "(1,)" not in message(caught)


@pytest.mark.filterwarnings(UNAWAITED)
def test_a_lazy_load_in_run_sync(async_database: Any, seen: Lifetimes) -> None:
    asyncio = pytest.importorskip("sqlalchemy.ext.asyncio")

    def books(session: Session) -> int:
        return len(session.scalars(select(Author)).one().books)

    async def story(engine: Any) -> str:
        async with asyncio.AsyncSession(engine) as session:
            with pytest.raises(AssertionError) as caught, seen.no_lazy_loads():
                await session.run_sync(books)
            return message(caught)

    text = told(async_database, story)

    assert "`Author.books` was loaded by reading it" in text
    assert "test_lifetimes.py" in text.splitlines()[1]


def test_an_awaited_lazy_load(async_database: Any, seen: Lifetimes) -> None:
    asyncio = pytest.importorskip("sqlalchemy.ext.asyncio")
    if VERSION < (2, 0, 13):
        pytest.skip("SQLAlchemy has awaitable_attrs since 2.0.13")

    async def story(engine: Any) -> str:
        async with asyncio.AsyncSession(engine) as session:
            author = (await session.scalars(select(Author))).one()
            with pytest.raises(AssertionError) as caught, seen.no_lazy_loads():
                await asyncio.AsyncAttrs.awaitable_attrs.fget(author).books
            with seen.no_lazy_loads():
                await asyncio.AsyncAttrs.awaitable_attrs.fget(author).books
            return message(caught)

    text = told(async_database, story)

    assert "`Author.books` was loaded by reading it" in text
    assert "test_lifetimes.py" in text.splitlines()[1]
    assert 'await session.refresh(author, ["books"])' in text


@pytest.mark.filterwarnings(UNAWAITED)
def test_a_lazy_load_that_fails_for_want_of_a_greenlet(async_database: Any, seen: Lifetimes) -> None:
    asyncio = pytest.importorskip("sqlalchemy.ext.asyncio")

    async def story(engine: Any) -> str:
        async with asyncio.AsyncSession(engine) as session:
            author = (await session.scalars(select(Author))).one()
            with pytest.raises(SQLAlchemyError) as failed, seen.no_lazy_loads() as loads:
                author.books  # noqa: B018
            let_go(failed.value)
            return str(loads)

    assert "`Author.books` was loaded by reading it" in told(async_database, story)


def test_a_lazy_load_by_a_serializer(seen: Lifetimes, session: Session) -> None:
    pydantic = pytest.importorskip("pydantic")
    book = pydantic.create_model("BookOut", __config__=pydantic.ConfigDict(from_attributes=True), title=(str, ...))
    schema = pydantic.create_model(
        "AuthorOut", __config__=pydantic.ConfigDict(from_attributes=True), books=(list[book], ...)
    )
    author = one(session)
    with pytest.raises(AssertionError) as caught, seen.no_lazy_loads():
        schema.model_validate(author)

    assert "test_lifetimes.py" in message(caught)
    assert "`Author.books` was loaded by reading it" in message(caught)


# -- safe to detach ---------------------------------------------------------------------------------------------------


def test_what_is_not_safe_to_detach_is_named(seen: Lifetimes, session: Session) -> None:
    author = one(session)

    with pytest.raises(AssertionError, match="would fail once the session is closed") as caught:
        seen.assert_safe_to_detach(session)
    assert "ensure_loaded(session, authors, " in message(caught)
    with pytest.raises(AssertionError, match="books"):
        seen.assert_safe_to_detach([author], Author.books)
    seen.assert_safe_to_detach(author, Author.name).assert_safe_to_detach(
        author, ignore=[Author.books, Author.biography, Author.works]
    )


def test_a_session_without_objects_proves_nothing(seen: Lifetimes, session: Session) -> None:
    with pytest.raises(AssertionError, match="There was no object to look at"):
        seen.assert_safe_to_detach(session)
    seen.assert_safe_to_detach([])


def test_what_fails_is_the_line_of_the_test(seen: Lifetimes, session: Session) -> None:
    author = one(session)
    session.expunge(author)
    with pytest.raises(DetachedInstanceError):
        author.books  # noqa: B018

    for assertion in (seen.assert_no_errors, lambda: seen.assert_safe_to_detach(author)):
        with pytest.raises(AssertionError) as caught:
            assertion()
        shown = [entry for entry in caught.traceback if not entry.ishidden(caught)]
        assert {__file__} == {str(entry.path) for entry in shown}
