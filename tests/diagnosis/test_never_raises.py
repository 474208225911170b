"""Whatever it is given, a diagnosis answers, and touches nothing."""

from __future__ import annotations

import gc
import pickle
import sys
import traceback
import weakref

import pytest
from sqlalchemy import create_engine, event, select
from sqlalchemy.exc import InvalidRequestError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.orm.exc import DetachedInstanceError, ObjectDeletedError

from outlive import explain
from outlive.lifecycle.states import State
from tests.databases import Database, sqlite
from tests.diagnosis import programs
from tests.diagnosis.failing import error_of, run
from tests.shelf import Author, fill


@pytest.fixture
def database(tmp_path) -> Database:
    return sqlite("sqlite", str(tmp_path / "test.db"))


@pytest.mark.parametrize(
    "nothing",
    [
        ValueError("not about sessions"),
        KeyboardInterrupt(),
        AttributeError("'Session' object has no attribute 'clear'"),
        SQLAlchemyError(),
        InvalidRequestError("something else"),
        ExceptionGroup("several", [ValueError()]),
        "not even an exception",
        None,
    ],
    ids=repr,
)
def test_what_is_no_lifetime_error_has_no_explanation(nothing):
    assert explain(nothing) is None


@pytest.mark.parametrize(
    ("error", "hazard"),
    [
        (DetachedInstanceError(), "read-after-commit-and-close"),
        (DetachedInstanceError(None), "read-after-commit-and-close"),
        (ObjectDeletedError(None, "gone"), "row-deleted-meanwhile"),
        (PendingRollbackError("no code"), "session-needs-rollback"),
    ],
)
def test_an_error_that_nobody_raised_is_explained_by_its_kind(error, hazard):
    assert hazard == explain(error).hazard


def test_a_session_that_lacks_a_private_attribute():
    with pytest.raises(AttributeError) as caught:
        Session()._no_such_attribute  # noqa: B018

    assert explain(caught.value) is None


def test_an_error_whose_parts_raise():
    class StrangeError(DetachedInstanceError):
        @property
        def args(self):
            raise RuntimeError("no arguments for you")

    assert explain(StrangeError()) is None


@pytest.mark.parametrize("program", [case.program for case in programs.SYNC], ids=lambda program: program.__name__)
def test_an_error_whose_frames_were_cleared(program, database):
    error = error_of(program, database)
    traceback.clear_frames(error.__traceback__)

    explanation = explain(error)

    assert explanation.what
    assert explanation.where


def test_a_pickled_error(database):
    error = pickle.loads(pickle.dumps(error_of(programs.relationship_after_close, database)))

    explanation = explain(error)

    assert ("lazy-read-after-close", "Author", None, "books", State.DETACHED, ()) == (
        explanation.hazard,
        explanation.entity,
        explanation.identity_key,
        explanation.attribute,
        explanation.state,
        explanation.where,
    )
    assert "Load `books` with the query: `.options(selectinload(Author.books))`." == explanation.remedies[0]


def test_an_identity_key_that_cannot_be_printed():
    from outlive.diagnosis.objects import key_text  # noqa: PLC0415

    class Key:
        def __repr__(self):
            raise RuntimeError

    assert "(Key, int)" == key_text((Key(), 1))


def test_a_deep_traceback(database):
    def deeper(obj, depth):
        return deeper(obj, depth - 1) if depth else obj.books

    def program(engine):
        with Session(engine) as session:
            author = session.scalars(select(Author)).one()
        deeper(author, 800)

    assert "books" == explain(error_of(program, database)).attribute


def test_explaining_emits_no_sql_and_leaves_the_session_alone(database):
    with database.engine() as engine:
        with engine.begin() as connection:
            fill(connection)
        with Session(engine) as session:
            author = session.scalars(select(Author)).one()
            with pytest.raises(InvalidRequestError) as caught:
                author.drafts  # noqa: B018
            session.commit()
            statements = []
            event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))

            explanation = explain(caught.value)

            assert ([], False) == (statements, session.in_transaction())
            assert ("drafts", State.PERSISTENT) == (explanation.attribute, explanation.state)


@pytest.mark.skipif(sys.gettrace() is not None, reason="a debugger keeps the frames' variables itself")
def test_explaining_keeps_no_object_alive(database):
    def program(engine):
        with Session(engine) as session:
            author = session.scalars(select(Author)).one()
        reference = weakref.ref(author)
        try:
            author.books  # noqa: B018
        except DetachedInstanceError as error:
            attribute = explain(error).attribute
        del author
        return attribute, reference()

    gc.disable()  # it would hide a cycle
    try:
        assert ("books", None) == run(program, database)
    finally:
        gc.enable()


def test_explaining_leaves_the_variables_alone_that_a_program_asked_for(database):
    def program(engine):
        with Session(engine) as session:
            author = session.scalars(select(Author)).one()
        variables = locals()
        try:
            author.books  # noqa: B018
        except DetachedInstanceError as error:
            explain(error)
        return variables, author

    variables, author = run(program, database)

    assert variables["author"] is author


@pytest.mark.parametrize(
    "read", ["after_close", "after_expire", "of_the_row_that_is_gone", "in_a_second_session", "by_pydantic"]
)
def test_explaining_runs_no_code_of_the_mapped_class(read):
    class Base(DeclarativeBase):
        pass

    touched = []

    class Touchy(Base):
        __tablename__ = "touchy"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(deferred=True)

        def __getattribute__(self, name):
            touched.append(name)
            return object.__getattribute__(self, name)

        def __repr__(self):
            touched.append("__repr__")
            return "touchy"

        def __eq__(self, other):
            touched.append("__eq__")
            return self is other

        def __hash__(self):
            touched.append("__hash__")
            return 1

        def __bool__(self):
            touched.append("__bool__")
            return True

    if read == "by_pydantic":
        pytest.importorskip("pydantic")
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Touchy(id=1, name="thin-skinned"))
        session.commit()
        touchy = session.scalars(select(Touchy)).one()
        if read == "after_expire":
            session.commit()
        session.close()
        if read == "in_a_second_session":
            fails = lambda: session.refresh(touchy)  # noqa: E731
        elif read == "of_the_row_that_is_gone":
            session.add(touchy)
            session.delete(touchy)
            session.commit()
            session.add(other := Touchy(id=1, name="other"))
            session.flush()
            session.connection().exec_driver_sql("DELETE FROM touchy")
            fails = lambda: session.refresh(other)  # noqa: E731
        elif read == "by_pydantic":
            import pydantic  # noqa: PLC0415

            schema = pydantic.create_model("Schema", __config__={"from_attributes": True}, name=str)
            fails = lambda: schema.model_validate(touchy)  # noqa: E731
        else:
            fails = lambda: touchy.name  # noqa: E731
        with pytest.raises(Exception) as caught:  # noqa: PT011  each has its own
            fails()
        touched.clear()

        explanation = explain(caught.value)
    engine.dispose()

    assert "Touchy" == explanation.entity
    assert [] == touched


def test_the_state_is_known_while_the_sessions_are_open(database):
    with database.engine() as engine:
        with engine.begin() as connection:
            fill(connection)
        with Session(engine) as first, Session(engine) as second:
            second.add(pending := Author(name="Octavia"))
            states = []
            for author in (first.get(Author, 1), pending, Author(name="Kim")):
                with pytest.raises(InvalidRequestError) as caught:
                    second.refresh(author)
                states.append(explain(caught.value).state)

    assert [State.PERSISTENT, State.PENDING, State.TRANSIENT] == states
