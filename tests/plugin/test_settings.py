"""How the plugin is asked: on the command line, in the ini file, by markers and fixtures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from outlive.testing.settings import Settings, settings_of
from tests.plugin.projects import CONFTEST, Run, project_in, section

TESTS = """
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.shelf import Author


def committed(engine):
    with Session(engine, expire_on_commit=False) as session:
        author = session.scalars(select(Author)).one()
        session.commit()
    return author


def test_plain(engine):
    assert committed(engine).name == "Ursula"


@pytest.mark.outlive(production_sessions=False)
def test_not_shaped(engine):
    assert committed(engine).name == "Ursula"


@pytest.mark.outlive(production_sessions=True)
def test_shaped(engine):
    assert committed(engine).name == "Ursula"


@pytest.mark.outlive(production_sessions=True)
class TestOfClass:
    def test_of_class(self, engine):
        assert committed(engine).name == "Ursula"

    @pytest.mark.outlive(production_sessions="close")
    def test_nearest(self, engine):
        assert committed(engine).name == "Ursula"


def test_fixture(engine, expired, lifetimes):
    with pytest.raises(Exception):
        expired.name
    lifetimes.assert_no_errors()


def test_late_fixture(expired, request):
    lifetimes = request.getfixturevalue("lifetimes").assert_no_errors()
    with pytest.raises(Exception):
        expired.name
    lifetimes.assert_no_errors()


def test_disabled_fixture(lifetimes):
    assert lifetimes.recording.entries == ()
"""


def run_with(folder: Path, *arguments: str, ini: str = "") -> Run:
    return project_in(folder, CONFTEST, ini, test_shop=TESTS).run(*arguments)


def passed(run: Run) -> set[str]:
    return {name for name, result in run.results.items() if result == "passed"}


UNSHAPED = {"test_plain", "test_not_shaped", "test_nearest", "test_disabled_fixture"}


def test_without_being_asked_markers_and_fixtures_ask(tmp_path: Path) -> None:
    run = run_with(tmp_path)

    assert UNSHAPED == passed(run)
    assert "expired here by the commit" in section(run.results["test_shaped"])
    assert "outlive_production_sessions = close" in section(run.results["test_shaped"])
    assert "AssertionError: 1 lifetime error was raised" in run.results["test_fixture"]
    assert "by the fixture `session`" in run.results["test_fixture"]
    assert "AssertionError: 1 lifetime error was raised" in run.results["test_late_fixture"]


@pytest.mark.parametrize(
    ("arguments", "ini"),
    [
        (("--outlive-production-sessions",), ""),
        ((), "outlive_production_sessions = expire"),
    ],
)
def test_production_sessions_for_all_tests(arguments: tuple[str, ...], ini: str, tmp_path: Path) -> None:
    run = run_with(tmp_path, *arguments, ini=ini)

    assert UNSHAPED - {"test_plain"} == passed(run)
    assert "expired here by the commit" in section(run.results["test_plain"])


def test_the_ini_file_says_which_part_of_it(tmp_path: Path) -> None:
    run = run_with(
        tmp_path, "--outlive-production-sessions", "-k", "test_plain", ini="outlive_production_sessions = close"
    )

    assert {"test_plain"} == passed(run)


def test_the_ini_file_can_ask(tmp_path: Path) -> None:
    run = run_with(tmp_path, "-k", "test_plain or test_shaped", ini="outlive = true\noutlive_redact = true")

    assert {"test_plain"} == passed(run)
    assert "`Author (...)`" in section(run.results["test_shaped"])


@pytest.mark.parametrize(
    ("marker", "complaint"),
    [
        (pytest.mark.outlive(production_session=True), "has no argument production_session"),
        (pytest.mark.outlive(production_sessions="both"), 'is true, false, "expire" or "close", got \'both\''),
        (pytest.mark.outlive(production_sessions=1), 'is true, false, "expire" or "close", got 1'),
        (pytest.mark.outlive(True, False), "takes one argument without a name"),
        (pytest.mark.outlive(True, enabled=False), "takes one argument without a name"),
        (pytest.mark.outlive("yes"), "enabled and redact are True or False"),
        (pytest.mark.outlive(redact="yes"), "enabled and redact are True or False"),
    ],
)
def test_a_marker_that_makes_no_sense_is_refused(
    marker: pytest.MarkDecorator, complaint: str, request: pytest.FixtureRequest
) -> None:
    request.node.add_marker(marker)
    try:
        with pytest.raises(pytest.UsageError, match=re.escape(complaint)):
            settings_of(request.node, Settings())
    finally:
        request.node.own_markers.remove(marker.mark)


def test_a_marker_that_makes_no_sense_ends_the_run_before_the_first_test(tmp_path: Path) -> None:
    test = "import pytest\n\n\n@pytest.mark.outlive('yes')\ndef test_it():\n    pass\n"
    run = project_in(tmp_path, "", test_it=test).run()

    assert pytest.ExitCode.USAGE_ERROR == run.code
    assert "ERROR: test_it.py::test_it: @pytest.mark.outlive: enabled and redact are True or False" in run.printed


def test_an_ini_file_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    run = project_in(tmp_path, "", "outlive_production_sessions = both").run()

    assert pytest.ExitCode.USAGE_ERROR == run.code
    assert "outlive_production_sessions is true, false" in run.printed


def test_without_sqlalchemy_it_says_what_is_missing(tmp_path: Path) -> None:
    project = project_in(
        tmp_path, "import sys\n\nsys.modules['sqlalchemy'] = None\n", test_it="def test_it():\n    pass\n"
    )

    assert {"test_it": "passed"} == project.run().results
    run = project.run("--outlive")
    assert pytest.ExitCode.USAGE_ERROR == run.code
    assert "pip install 'sqlalchemy>=2.0'" in run.printed


def test_the_options_are_explained(tmp_path: Path) -> None:
    printed = project_in(tmp_path, "").run("--help").printed

    assert "--outlive-production-sessions" in printed
    assert "outlive_production_sessions (string)" in printed
    assert "@pytest.mark.outlive(enabled=True" in project_in(tmp_path, "").run("--markers").printed


def test_what_goes_wrong_in_outlive_itself_is_a_warning(tmp_path: Path) -> None:
    conftest = (
        CONFTEST
        + """

@pytest.fixture(autouse=True)
def broken(monkeypatch):
    monkeypatch.setattr("outlive.testing.plugin.told", lambda *_, **__: 1 / 0)
"""
    )
    run = project_in(tmp_path, conftest, test_shop="def test_it(expired):\n    expired.name\n").run("--outlive")

    assert "DetachedInstanceError" in run.results["test_it"]
    assert "OutliveWarning: Outlive failed; the outcome of the test is its own." in run.printed
    assert "ZeroDivisionError" in run.printed
