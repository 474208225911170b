"""What watching does to a program: a note on its errors, and nothing else."""

from __future__ import annotations

import gc
import pickle
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, exc, orm, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session, sessionmaker
from sqlalchemy.orm.exc import DetachedInstanceError

import outlive
from outlive import Cause, explain
from outlive.recorder.patches import Patches
from tests.databases import MEMORY
from tests.shelf import Author, fill


@pytest.fixture
def engine() -> Iterator[Engine]:
    with MEMORY.engine() as engine:
        with engine.begin() as connection:
            fill(connection)
        yield engine


def author_of(factory: Any) -> Author:
    """Committed, and its session closed."""
    with factory() as session:
        author = session.scalars(select(Author)).one()
        session.commit()
    return author


def error_of_reading(author: Author) -> BaseException:
    with pytest.raises(DetachedInstanceError) as caught:
        author.name  # noqa: B018
    return caught.value


def notes_on(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


def what_is_there() -> dict[str, Any]:
    """Everything that a watch may touch."""
    found: dict[str, Any] = {f"Session.{name}": value for name, value in vars(Session).items() if callable(value)}
    found |= {f"SQLAlchemyError.{name}": value for name, value in vars(exc.SQLAlchemyError).items() if callable(value)}
    with suppress(ImportError):
        from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker  # noqa: PLC0415  fails without greenlet

        found["AsyncSession.__aexit__"] = vars(AsyncSession)["__aexit__"]
        found["async_sessionmaker.begin"] = vars(async_sessionmaker)["begin"]
    return found


EVENTS = (
    "after_commit",
    "after_rollback",
    "deleted_to_detached",
    "deleted_to_persistent",
    "persistent_to_transient",
    "do_orm_execute",
)


def listeners(engine: Engine) -> dict[str, int]:
    with Session(engine) as session:
        return {name: len(list(getattr(session.dispatch, name))) for name in EVENTS}


def test_the_error_carries_a_note_when_it_is_raised(engine: Engine) -> None:
    with outlive.watch():
        author = author_of(lambda: Session(engine))
        error = error_of_reading(author)

    [note] = notes_on(error)
    assert "expired here by the commit" in note
    assert "detached here: its session was closed" in note
    assert note == str(explain(error))


def test_the_error_stays_what_it_was(engine: Engine) -> None:
    plain = error_of_reading(author_of(lambda: Session(engine)))
    with outlive.watch():
        noted = error_of_reading(author_of(lambda: Session(engine)))

    def without_address(error: BaseException) -> str:
        return str(error).partition(" at 0x")[0]

    assert type(plain) is type(noted)
    assert (plain.code, without_address(plain)) == (noted.code, without_address(noted))  # type: ignore[attr-defined]
    assert str(pickle.loads(pickle.dumps(noted))) == str(noted)


def test_without_notes_the_explanation_knows_all_the_same(engine: Engine) -> None:
    with outlive.watch(notes=False):
        error = error_of_reading(author_of(lambda: Session(engine)))

    assert [] == notes_on(error)
    assert "expired here by the commit" in str(explain(error))


def test_an_explanation_can_be_asked_for_after_the_end(engine: Engine) -> None:
    with outlive.watch():
        author = author_of(lambda: Session(engine))
    error = error_of_reading(author)

    assert [] == notes_on(error)
    assert "expired here by the commit" in str(explain(error))


def test_what_happens_after_the_end_is_not_told_as_if_it_had_been_seen(engine: Engine) -> None:
    session = Session(engine)
    with outlive.watch():
        author = session.scalars(select(Author)).one()
        session.commit()
        author.name  # noqa: B018  reloads
    session.rollback()
    session.close()

    explanation = explain(error_of_reading(author))
    assert "here by" not in str(explanation)
    assert "the rollback" not in explanation.why.partition(".")[0]


def test_stopping_leaves_nothing_behind(engine: Engine) -> None:
    before, heard = what_is_there(), listeners(engine)
    watch = outlive.watch(queries=True)
    assert before != what_is_there()
    assert all(heard[name] < count for name, count in listeners(engine).items())
    watch.stop()
    watch.stop()

    assert before == what_is_there()
    assert heard == listeners(engine)


def test_two_watches_end_in_any_order(engine: Engine) -> None:
    before = what_is_there()
    first, second = outlive.watch(), outlive.watch()
    first.stop()
    error = error_of_reading(author_of(lambda: Session(engine)))
    second.stop()

    assert 1 == len(notes_on(error))
    assert (0, 1) == (len(first.recording.explanations), len(second.recording.explanations))
    assert before == what_is_there()


def test_what_others_wrap_meanwhile_is_theirs() -> None:
    class Victim:
        def method(self) -> str:
            return "original"

    patches = Patches()
    patches.wrap(Victim, "method", lambda original: lambda self: f"ours({original(self)})")
    ours = Victim.method
    Victim.method = theirs = lambda self: f"theirs({ours(self)})"  # type: ignore[method-assign]
    patches.restore()

    assert theirs is Victim.method
    assert "theirs(ours(original))" == Victim().method()


def test_no_object_is_held(engine: Engine) -> None:
    with outlive.watch() as watch:
        author = author_of(lambda: Session(engine))
        error_of_reading(author)
        is_alive = weakref.ref(author)
        del author
        gc.collect()

        assert is_alive() is None
        assert 1 == len(watch.recording.explanations)


def test_no_session_is_held(engine: Engine) -> None:
    with outlive.watch():
        session = Session(engine)
        session.scalars(select(Author)).one()
        is_alive = weakref.ref(session)
        del session
        gc.collect()

        assert is_alive() is None


def test_no_sql_is_emitted(engine: Engine) -> None:
    def statements() -> list[str]:
        emitted: list[str] = []

        def listen(*args: Any) -> None:
            emitted.append(args[2])

        event.listen(engine, "before_cursor_execute", listen)
        with Session(engine) as session:
            author = session.scalars(select(Author)).one()
            author.name = "Octavia"
            session.flush()
            session.expire(author)
            session.refresh(author)
            session.rollback()
            session.expunge(author)
        error_of_reading(author)
        event.remove(engine, "before_cursor_execute", listen)
        return emitted

    plain = statements()
    with outlive.watch():
        assert plain == statements()


def test_nothing_of_the_object_is_run() -> None:
    class Base(DeclarativeBase):
        pass

    class Silent(Base):
        __tablename__ = "silent"
        id: Mapped[int] = mapped_column(primary_key=True)
        is_silent = False

        def __getattribute__(self, name: str) -> Any:
            if not name.startswith("_") and Silent.is_silent:
                raise AssertionError(f"{name} was read")
            return super().__getattribute__(name)

        def __repr__(self) -> str:
            raise AssertionError("it was printed")

        def __eq__(self, other: object) -> bool:
            raise AssertionError("it was compared")

        __hash__ = object.__hash__

    with MEMORY.engine() as engine, outlive.watch():
        Base.metadata.create_all(engine)
        session = Session(engine)
        silent = Silent()
        session.add(silent)
        session.flush()
        Silent.is_silent = True
        session.expire(silent)
        session.rollback()
        session.close()
        session.add(silent)
        session.expunge(silent)
        with pytest.raises(exc.InvalidRequestError) as caught:
            session.refresh(silent)

    assert "not persistent within this Session" in str(caught.value)
    assert 1 == len(notes_on(caught.value))


def test_a_plain_session_names_the_cause_while_it_is_watched(engine: Engine) -> None:
    with outlive.watch(), Session(engine) as session:
        author = session.scalars(select(Author)).one()
        session.commit()

        assert Cause.COMMIT is outlive.expired(author)["name"]


def test_only_the_sessions_of_a_factory(engine: Engine) -> None:
    factory, other = sessionmaker(engine), sessionmaker(engine)
    with outlive.watch(factory):
        mine, theirs = error_of_reading(author_of(factory)), error_of_reading(author_of(other))

    assert "expired here" in str(explain(mine))
    assert "expired here" not in str(explain(theirs))


@pytest.mark.parametrize("wrap", [scoped_session, lambda factory: factory], ids=["scoped", "factory"])
def test_a_scoped_session_stands_for_its_factory(engine: Engine, wrap: Any) -> None:
    factory = sessionmaker(engine)
    with outlive.watch(wrap(factory)) as watch:
        author_of(factory)

    assert ["commit", "close"] == [entry.what for entry in watch.recording]


def test_only_the_sessions_of_an_engine(engine: Engine) -> None:
    with MEMORY.engine() as other, outlive.watch(other):
        error = error_of_reading(author_of(lambda: Session(engine)))

    assert "expired here" not in str(explain(error))


@pytest.mark.parametrize(("sample", "seen"), [(0, 0), (1, 20)])
def test_a_sample_is_a_share_of_the_sessions(engine: Engine, sample: float, seen: int) -> None:
    with outlive.watch(sample=sample) as watch:
        for _ in range(20):
            author_of(lambda: Session(engine))

    assert seen == sum(entry.what == "commit" for entry in watch.recording)


@pytest.mark.parametrize("given", [{"sample": 2}, {"size": 0}])
def test_what_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    before = what_is_there()
    with pytest.raises(ValueError, match=next(iter(given))):
        outlive.watch(**given)

    assert before == what_is_there()


def test_what_is_no_factory_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a sessionmaker"):
        outlive.watch("engine")


def test_a_session_of_before_is_watched_from_now_on(engine: Engine) -> None:
    with Session(engine) as session:
        author = session.scalars(select(Author)).one()
        with outlive.watch():
            session.commit()
        assert Cause.COMMIT is outlive.expired(author)["name"]


def test_a_subclass_with_methods_of_its_own(engine: Engine) -> None:
    class Audited(orm.Session):
        def close(self) -> None:
            self.expunge_all()
            super().close()

    with outlive.watch():
        error = error_of_reading(author_of(lambda: Audited(engine)))

    assert "detached here" in str(explain(error))


def test_errors_of_others_carry_no_note(engine: Engine) -> None:
    with outlive.watch(), pytest.raises(exc.NoResultFound) as caught, Session(engine) as session:
        session.scalars(select(Author).where(Author.id == 4711)).one()

    assert [] == notes_on(caught.value)


def test_primary_keys_can_be_left_out(engine: Engine, tmp_path: Path) -> None:
    with outlive.watch(redact=True) as watch:
        author = author_of(lambda: Session(engine))
        error = error_of_reading(author)
        with Session(engine) as session, pytest.raises(exc.InvalidRequestError) as refused:
            session.refresh(author)
    watch.recording.save(tmp_path / "recording.json")

    texts = [*notes_on(error), *notes_on(refused.value), str(explain(error)), (tmp_path / "recording.json").read_text()]
    assert all("Author" in text for text in texts)
    assert not [text for text in texts if "(1,)" in text or "Author, 1" in text or '"identity_key":[1]' in text]


def test_what_was_said_with_keys_can_be_said_without(engine: Engine) -> None:
    with outlive.watch():
        error = error_of_reading(author_of(lambda: Session(engine)))

    assert "`Author (1,)`" in str(explain(error))
    assert "`Author (...)`" in str(explain(error, redact=True))
