"""Findings as rustc draws them."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

from outlive.check.findings import Confidence, Safety, Severity
from outlive.lifecycle.places import Place
from outlive.report import text
from tests.report.findings import KEEP, LATE, TEXTS


def drawn(*findings, texts=None, **options) -> str:
    return text.render(findings, TEXTS if texts is None else texts, **{"checked": 2, **options})


def lines_with(part: str, shown: str) -> list[str]:
    return [line for line in shown.splitlines() if part in line]


def test_a_finding_shows_the_read_and_every_step_that_leads_there():
    expected = """\
error[OL101] read-after-commit-and-close: latest().items is not loaded and its session is closed
  --> shop/orders.py:12:7
   |
 5 |         order = session.get(Order, 1)
   |                 --------------------- loaded here
 6 |
 7 |         session.commit()
   |         ---------------- expired here
...
12 | print(latest().items)
   |       ^^^^^^^^^^^^^^
   |
  ::: shop/db.py:3:16
   |
 3 | SessionLocal = sessionmaker(engine)
   |                -------------------- objects of this factory expire on commit
   |
   = help: load items with the query
   = help: add expire_on_commit=False [fix: safe]

Found 1 problem in 1 file; 2 files checked. 1 fixable with --fix.
"""

    assert expected == drawn(LATE)


def test_nothing_found_is_good_news():
    assert "All good: 41 files checked.\n" == drawn(checked=41)
    assert "All good: 1 file checked.\n" == drawn(checked=1)


def test_the_summary_counts_problems_advice_files_and_fixes():
    advice = replace(
        LATE, place=Place("shop/db.py", 3), severity=Severity.ADVICE, fix=replace(KEEP, safety=Safety.REVIEW)
    )
    found = drawn(LATE, LATE, advice, checked=41)

    expected = (
        "Found 3 problems (1 advice) in 2 files; 41 files checked. "
        "2 fixable with --fix, 1 more with --fix --unsafe-fixes."
    )
    assert expected == found.splitlines()[-1]


def test_the_summary_without_safe_fixes_names_the_others():
    found = drawn(replace(LATE, fix=replace(KEEP, safety=Safety.REVIEW)))

    assert "Found 1 problem in 1 file; 2 files checked. 1 fixable with --fix --unsafe-fixes." == found.splitlines()[-1]


def test_the_summary_without_fixes_names_none():
    assert "Found 1 problem in 1 file; 2 files checked." == drawn(replace(LATE, fix=None)).splitlines()[-1]


def test_advice_is_called_advice():
    assert drawn(replace(LATE, severity=Severity.ADVICE)).startswith("advice[OL101] read-after-commit-and-close: ")


def test_what_is_only_likely_says_so():
    note = "   = note: fails on a path that the code allows, not on every path"

    assert [note] == lines_with("note:", drawn(replace(LATE, confidence=Confidence.LIKELY)))
    assert [] == lines_with("note:", drawn(LATE))


def test_a_fix_that_a_person_reviews_is_marked():
    shown = drawn(replace(LATE, fix=replace(KEEP, safety=Safety.REVIEW)))

    assert ["   = help: add expire_on_commit=False [fix: --unsafe-fixes]"] == lines_with("[fix:", shown)


def test_help_that_is_the_fix_is_said_once():
    shown = drawn(replace(LATE, help=KEEP.message))

    assert ["   = help: add expire_on_commit=False [fix: safe]"] == lines_with("help:", shown)


def test_without_help_and_fix_the_hazards_text_is_named():
    shown = drawn(replace(LATE, help=None, fix=None))

    assert ["   = help: `outlive explain OL101` says what to do"] == lines_with("help:", shown)


def test_long_help_is_wrapped_to_the_terminal():
    shown = drawn(replace(LATE, help="load it with the query " * 6, fix=None), width=60)
    first, second, *_ = shown[shown.index("   = help") :].splitlines()

    assert "   = help: load it with the query load it with the query" == first
    assert "           load it with the query load it with the query" == second


def test_the_same_step_twice_is_shown_once():
    assert drawn(LATE) == drawn(replace(LATE, evidence=LATE.evidence * 2))


def test_a_step_at_the_place_of_the_read_is_shown_above_it():
    shown = drawn(replace(LATE, evidence=(replace(LATE.evidence[0], place=LATE.place),)))

    expected = [
        "12 | print(latest().items)",
        "   |       -------------- loaded here",
        "   |       ^^^^^^^^^^^^^^",
    ]
    assert expected == shown.splitlines()[3:6]


def test_without_source_the_steps_are_notes():
    shown = drawn(LATE, texts={}).splitlines()

    expected = [
        "  --> shop/orders.py:12:7",
        "   = note: line 5: loaded here",
        "   = note: line 7: expired here",
        "  ::: shop/db.py:3:16",
        "   = note: line 3: objects of this factory expire on commit",
    ]
    assert expected == shown[1:6]


def test_a_finding_about_a_whole_file_needs_no_source():
    finding = replace(LATE, place=Place("bad.py", 1), evidence=(), help=None, fix=None, code="OL002", message="too big")

    assert " --> bad.py:1:1\n  = help: `outlive explain OL002` says what to do\n" in drawn(finding)


def test_what_programs_contain_cannot_control_the_terminal():
    evil = "\x1b]0;title\x07\r\n\u202e"
    shown = drawn(
        replace(
            LATE,
            place=Place(f"{evil}.py", 1),
            message=evil,
            help=evil,
            evidence=(replace(LATE.evidence[0], message=evil),),
        ),
        texts={f"{evil}.py": "\x1b[2J", "shop/orders.py": LATE.place.filename},
    )

    assert set() == set(shown) & set("\x1b\x07\r\u202e")


def test_findings_are_separated_by_an_empty_line():
    assert 3 == len(drawn(LATE, LATE).split("\n\n"))


def test_lines_are_counted_as_python_counts_them():
    finding = replace(LATE, place=Place("a.py", 2, 1, 2, 2), evidence=())

    assert ["2 | b"] == lines_with("2 |", drawn(finding, texts={"a.py": "a\f\u2028\r\nb\rc"}))


def test_in_colour_the_text_is_the_same():
    coloured = drawn(LATE, colour=True)

    assert "\x1b[1;31merror[OL101]\x1b[0m" in coloured
    assert drawn(LATE) == re.sub(r"\x1b\[[0-9;]*m", "", coloured)


def test_rich_is_imported_for_colour_and_wide_characters_only():
    program = (
        "import sys\nfrom outlive.report import text\ntext.render([], {}, checked=1)\nprint('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "False\n" == done.stdout
