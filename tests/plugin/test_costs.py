"""What the plugin costs a project that does not ask for it: an import of itself."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

from _pytest.assertion.rewrite import AssertionRewriter

import outlive
from tests.plugin.projects import project_in

HEAVY = {"sqlalchemy", "outlive", "msgspec", "rich"}

CONFTEST = """
import sys
from pathlib import Path


def pytest_unconfigure():
    Path("modules.txt").write_text(" ".join(sys.modules))
"""


def imported_in(folder: Path, *arguments: str) -> set[str]:
    project = project_in(folder, CONFTEST, test_nothing="def test_nothing():\n    pass\n")
    assert {"test_nothing": "passed"} == project.run(*arguments).results
    return {name.partition(".")[0] for name in (folder / "modules.txt").read_text().split()}


def test_a_run_that_does_not_ask_imports_nothing_of_ours(tmp_path: Path) -> None:
    imported = imported_in(tmp_path)

    assert "_outlive_pytest" in imported
    assert set() == HEAVY & imported


def test_a_run_that_asks_does(tmp_path: Path) -> None:
    assert {"sqlalchemy", "outlive"} <= imported_in(tmp_path, "--outlive")


def test_what_is_imported_before_pytest_is_no_reason_to_warn() -> None:
    """As with ``outlive run -m pytest``, where the package is installed."""
    assert AssertionRewriter.is_rewrite_disabled(inspect.getdoc(outlive) or "")


def test_importing_the_plugin_imports_nothing_that_pytest_has_not() -> None:
    program = "import sys, pytest; before = {*sys.modules}; import _outlive_pytest; print(*({*sys.modules} - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "_outlive_pytest\n" == done.stdout
