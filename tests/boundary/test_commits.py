"""``on_commit``: once, after the outermost commit, and never after a rollback."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import outlive
from outlive import NotSentError
from outlive.boundary.commits import on_commit
from tests.databases import Database
from tests.shelf import Author, Base


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = create_engine(f"sqlite:///{tmp_path / 'shelf.db'}")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as session:
        yield session


@pytest.fixture
def sent() -> list[str]:
    return []


@pytest.fixture
def later(session: Session, sent: list[str]) -> Callable[[str], None]:
    """Send a name after the commit."""
    return lambda name: on_commit(session, lambda: lambda: sent.append(name))


Later = Callable[[str], None]


def test_it_waits_for_the_commit_and_comes_once(session: Session, sent: list[str], later: Later) -> None:
    later("a")
    session.add(Author(name="Ursula"))
    session.flush()
    assert [] == sent

    session.commit()
    session.commit()
    session.add(Author(name="Octavia"))
    session.commit()

    assert ["a"] == sent


def test_the_order_is_kept(session: Session, sent: list[str], later: Later) -> None:
    for name in "abc":
        later(name)
    session.commit()

    assert ["a", "b", "c"] == sent


def test_a_begin_block_commits_too(engine: Engine, sent: list[str]) -> None:
    with Session(engine) as session, session.begin():
        on_commit(session, lambda: lambda: sent.append("a"))
    with sessionmaker(engine).begin() as session:
        on_commit(session, lambda: lambda: sent.append("b"))

    assert ["a", "b"] == sent


ENDS: dict[str, Callable[[Session], object]] = {
    "rollback": Session.rollback,
    "close": Session.close,
    "reset": Session.reset if hasattr(Session, "reset") else Session.close,
    "invalidate": Session.invalidate,
    "transaction": lambda session: session.get_transaction().rollback(),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("has_work", [True, False])
def test_what_ends_without_a_commit_discards(session: Session, sent: list[str], later: Later, end: str, has_work: bool):
    if has_work:
        session.execute(text("select 1"))
    later("a")

    ENDS[end](session)
    session.add(Author(name="Ursula"))
    session.commit()

    assert [] == sent


def test_a_commit_that_fails_discards(session: Session, sent: list[str], later: Later) -> None:
    later("a")
    session.add(Author(name=None))
    with pytest.raises(Exception, match="NOT NULL"):
        session.commit()
    session.rollback()
    session.commit()

    assert [] == sent


def test_a_savepoint_waits_for_the_outer_commit(session: Session, sent: list[str], later: Later) -> None:
    with session.begin_nested():
        with session.begin_nested():
            later("a")
        later("b")
    assert [] == sent
    session.commit()

    assert ["a", "b"] == sent


def test_the_rollback_of_a_savepoint_discards_what_was_asked_for_in_it(
    session: Session, sent: list[str], later: Later
) -> None:
    later("before")
    savepoint = session.begin_nested()
    later("lost")
    with session.begin_nested():
        later("lost with the outer one")
    savepoint.rollback()
    with suppress(ZeroDivisionError), session.begin_nested():
        later("lost by an exception")
        raise ZeroDivisionError
    closed = session.begin_nested()
    later("closed without a commit")
    closed.close()
    later("after")
    session.commit()

    assert ["before", "after"] == sent


def test_the_outer_rollback_discards_what_a_released_savepoint_has(
    session: Session, sent: list[str], later: Later
) -> None:
    with session.begin_nested():
        later("a")
    session.rollback()
    session.commit()

    assert [] == sent


def test_a_session_within_a_transaction_of_a_test_counts_its_own_commit(engine: Engine, sent: list[str]) -> None:
    with engine.connect() as connection, connection.begin() as outer:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            on_commit(session, lambda: lambda: sent.append("a"))
            session.commit()
        outer.rollback()

    assert ["a"] == sent


def test_values_can_be_read_when_it_is_prepared_and_the_connection_is_back_when_it_is_sent(engine: Engine) -> None:
    seen: list[object] = []
    with Session(engine) as session:
        author = Author(name="Ursula")
        session.add(author)

        def prepare() -> Callable[[], None]:
            seen.append(author.__dict__["name"])
            return lambda: seen.append(session.in_transaction())

        on_commit(session, prepare)
        session.commit()

    assert ["Ursula", False] == seen


def test_no_listener_is_left_on_a_session_and_nothing_holds_it(engine: Engine) -> None:
    session = Session(engine)
    for _ in range(3):
        on_commit(session, lambda: lambda: None)
        session.commit()

    assert {} == session.info
    assert [] == list(session.dispatch.after_commit.listeners)
    gone = weakref.ref(session)
    session.close()
    del session
    gc.collect()
    assert gone() is None


def test_all_are_sent_and_the_first_error_says_that_the_work_is_committed(
    session: Session, sent: list[str], later: Later
) -> None:
    def fail() -> None:
        raise OSError("no broker")

    session.add(Author(name="Ursula"))
    later("a")
    on_commit(session, lambda: fail)
    on_commit(session, fail)
    later("b")
    with pytest.raises(NotSentError, match="is committed, but 2 of 4 could not be sent after it: no broker") as caught:
        session.commit()

    assert (["a", "b"], 2) == (sent, len(caught.value.errors))
    assert 1 == session.query(Author).count()


def test_what_is_sent_may_ask_again(session: Session, sent: list[str]) -> None:
    def again() -> None:
        sent.append("a")
        on_commit(session, lambda: lambda: sent.append("b"))
        session.commit()

    on_commit(session, lambda: again)
    session.commit()

    assert ["a", "b"] == sent


def test_a_scoped_session(engine: Engine, sent: list[str]) -> None:
    scoped = scoped_session(sessionmaker(engine))
    on_commit(scoped, lambda: lambda: sent.append("a"))
    scoped.commit()
    scoped.remove()

    assert ["a"] == sent


def test_something_else(engine: Engine) -> None:
    with pytest.raises(TypeError, match="expected a Session"):
        on_commit(sessionmaker(engine), lambda: lambda: None)


def test_sessions_of_this_package(engine: Engine, sent: list[str]) -> None:
    with outlive.sessionmaker(engine)() as session:
        on_commit(session, lambda: lambda: sent.append("a"))
        session.add(Author(name="Ursula"))
        session.commit()

    assert ["a"] == sent


def test_async_sessions(async_database: Database, sent: list[str]) -> None:
    from sqlalchemy.ext.asyncio import (  # noqa: PLC0415  fails without greenlet
        AsyncSession,
        async_scoped_session,
        async_sessionmaker,
    )

    async def story(engine: object) -> None:
        async with AsyncSession(engine) as session:
            on_commit(session, lambda: lambda: sent.append("a"))
            async with session.begin_nested():
                on_commit(session, lambda: lambda: sent.append("b"))
            savepoint = await session.begin_nested()
            on_commit(session, lambda: lambda: sent.append("lost"))
            await savepoint.rollback()
            assert [] == sent
            await session.commit()
            on_commit(session, lambda: lambda: sent.append("rolled back"))
            await session.rollback()
        scoped = async_scoped_session(async_sessionmaker(engine), lambda: 1)
        on_commit(scoped, lambda: lambda: sent.append("c"))
        await scoped.commit()
        await scoped.remove()

    async_database.tell(story)

    assert ["a", "b", "c"] == sent
