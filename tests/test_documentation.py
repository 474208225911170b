"""What the documentation shows happens: its programs run, its commands print what stands below them."""

from __future__ import annotations

import re
import shutil
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import pytest

from docs import tutorial_output

ROOT = Path(__file__).parents[1]
HOW_TO = ROOT / "docs" / "how-to"
BOOKSHOP = (Path(__file__).parent / "bookshop.py").read_text("utf-8")
FENCE = re.compile(r"^```(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The bookshop's async engine lives until the process ends.
PYTHON = "python -W error -W ignore::ResourceWarning"


def programs() -> list[tuple[str, str, str | None]]:
    """Page, program and what the text block right after it says that it prints."""
    return [
        (page.stem, text, below if kind_below == "text" else None)
        for page in sorted(HOW_TO.glob("*.md"))
        for (kind, text), (kind_below, below) in pairwise([*FENCE.findall(page.read_text("utf-8")), ("", "")])
        if kind == "python"
    ]


def test_the_tutorial_happens_as_it_is_told(tmp_path: Path):
    page = tutorial_output.TUTORIAL.read_text("utf-8")

    assert tutorial_output.retold(page, tmp_path) == page


@pytest.mark.parametrize(("page", "program", "shown"), programs())
def test_programs_of_a_page_print_what_stands_below_them(page: str, program: str, shown: str | None, tmp_path: Path):
    installed = tuple(int(part) for part in re.findall(r"\d+", version("sqlalchemy"))[:3])
    if page == "explain-an-exception" and installed < (2, 0, 4):
        pytest.skip("before SQLAlchemy 2.0.4 `refresh` loads no relationship, so that remedy is not offered")
    (tmp_path / f"{page}.py").write_text(f"{BOOKSHOP}\n{program}")

    printed = tutorial_output.run(f"{PYTHON} {page}.py", tmp_path)

    assert "Traceback" not in printed
    assert shown is None or tutorial_output.shown_or_printed(shown, printed) == shown


@pytest.mark.parametrize("command", ["check --coverage --output-format concise .", "explain app/tasks.py:26"])
def test_what_the_check_knows_of_the_example_is_what_the_page_shows(command: str, tmp_path: Path):
    page = (ROOT / "docs" / "explanation" / "how-the-check-works.md").read_text("utf-8")
    example = shutil.copytree(ROOT / "examples" / "storefront" / "broken", tmp_path / "broken")
    printed = tutorial_output.run(f"python -m outlive {command}", example)

    *_, told = printed.split("\n\nWhat was understood")
    assert told in page
