"""Every mark of every edge-case file, held against SQLAlchemy itself."""

from __future__ import annotations

import ast

import pytest
import sqlalchemy

from outlive.hazards.catalog import all_hazards
from tests.hazards.marks import EDGE_CASES, EdgeCase, Mark, skip_without_its_libraries
from tests.hazards.programs import Outcome, run_cases

pytest.importorskip("aiosqlite", reason="the bookshop has an async engine")

INSTALLED = tuple(int(part) for part in sqlalchemy.__version__.split(".")[:3] if part.isdigit())
LATE_READ = {"bhk3", "xd2s"}
RAISES = {hazard.name: hazard.raises for hazard in all_hazards()}
"""What a line that is reported raises; one hazard of late reads raises either code, sync or async."""

SCHEMA = "response-reads-unloaded"
"""Each library fails in its own way: pydantic and msgspec with errors of their own, marshmallow with SQLAlchemy's."""

ADVICE = "factory-expires-on-commit"
"""Stands at the factory, which works; the read that fails is reported beside it."""

CAPTURED = "object-captured-by-task"
"""A task fails as any late read does, a listener because its session emits no SQL."""

SHARED = "session-shared-by-tasks"
"""What SQLAlchemy says depends on what the other one does just then."""

SILENT = "silent"
"""The mark of a line that does harm without an error."""

ELSEWHERE = {"object-sent-to-background-work", CAPTURED, "stream-outlives-session", SHARED}
"""What is handed over there fails somewhere else."""


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
    marked = {mark.line for mark in edge_case.marks if mark.kind in ("finding", "missed") and raises(mark)}
    failed = {
        line
        for outcome in outcomes
        for line in failing_lines(edge_case, outcome)
        if outcome.error in raises_on(edge_case, line)
    }

    assert marked == marked & failed


def test_nothing_else_fails(edge_case: EdgeCase, outcomes: list[Outcome]) -> None:
    marked = {mark.line for mark in edge_case.marks if mark.kind in ("finding", "missed")}
    surprises = [outcome for outcome in outcomes if outcome.error and not failing_lines(edge_case, outcome) & marked]

    assert [] == surprises


def test_a_silent_harm_is_shown_by_an_assertion(edge_case: EdgeCase, outcomes: list[Outcome]) -> None:
    """By the function around the line, or by the case that leads there."""
    silent = {mark.line for mark in edge_case.marks if mark.kind == "finding" and is_silent(mark)}
    asserting = [
        node
        for node in ast.walk(ast.parse(edge_case.text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(isinstance(inner, ast.Assert) for inner in ast.walk(node))
    ]
    around = {line for node in asserting for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    names = {node.name for node in asserting}
    reached = {line for outcome in outcomes for line in outcome.seen if outcome.call.partition("(")[0] in names}

    assert silent == silent & (around | reached)


def failing_lines(edge_case: EdgeCase, outcome: Outcome) -> frozenset[int]:
    """The lines of the traceback, and those that handed over what failed."""
    is_elsewhere = edge_case.hazard.name in ELSEWHERE
    found = [mark for mark in edge_case.marks if mark.kind == "finding"]
    handed = {mark.line for mark in found if is_elsewhere or mark.hazard in ELSEWHERE}
    return outcome.lines | (outcome.seen & handed)


def is_silent(mark: Mark) -> bool:
    return mark.harm == SILENT or RAISES[mark.hazard] is None


def raises(mark: Mark) -> set[str]:
    """The errors of a line that is marked; none if the harm is silent."""
    hazard = mark.hazard
    code = mark.harm or RAISES[hazard]
    if code is None or is_silent(mark) or hazard == ADVICE:
        return set()
    if hazard == SCHEMA:
        return {code, "ResponseValidationError", *LATE_READ}
    if hazard == CAPTURED:
        return {*LATE_READ, "InvalidRequestError"}  # In a listener.
    if hazard == SHARED:
        return {code, "InvalidRequestError", "ResourceClosedError"}
    return LATE_READ if code in LATE_READ else {code}


def raises_on(edge_case: EdgeCase, line: int) -> set[str]:
    return {error for mark in edge_case.marks if mark.line == line for error in raises(mark)}
