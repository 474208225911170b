"""Every edge-case file, held against the analyser: what is marked is found, and nothing else."""

from __future__ import annotations

import io
import re
import tokenize
from collections import Counter
from functools import cache
from importlib.metadata import version

import pytest

from outlive.check.edits import apply_edits
from outlive.check.engine import check_source
from outlive.check.findings import Finding
from outlive.hazards.catalog import all_hazards
from tests.hazards.marks import EDGE_CASES, EdgeCase, skip_without_its_libraries
from tests.hazards.programs import BOOKSHOP, OFFSET, run_cases

HAZARDS = all_hazards()
ADVICE = "factory-expires-on-commit"
TABBED = re.compile(r"^(?: {4})+")

each_edge_case = pytest.mark.parametrize("edge_case", EDGE_CASES, ids=str)


@cache
def checked(text: str) -> list[Finding]:
    return check_source(text, HAZARDS)


def findings_in(text: str) -> list[Finding]:
    """What is found below the bookshop.  Above, its async factory may earn advice."""
    found = checked(text)
    above = {finding.name for finding in found if finding.place.line <= OFFSET}

    assert above <= {ADVICE}
    return [finding for finding in found if finding.place.line > OFFSET]


def lines_and_names(text: str) -> set[tuple[int, str]]:
    return {(finding.place.line - OFFSET, finding.name) for finding in findings_in(text)}


@each_edge_case
def test_exactly_the_marked_lines_are_found(edge_case: EdgeCase) -> None:
    expected = {(mark.line, mark.hazard) for mark in edge_case.marks if mark.kind == "finding"}

    assert expected == lines_and_names(BOOKSHOP + edge_case.text)


@each_edge_case
def test_messages_say_what_is_marked(edge_case: EdgeCase) -> None:
    messages = {
        (finding.place.line - OFFSET, finding.name): finding.message
        for finding in findings_in(BOOKSHOP + edge_case.text)
    }
    expected = {(mark.line, mark.hazard): mark.text for mark in edge_case.marks if mark.kind == "finding"}
    other = {key: (text, messages[key]) for key, text in expected.items() if text not in messages.get(key, text)}

    assert {} == other


@each_edge_case
def test_no_read_is_reported_twice(edge_case: EdgeCase) -> None:
    places = Counter((finding.place, finding.name) for finding in findings_in(BOOKSHOP + edge_case.text))

    assert {} == {place: times for place, times in places.items() if times > 1}


@each_edge_case
def test_windows_line_ends_change_nothing(edge_case: EdgeCase) -> None:
    text = BOOKSHOP + edge_case.text

    assert places_of(text) == places_of(text.replace("\n", "\r\n"))


@each_edge_case
def test_tabs_change_no_line(edge_case: EdgeCase) -> None:
    text = BOOKSHOP + edge_case.text

    assert lines_and_names(text) == lines_and_names(indented_by_tabs(text))


@each_edge_case
def test_fixes_parse_and_fixing_again_changes_nothing(edge_case: EdgeCase) -> None:
    once = fix_all(BOOKSHOP + edge_case.text)
    compile(once, "example.py", "exec")

    assert once == fix_all(once)


@each_edge_case
def test_fixes_remove_what_they_were_offered_for(edge_case: EdgeCase) -> None:
    text = BOOKSHOP + edge_case.text
    before = Counter(finding.name for finding in checked(text) if not finding.fix)

    assert Counter(finding.name for finding in check_source(fix_all(text), HAZARDS)) <= before


@each_edge_case
def test_fixes_hold_at_run_time(edge_case: EdgeCase) -> None:
    """After the fixes, only those cases fail that failed before without a fix being offered."""
    pytest.importorskip("aiosqlite", reason="the bookshop has an async engine")
    if sqlalchemy_version() < edge_case.since:
        pytest.skip(f"needs SQLAlchemy {'.'.join(map(str, edge_case.since))}")
    skip_without_its_libraries(edge_case)
    text = BOOKSHOP + edge_case.text
    fixable = {finding.place.line - OFFSET for finding in findings_in(text) if finding.fix and harms_loudly(finding)}
    if not fixable:
        return
    before = {outcome.call for outcome in run_cases(edge_case.text, frozenset()) if outcome.lines & fixable}
    after = fix_all(text)
    # The fix of a factory that the cases share lies in the bookshop.
    start = after.index(edge_case.text.partition("\n")[0])
    outcomes = run_cases(after[start:], frozenset(), bookshop=after[:start])
    failing = {outcome.call for outcome in outcomes if outcome.error}

    assert before
    assert set() == before & failing


def sqlalchemy_version() -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version("sqlalchemy"))[:3])


def harms_loudly(finding: Finding) -> bool:
    return next(hazard for hazard in HAZARDS if hazard.name == finding.name).raises is not None


def places_of(text: str) -> list[tuple[str, int, int, int | None, int | None]]:
    return [
        (finding.name, finding.place.line, finding.place.column, finding.place.end_line, finding.place.end_column)
        for finding in checked(text)
    ]


def fix_all(text: str) -> str:
    """Apply every fix."""
    return apply_edits(text, [edit for finding in checked(text) if finding.fix for edit in finding.fix.edits])


def indented_by_tabs(text: str) -> str:
    """The text with each indentation of four blanks made a tab; the inside of strings stays."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    inside = {row for token in tokens if token.type == tokenize.STRING for row in range(token.start[0], token.end[0])}
    return "".join(
        line if row in inside else TABBED.sub(lambda blanks: "\t" * (len(blanks[0]) // 4), line)
        for row, line in enumerate(text.splitlines(keepends=True))
    )
