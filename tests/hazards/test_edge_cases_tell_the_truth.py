"""Every mark of every edge-case file, held against SQLAlchemy itself."""

from __future__ import annotations

import ast

import pytest
import sqlalchemy

from outlive.hazards.catalog import all_hazards
from tests.hazards.marks import EDGE_CASES, EdgeCase, skip_without_its_libraries
from tests.hazards.programs import Outcome, run_cases

pytest.importorskip("aiosqlite", reason="the bookshop has an async engine")

INSTALLED = tuple(int(part) for part in sqlalchemy.__version__.split(".")[:3] if part.isdigit())
LATE_READ = {"bhk3", "xd2s"}
RAISES = {hazard.name: hazard.raises for hazard in all_hazards()}
"""What a line that is reported raises; one hazard of late reads raises either code, sync or async."""

ADVICE = "factory-expires-on-commit"
"""Stands at the factory, which works; the read that fails is reported beside it."""


@pytest.fixture(params=EDGE_CASES, ids=str, scope="module")
def edge_case(request: pytest.FixtureRequest) -> EdgeCase:
    return request.param


@pytest.fixture(scope="module")
def outcomes(edge_case: EdgeCase) -> list[Outcome]:
    if INSTALLED < edge_case.since:
        pytest.skip(f"needs SQLAlchemy {'.'.join(map(str, edge_case.since))}")
    skip_without_its_libraries(edge_case)
    return list(run_cases(edge_case.text, frozenset(mark.line for mark in edge_case.marks)))


def test_every_marked_line_is_reached(edge_case: EdgeCase, outcomes: list[Outcome]) -> None:
    reached = {line for outcome in outcomes for line in outcome.seen}

    assert {mark.line for mark in edge_case.marks} == reached


def test_what_is_marked_as_failing_fails(edge_case: EdgeCase, outcomes: list[Outcome]) -> None:
    marked = {mark.line for mark in edge_case.marks if mark.kind in ("finding", "missed") and raises(mark.hazard)}
    failed = {line for outcome in outcomes for line in outcome.lines if outcome.error in raises_on(edge_case, line)}

    assert marked == marked & failed


def test_nothing_else_fails(edge_case: EdgeCase, outcomes: list[Outcome]) -> None:
    marked = {mark.line for mark in edge_case.marks if mark.kind in ("finding", "missed")}
    surprises = [outcome for outcome in outcomes if outcome.error and not outcome.lines & marked]

    assert [] == surprises


def test_a_silent_harm_is_shown_by_an_assertion(edge_case: EdgeCase) -> None:
    silent = {mark.line for mark in edge_case.marks if mark.kind == "finding" and RAISES[mark.hazard] is None}
    functions = [
        node for node in ast.walk(ast.parse(edge_case.text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    shown = {
        line
        for function in functions
        if any(isinstance(node, ast.Assert) for node in ast.walk(function))
        for line in range(function.lineno, (function.end_lineno or 0) + 1)
    }

    assert silent == silent & shown


def raises(hazard: str) -> set[str]:
    """The errors of a line that this hazard reports; none if the harm is silent."""
    code = RAISES[hazard]
    if code is None or hazard == ADVICE:
        return set()
    return LATE_READ if code in LATE_READ else {code}


def raises_on(edge_case: EdgeCase, line: int) -> set[str]:
    return {error for mark in edge_case.marks if mark.line == line for error in raises(mark.hazard)}
