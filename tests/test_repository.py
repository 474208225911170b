"""Facts about the repository as a whole that no single module can promise."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs import hazard_pages
from outlive.hazards.catalog import all_hazards
from outlive.report import pages

ROOT = Path(__file__).parents[1]
HEAVY = ("sqlalchemy", "msgspec", "rich", "pathspec", "greenlet")
FRAMEWORKS = ("fastapi", "pydantic", "celery", "sqlmodel", "starlette")


def modules_imported_by(program: str, *arguments: str) -> set[str]:
    """Top-level names in ``sys.modules`` when a program ends, in an interpreter of its own."""
    report = "\nimport sys\nsys.stderr.write('\\n' + ' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program + report, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stderr.splitlines()[-1].split()}


def test_importing_outlive_imports_nothing_heavy():
    imported = modules_imported_by("import outlive")

    assert set() == imported & {*HEAVY, *FRAMEWORKS}


def test_checking_a_program_imports_neither_sqlalchemy_nor_the_program(tmp_path: Path):
    (tmp_path / "shop_that_must_not_be_imported.py").write_text("import sqlalchemy\nraise SystemExit('imported')\n")
    program = "import sys; from outlive.cli import main; assert main(['check', '--no-cache', sys.argv[1]]) == 0"

    imported = modules_imported_by(program, str(tmp_path))

    assert set() == imported & {"sqlalchemy", "greenlet", "shop_that_must_not_be_imported", *FRAMEWORKS}


def test_explaining_a_hazard_on_the_command_line_needs_no_sqlalchemy():
    program = "from outlive.cli import main; assert main(['explain', 'lazy-read-after-close']) == 0"

    imported = modules_imported_by(program)

    assert set() == imported & {"sqlalchemy", "greenlet", *FRAMEWORKS}


def test_the_readme_has_exactly_two_commands():
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)

    assert [1, 1] == [len(block.splitlines()) for block in blocks]


def test_what_the_readme_and_the_docs_link_to_exists():
    missing = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]

    assert [] == missing


def test_codes_in_the_docs_are_the_codes_in_the_source():
    handwritten = [page.read_text("utf-8") for page in (ROOT / "docs").rglob("*.md") if page.parent.name != "hazards"]
    generated = hazard_pages.pages(all_hazards()).values()
    modules = [module.read_text("utf-8") for module in (ROOT / "src").rglob("*.py")]

    assert codes_in(modules) == codes_in([*handwritten, *generated])


def codes_in(texts: list[str]) -> set[str]:
    return {code for text in texts for code in re.findall(r"\bOL\d{3}\b", text)}


def test_codes_and_names_of_hazards_are_unique():
    hazards = all_hazards()

    assert len(hazards) == len({hazard.code for hazard in hazards}) == len({hazard.name for hazard in hazards})


def test_the_address_that_a_finding_prints_is_a_page_of_the_docs():
    generated = hazard_pages.pages(all_hazards())
    addresses = [pages.page(hazard.name) for hazard in all_hazards()]

    assert [] == [address for address in addresses if f"{Path(address).name}.md" not in generated]


@pytest.mark.parametrize("hazard", all_hazards(), ids=lambda hazard: hazard.name)
def test_a_hazard_page_has_every_section_of_its_hazard(hazard):
    headings = re.findall(r"^## (.*)$", hazard_pages.page(hazard), re.MULTILINE)

    assert ["Why it matters", "What to do", "Misses"] == headings[:3]


def test_the_rooms_keep_their_contract():
    pytest.importorskip("importlinter", reason="import-linter is not installed")
    lint = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    done = subprocess.run([*lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stdout


def test_no_module_is_a_drawer():
    drawers = {"utils", "util", "helpers", "common", "misc", "tools"}

    assert [] == [module for module in (ROOT / "src").rglob("*.py") if module.stem in drawers]


def test_decisions_are_numbered_from_one_without_gaps():
    files = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    titles = [re.match(r"# (\d+)\. ", file.read_text("utf-8")) for file in files]

    assert [int(file.name[:4]) for file in files] == [int(title[1]) for title in titles if title]
    assert list(range(1, len(files) + 1)) == [int(file.name[:4]) for file in files]


def test_change_notes_are_named_by_issue_and_kind():
    notes = [note.name for note in (ROOT / "changelog.d").iterdir() if note.name != "README.md"]

    assert [] == [name for name in notes if not re.fullmatch(r"\d+\.(added|changed|fixed|removed)(\.\d+)?\.md", name)]
