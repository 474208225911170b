"""Projects with tests of their own, run by a pytest of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# An installation from before the plugin was there does not name it.
LOADED = any(found.name == "outlive" for found in entry_points(group="pytest11"))

CONFTEST = """
from contextlib import suppress

import pytest
from sqlalchemy import StaticPool, create_engine, select
from sqlalchemy.orm import Session, sessionmaker

from tests.shelf import Author, Book, fill


@pytest.fixture
def engine():
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with engine.begin() as connection:
        fill(connection)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine):
    session = Session(engine)
    yield session
    session.close()


@pytest.fixture
def expired(session):
    author = session.scalars(select(Author)).one()
    session.commit()
    session.close()
    return author
"""


@dataclass(frozen=True)
class Run:
    """What a run of pytest has printed, and its results."""

    code: int
    printed: str
    results: dict[str, str]
    """By name of the test: ``passed``, or what it failed with, as a JUnit file has it."""


@dataclass(frozen=True)
class Project:
    """A folder with tests."""

    folder: Path

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text)

    def run(self, *arguments: str) -> Run:
        results = self.folder / "results.xml"
        plugin = [] if LOADED else ["-p", "_outlive_pytest"]
        fixed = ["-p", "no:cacheprovider", "-W", "error", "-c", "pytest.ini", f"--junitxml={results}"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *plugin, *fixed, *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": path(), "COLUMNS": "120"},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        return Run(done.returncode, done.stdout + done.stderr, results_in(results))


def path() -> str:
    return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))


def results_in(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    found = {}
    for case in ET.parse(file).getroot().iter("testcase"):
        problems = [child for child in case if child.tag in {"failure", "error"}]
        found[case.attrib["name"]] = "".join(child.text or "" for child in problems) or "passed"
    file.unlink()
    return found


def section(text: str) -> str:
    """What stands below the heading of ours; empty without one."""
    found = re.search(r"^-+ outlive -+\n(.*?)(?=^[_=]{10}|\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def project_in(folder: Path, conftest: str = CONFTEST, ini: str = "", **files: str) -> Project:
    project = Project(folder)
    project.write(conftest=conftest, **files)
    (folder / "pytest.ini").write_text(f"[pytest]\naddopts = --strict-markers --strict-config -p no:asyncio\n{ini}")
    return project


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")
