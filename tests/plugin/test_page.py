"""The page about pytest shows what is really printed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from docs import tutorial_output
from tests.databases import VERSION
from tests.plugin.projects import LOADED, ROOT, path

PAGE = ROOT / "docs" / "how-to" / "test-with-pytest.md"


def test_what_happens_is_what_the_page_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("aiosqlite", "fastapi", "greenlet", "httpx"):
        pytest.importorskip(module)
    if VERSION < (2, 0, 4):
        pytest.skip("before SQLAlchemy 2.0.4 `refresh` loads no relationship, so that remedy is not offered")
    plugin = [] if LOADED else ["-p", "_outlive_pytest"]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:asyncio", *plugin]
    monkeypatch.setitem(tutorial_output.PROGRAMS, "pytest", command)
    monkeypatch.setenv("PYTHONPATH", path())
    (tmp_path / "bookshop.py").write_text((ROOT / "tests" / "bookshop.py").read_text("utf-8"))
    page = PAGE.read_text("utf-8")

    assert page == tutorial_output.retold(page, tmp_path)
