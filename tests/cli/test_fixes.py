"""Which fixes hold, for programs whose files depend on each other."""

from __future__ import annotations

from collections.abc import Mapping

from outlive.check.edits import apply_edits
from outlive.check.engine import Result
from outlive.check.findings import Edit, Finding, Fix, Safety
from outlive.cli import fixes
from outlive.cli.fixes import Change, apply
from outlive.lifecycle.places import Place

PROGRAM = {"db.py": "expire = True\n", "a.py": "read_a()\n", "b.py": "read_b()\n"}
KEEP = Fix((Edit(Place("db.py", 1, 10, 1, 14), "False"),), Safety.SAFE, "keep what is loaded")


def check(texts: Mapping[str, str]) -> Result:
    """Every read fails as long as the factory expires; without the factory's file nothing is known."""
    program = {**PROGRAM, **texts}
    expires = "expire = True" in program["db.py"]
    findings = [late(filename) for filename in ("a.py", "b.py") if expires and "read" in program[filename]]
    return Result(tuple(findings), program, ())


def late(filename: str, fix: Fix = KEEP) -> Finding:
    return Finding(Place(filename, 1, 1, 1, 9), "expired", fix=fix, code="OL101", name="read-after-commit-and-close")


def everything(_: Finding) -> bool:
    return True


def test_a_fix_may_edit_another_file_and_one_edit_serves_many_findings():
    outcome = apply(check({}), check, everything)

    assert {"db.py": Change("expire = True\n", "expire = False\n")} == outcome.changes
    assert (("a.py", "b.py"), ()) == (tuple(one.place.filename for one in outcome.applied), outcome.result.findings)


def test_a_fix_that_removes_more_than_its_own_finding_is_welcome():
    outcome = apply(check({}), check, lambda finding: finding.place.filename == "a.py")

    assert 1 == len(outcome.applied)
    assert () == outcome.result.findings


def test_a_fix_may_edit_several_files():
    both = Fix((*KEEP.edits, Edit(Place("a.py", 1, 1, 1, 1), "again = ")), Safety.SAFE, "keep and read again")
    before = Result((late("a.py", both),), PROGRAM, ())
    outcome = apply(before, check, everything)

    expected = {
        "db.py": Change("expire = True\n", "expire = False\n"),
        "a.py": Change("read_a()\n", "again = read_a()\n"),
    }
    assert expected == outcome.changes


def test_a_fix_of_a_file_outside_the_program_is_refused():
    elsewhere = Fix((Edit(Place("site-packages/db.py", 1, 1, 1, 1), "x"),), Safety.SAFE, "patch the library")
    before = Result((late("a.py", elsewhere), late("b.py")), PROGRAM, ())
    outcome = apply(before, check, everything)

    assert ["a.py"] == [finding.place.filename for finding in outcome.refused]
    assert ["db.py"] == list(outcome.changes)


def test_without_wanted_fixes_nothing_is_checked_again():
    def must_not_run(_: Mapping[str, str]) -> Result:
        raise AssertionError

    outcome = apply(check({}), must_not_run, lambda _: False)

    assert ({}, (), ()) == (outcome.changes, outcome.applied, outcome.refused)


def test_many_fixes_are_put_together_in_few_steps(monkeypatch):
    edited = []

    def count(text, edits):
        edited.append(text)
        return apply_edits(text, edits)

    monkeypatch.setattr(fixes, "apply_edits", count)
    text = "x\n" * 200
    places = [Place("a.py", line, 1, line, 2) for line in range(1, 201)]
    found = [late_at(place) for place in places]
    outcome = apply(Result(tuple(found), {"a.py": text}, ()), lambda texts: Result((), texts, ()), everything)

    assert "y\n" * 200 == outcome.changes["a.py"].after
    assert 10 > len(edited)


def late_at(place: Place) -> Finding:
    return Finding(place, f"expired {place.line}", fix=Fix((Edit(place, "y"),), Safety.SAFE, "keep"), code="OL101")
