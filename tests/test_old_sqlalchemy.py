"""SQLAlchemy 1.4: what needs 2.0 says so, and the check works, because it never imports SQLAlchemy.

Runs with a package that only says that it is SQLAlchemy 1.4, and with the real one where that is installed
(``nox -s old_sqlalchemy``).
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Environment variables for an interpreter that finds SQLAlchemy 1.4."""
    if version("SQLAlchemy").startswith("1.4."):
        return dict(os.environ)
    package = tmp_path / "sqlalchemy"
    package.mkdir()
    (package / "__init__.py").write_text("__version__ = '1.4.54'\n")
    metadata = tmp_path / "SQLAlchemy-1.4.54.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: SQLAlchemy\nVersion: 1.4.54\n")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path}


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)


def test_explaining_an_exception_says_that_sqlalchemy_is_too_old(environment: dict[str, str]):
    done = run(environment, "-c", "import outlive; outlive.explain(ValueError())")

    assert 1 == done.returncode
    last = done.stderr.splitlines()[-1]
    assert "1.4." in last, done.stderr
    assert "2.0" in last, done.stderr


def test_check_works(environment: dict[str, str], tmp_path: Path):
    program = tmp_path / "program.py"
    program.write_text("print('no session in sight')\n")

    done = run(environment, "-m", "outlive", "check", "--no-cache", str(program))

    assert (0, "") == (done.returncode, done.stderr)
