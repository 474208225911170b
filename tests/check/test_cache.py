"""The cache: never in the way, whatever it holds."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import outlive.check
from outlive.check import engine
from outlive.check.cache import Cache
from outlive.check.facts import Facts
from outlive.check.findings import Edit, Finding, Fix, Safety
from outlive.check.flow import analysis
from outlive.check.ir import Term
from outlive.check.knowledge import Knowledge
from outlive.check.lower import read_facts
from outlive.hazards.catalog import all_hazards
from outlive.lifecycle.evidence import Evidence
from outlive.lifecycle.places import Place

FACTS = Facts(imports={"a": "b"})


def deep(depth: int) -> Term:
    term = Term("name", "x")
    for _ in range(depth):
        term = Term("item", "x", [term])
    return term


def never(_: str) -> Facts:
    raise AssertionError("the facts are in the cache")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_facts_are_read_once(tmp_path):
    Cache(tmp_path).facts("text", lambda _: FACTS)

    assert FACTS == Cache(tmp_path).facts("text", never)


def test_facts_too_deep_for_the_cache_leave_it_to_the_others(tmp_path):
    cache = Cache(tmp_path)
    cache.facts("deep", lambda _: Facts(globals={"x": deep(100_000)}))
    cache.facts("text", lambda _: FACTS)

    assert ((), FACTS) == (cache.warnings, Cache(tmp_path).facts("text", never))


@pytest.mark.parametrize("literal", [r"'\ud800'", "0x" + 17 * "f", "-0x" + 17 * "f"])
def test_a_literal_that_the_cache_cannot_hold_leaves_it_to_the_others(tmp_path, literal):
    text = f"found = shop.find({literal})\n"
    cache = Cache(tmp_path)
    facts = cache.facts(text, read_facts)

    assert read_facts(text) == facts
    assert ((), []) == (cache.warnings, files(tmp_path))


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path):
    Cache(tmp_path).facts("text", lambda _: FACTS)
    [file] = files(tmp_path)
    file.unlink()
    file.mkdir()  # in the way of the new entry
    cache = Cache(tmp_path)

    assert FACTS == cache.facts("text", lambda _: FACTS)
    assert ([], 1) == (files(tmp_path), len(cache.warnings))


def test_other_code_does_not_take_the_facts_of_this(tmp_path):
    """Facts of an older version would tell of places that are no longer counted like that."""
    package = tmp_path / "newer" / "outlive"
    shutil.copytree(Path(outlive.check.__file__).parents[1], package)
    with (package / "check" / "facts.py").open("a") as file:
        file.write("# another version\n")
    program = """
import sys
from pathlib import Path
from outlive.check.cache import Cache
from outlive.check.facts import Facts

Cache(Path(sys.argv[1])).facts("text", lambda _: Facts())
"""
    for home in (Path(outlive.check.__file__).parents[2], package.parent, package.parent):
        command = [sys.executable, "-c", program, str(tmp_path / "cache")]
        subprocess.run(command, cwd=home, check=True)

    assert 2 == len(files(tmp_path / "cache"))


PLACE = Place("app.py", 1, 2, 3, 4)
FINDINGS = (
    Finding(
        PLACE, "wrong", (Evidence(PLACE, "here"),), "mend", Fix((Edit(PLACE, "new"),), Safety.REVIEW, "mend"), name="x"
    ),
)


def not_again() -> tuple[Finding, ...]:
    raise AssertionError("the findings are in the cache")


def test_findings_are_found_once(tmp_path):
    Cache(tmp_path).findings(["app.py"], ["text"], lambda: FINDINGS)

    assert FINDINGS == Cache(tmp_path).findings(["app.py"], ["text"], not_again)


@pytest.mark.parametrize(
    ("asked", "program"),
    [(["app.py"], ["text", ""]), (["app.py"], ["tex", "t"]), (["app.py", "x"], ["text"]), (["app.p", "y"], ["text"])],
)
def test_findings_of_anything_else_are_found_anew(tmp_path, asked, program):
    Cache(tmp_path).findings(["app.py"], ["text"], lambda: FINDINGS)

    assert () == Cache(tmp_path).findings(asked, program, lambda: ())


def test_one_answer_is_kept_for_each_question(tmp_path):
    for text in ("one", "two", "three"):
        Cache(tmp_path).findings(["app.py"], [text], lambda: FINDINGS)

    assert 1 == len(files(tmp_path))


def test_findings_in_a_broken_file_are_found_anew(tmp_path):
    Cache(tmp_path).findings([], ["text"], lambda: FINDINGS)
    [file] = files(tmp_path)
    whole = file.read_bytes()
    for data in (b"", whole[:-1], whole + b"x", b"\x90", b"\xc1", bytes(len(whole))):
        file.write_bytes(data)
        cache = Cache(tmp_path)

        assert ((), ()) == (cache.findings([], ["text"], lambda: ()), cache.warnings)
        assert () == Cache(tmp_path).findings([], ["text"], not_again)


def test_a_full_disk_is_told_once(tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    cache = Cache(tmp_path)

    assert FACTS == cache.facts("text", lambda _: FACTS)
    assert FINDINGS == cache.findings([], ["text"], lambda: FINDINGS)
    assert ([], ("the cache is not used: [Errno 28] No space left on device",)) == (files(tmp_path), cache.warnings)


def test_a_folder_in_which_nothing_can_be_written_is_told_once(tmp_path):
    folder = tmp_path / "file"
    folder.write_text("no folder")
    cache = Cache(folder)

    assert FACTS == cache.facts("text", lambda _: FACTS)
    assert FINDINGS == cache.findings([], ["text"], lambda: FINDINGS)
    assert 1 == len(cache.warnings)


def test_two_checks_at_once_do_not_meet(tmp_path):
    """The second writes while the first is still looking; whole files take each other's place."""

    def meanwhile() -> tuple[Finding, ...]:
        Cache(tmp_path).findings([], ["text"], lambda: FINDINGS)
        return FINDINGS

    assert FINDINGS == Cache(tmp_path).findings([], ["text"], meanwhile)
    assert FINDINGS == Cache(tmp_path).findings([], ["text"], not_again)


PROGRAM = """
from sqlalchemy.orm import Session

def clear(session: Session):
    session.clear()
"""


def test_an_unchanged_program_is_not_thought_about(tmp_path, monkeypatch):
    """Not one file is parsed, not one function is followed."""
    app = tmp_path / "app.py"
    app.write_text(PROGRAM)
    first = engine.check([app], all_hazards(), cache=tmp_path / "cache")
    for work in ("lower.read_facts", "flow.analysis.analyse"):
        monkeypatch.setattr(f"outlive.check.{work}", None)

    assert first == engine.check([app], all_hazards(), cache=tmp_path / "cache")
    assert ["no-such-session-method"] == [finding.name for finding in first.findings]


@pytest.mark.parametrize("change", ["text", "name", "hazards", "knowledge", "another file", "unreadable file"])
def test_a_change_of_anything_is_seen(tmp_path, monkeypatch, change):
    app, other, cache = tmp_path / "app.py", tmp_path / "other.py", tmp_path / "cache"
    app.write_text(PROGRAM)
    asked, program, known = list(all_hazards()), [app], Knowledge()
    engine.check(program, asked, cache=cache, known=known)
    match change:
        case "text":
            app.write_text(PROGRAM + "# changed")
        case "name":
            program = [app.rename(other)]
        case "hazards":
            asked = asked[:3]
        case "knowledge":
            known = None
        case _:
            other.write_bytes(b"\0" if change == "unreadable file" else b"")
            program.append(other)
    walks = []
    analyse = analysis.analyse
    monkeypatch.setattr(analysis, "analyse", lambda *given: walks.append(1) or analyse(*given))

    found = engine.check(program, asked, cache=cache, known=known)

    assert [1] == walks
    assert engine.check(program, asked, known=known).findings == found.findings


def test_who_has_the_answer_does_not_import_what_finds_it(tmp_path):
    """That would take longer than all the rest."""
    (tmp_path / "app.py").write_text(PROGRAM)
    program = """
import sys
from pathlib import Path
from outlive.check import engine
from outlive.hazards.catalog import all_hazards

engine.check([Path("app.py")], all_hazards(), cache=Path("cache"))
print(*sorted({"outlive.check.flow.interpreter", "outlive.check.lower"} & set(sys.modules)))
"""
    runs = [
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]

    assert ["outlive.check.flow.interpreter outlive.check.lower\n", "\n"] == runs


@pytest.mark.skipif(sys.platform == "win32", reason="has no such folder")
def test_a_folder_that_is_read_only_is_told_once():
    """Root may write anywhere, so the folder is one where nobody can."""
    cache = Cache(Path("/proc/self"))

    assert FACTS == cache.facts("text", lambda _: FACTS)
    assert FINDINGS == cache.findings([], ["text"], lambda: FINDINGS)
    assert 1 == len(cache.warnings)


def test_what_others_have_left_there_is_not_believed(tmp_path):
    """Every file of the cache in turn holds what stands in another one, half of it, or noise."""
    files_of_program = []
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(PROGRAM + f"# {name}")
        files_of_program.append(tmp_path / f"{name}.py")
    folder, asked = tmp_path / "cache", list(all_hazards())
    expected = engine.check(files_of_program, asked, cache=folder).findings
    kept = {file: file.read_bytes() for file in files(folder)}
    for file, whole in kept.items():
        for data in (b"\x80", b"\x90", whole[: len(whole) // 2], *(other for other in kept.values() if other != whole)):
            for other, content in kept.items():
                other.write_bytes(content)
            file.write_bytes(data)
            (tmp_path / "one.py").write_text(PROGRAM + f"# one {len(data)}")
            found = engine.check(files_of_program, asked, cache=folder)

            assert (expected, ()) == (found.findings, found.warnings)


def test_two_processes_at_once(tmp_path):
    (tmp_path / "app.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "outlive", "check", "--exit-zero", "--output-format", "concise", "app.py"]
    environment = {**os.environ, "OUTLIVE_CACHE_DIR": str(tmp_path / "cache")}
    both = [
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [process.communicate() for process in both]

    assert 1 == len(set(said))
    assert b"no-such-session-method" in said[0][0]
    assert not list((tmp_path / "cache").rglob("*.[0-9]*"))
