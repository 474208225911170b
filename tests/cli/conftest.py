"""A working directory of its own, a terminal of no kind, and a toy engine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from outlive.check import engine
from outlive.cli import main
from tests.fakes import ToyEngine


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command line answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working directory that is a project."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "OUTLIVE_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def toy(monkeypatch):
    """The toy engine in the place of the real one."""
    toy = ToyEngine()
    monkeypatch.setattr(engine, "check", toy.check)
    return toy


@pytest.fixture
def outlive(capsys):
    """Runs a command line."""

    def run(*argv: str) -> Answer:
        code = main(argv)
        return Answer(code, *capsys.readouterr())

    return run


@pytest.fixture
def write():
    """Writes a file, with its folders."""

    def write(name: str, text: str) -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    return write
