"""What stands in the report of a failing test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.projects import CONFTEST, Project, Run, project_in, section

TESTS = """
import unittest
from contextlib import suppress

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session, sessionmaker

import outlive
from tests.shelf import Author, fill


def test_read(expired):
    assert expired.name == "Ursula"


def test_other_failure():
    assert 1 == 2


def test_fine(expired):
    with pytest.raises(Exception):
        expired.name


def test_caught(expired):
    with suppress(Exception):
        expired.name
    assert 1 == 2


def test_caused(expired):
    try:
        expired.name
    except Exception as error:
        raise RuntimeError("wrapped") from error


def test_group(expired, session):
    errors = []
    book = Author(name="b")
    session.add(book)
    session.commit()
    session.expunge(book)
    for one in (expired, book):
        try:
            one.name
        except Exception as error:
            errors.append(error)
    raise ExceptionGroup("two", errors)


def test_setup(fails):
    pass


def test_teardown(fails_later):
    pass


def test_closure(factory):
    with factory() as session:
        author = session.scalars(select(Author)).one()
        session.commit()
    author.name


def test_made_in_the_test(engine):
    with Session(engine) as session:
        author = session.scalars(select(Author)).one()
        session.commit()
    author.name


def test_shared_session(shared):
    author = shared.scalars(select(Author)).one()
    shared.commit()
    shared.close()
    author.name


class TestOfUnittest(unittest.TestCase):
    def setUp(self):
        engine = create_engine("sqlite://")
        with engine.begin() as connection:
            fill(connection)
        session = Session(engine)
        self.author = session.scalars(select(Author)).one()
        session.commit()
        session.close()
        engine.dispose()

    def test_of_unittest(self):
        self.author.name


class TestInClass:
    @pytest.fixture
    def of_class(self, engine):
        with Session(engine) as session:
            author = session.scalars(select(Author)).one()
            session.commit()
        return author

    def test_method(self, of_class):
        of_class.name


def test_watched_by_itself(expired):
    with outlive.watch():
        expired.name


def test_watched_before(engine):
    with outlive.watch(), Session(engine) as session:
        author = session.scalars(select(Author)).one()
        session.commit()
    author.name


@pytest.mark.outlive
def test_marked(expired):
    expired.name


@pytest.mark.outlive(redact=True)
def test_redacted(expired):
    expired.name


@pytest.mark.outlive(False)
def test_not_watched(expired):
    expired.name


@pytest.mark.xfail
def test_expected_to_fail(expired):
    expired.name


def test_gives_subtests_and_strings_nothing():
    pytest.fail("plain", pytrace=False)
"""

FIXTURES = (
    CONFTEST
    + """
@pytest.fixture
def fails(expired):
    return expired.name


@pytest.fixture
def fails_later(expired):
    yield
    expired.name


@pytest.fixture
def factory(engine):
    def make():
        return Session(engine)

    return make


@pytest.fixture(scope="module")
def shared():
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        fill(connection)
    with Session(engine) as session:
        yield session
    engine.dispose()
"""
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project_in(tmp_path_factory.mktemp("project"), FIXTURES, test_shop=TESTS)


@pytest.fixture(scope="module")
def run(project: Project) -> Run:
    return project.run("--outlive")


def told(run: Run, test: str) -> str:
    return section(run.results[test])


def with_source(project: Project, step: str) -> str:
    """A step with the line of the program in place of its number."""
    file, line, message = step.split(":", 2)
    return f"{(project.folder / file).read_text().splitlines()[int(line) - 1].strip()}:{message}"


def test_who_expired_and_who_closed_is_in_a_section_of_its_own(project: Project, run: Run) -> None:
    lines = told(run, "test_read").splitlines()

    assert "`Author.name` was read on a detached `Author (1,)`." == lines[0]
    assert [
        "session = Session(engine): its session was made here by the fixture `session` (function scope)",
        "author = session.scalars(select(Author)).one(): loaded here",
        "session.commit(): expired here by the commit",
        "session.close(): detached here: its session was closed",
        'assert expired.name == "Ursula": `Author.name` was read here',
    ] == [with_source(project, line.strip()) for line in lines[1:6]]
    assert "  - Keep loaded values across a commit" in lines[7]


def test_the_section_is_printed_below_the_traceback(run: Run) -> None:
    assert told(run, "test_read") in run.printed
    assert run.printed.index("DetachedInstanceError") < run.printed.index("- outlive -")


def test_the_explanation_is_said_once(run: Run) -> None:
    assert 1 == run.results["test_read"].count("More: outlive explain")


@pytest.mark.parametrize("test", ["test_other_failure", "test_not_watched", "test_gives_subtests_and_strings_nothing"])
def test_other_failures_have_no_section(run: Run, test: str) -> None:
    assert run.results[test] != "passed"
    assert "" == told(run, test)


def test_tests_that_pass_pass(run: Run) -> None:
    assert "passed" == run.results["test_fine"]
    assert "1 xfailed" in run.printed


def test_an_error_that_was_caught_is_told_as_such(run: Run) -> None:
    first, _, what, *_ = told(run, "test_caught").splitlines()

    assert first.startswith("Caught before it reached the test")
    assert "`Author.name` was read on a detached" in what


def test_the_cause_of_an_error_is_explained(run: Run) -> None:
    assert "RuntimeError: wrapped" in run.results["test_caused"]
    assert told(run, "test_caused").startswith("`Author.name` was read on a detached")


def test_each_error_of_a_group_is_explained(run: Run) -> None:
    assert 2 == told(run, "test_group").count("More: outlive explain")


@pytest.mark.parametrize("test", ["test_setup", "test_teardown"])
def test_errors_of_fixtures_are_explained(run: Run, test: str) -> None:
    assert "by the fixture `session`" in told(run, test)
    assert "conftest.py" in told(run, test).partition("`Author.name` was read here")[0].splitlines()[-1]


def test_a_session_that_a_fixtures_function_makes_is_the_fixtures(run: Run) -> None:
    assert "its session was made here by the fixture `factory` (function scope)" in told(run, "test_closure")


def test_a_session_of_the_test_belongs_to_no_fixture(run: Run) -> None:
    assert "by the fixture" not in told(run, "test_made_in_the_test")
    assert "detached here" in told(run, "test_made_in_the_test")


def test_a_fixture_may_be_a_method(run: Run) -> None:
    assert "by the fixture `of_class` (function scope)" in told(run, "test_method")


def test_what_stands_before_the_tests_of_a_class_counts_as_a_fixture(run: Run) -> None:
    assert "its session was made here by `setUp`" in told(run, "test_of_unittest")


def test_the_scope_of_the_fixture_is_named(run: Run) -> None:
    assert "by the fixture `shared` (module scope)" in told(run, "test_shared_session")


def test_a_watch_of_the_tests_own_does_no_harm(run: Run) -> None:
    assert "by the fixture `session`" in told(run, "test_watched_by_itself")
    assert "expired here by the commit" in told(run, "test_watched_before")


def test_keys_can_be_left_out_of_a_test(run: Run) -> None:
    assert "`Author (...)`" in told(run, "test_redacted")
    assert "(1,)" not in told(run, "test_redacted")


def test_keys_can_be_left_out_of_a_run(project: Project) -> None:
    run = project.run("--outlive", "--outlive-redact", "-k", "test_read or test_caught")

    assert {"test_read", "test_caught"} == set(run.results)
    assert all("`Author (...)`" in told(run, test) for test in run.results)


@pytest.mark.parametrize("style", ["short", "native"])
def test_each_style_of_traceback_has_it(project: Project, style: str) -> None:
    run = project.run("--outlive", f"--tb={style}", "--show-capture=no", "-k", "test_read")

    assert "by the fixture `session`" in told(run, "test_read")
    assert "by the fixture `session`" in section(run.printed)


def test_with_xdist(project: Project) -> None:
    pytest.importorskip("xdist")
    run = project.run("--outlive", "-n", "2", "-k", "test_read or test_setup or test_caught or test_other_failure")

    assert "by the fixture `session`" in told(run, "test_read")
    assert "by the fixture `session`" in section(run.printed)
    assert "by the fixture `session`" in told(run, "test_setup")
    assert "Caught before" in told(run, "test_caught")
    assert "" == told(run, "test_other_failure")


def test_without_being_asked_nothing_is_said(project: Project) -> None:
    run = project.run("-k", "test_read or test_caught or test_redacted or test_marked")

    assert {""} == {told(run, test) for test in ("test_read", "test_caught", "test_redacted")}
    assert "by the fixture `session`" in told(run, "test_marked")


def test_the_plugin_can_be_left_out(project: Project, tmp_path: Path) -> None:
    run = project_in(tmp_path, test_shop="def test_fine():\n    pass\n").run(
        "-p", "no:outlive", "-p", "no:_outlive_pytest"
    )

    assert {"test_fine": "passed"} == run.results
