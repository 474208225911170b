"""All hazards at once: their examples are true, they are found, and their fixes help."""

from __future__ import annotations

import ast
from collections import Counter
from itertools import product

import pytest
from msgspec.structs import replace

from outlive.check.edits import apply_edits
from outlive.check.engine import check_source
from outlive.check.findings import Confidence, Finding, Fix, Safety
from outlive.check.flow import Flow
from outlive.check.flow.observations import Exit, LateRead, Loss
from outlive.hazards.catalog import Hazard, all_hazards
from outlive.lifecycle.places import Place
from tests.hazards.programs import BOOKSHOP, run_program

HAZARDS = all_hazards()
EXAMPLES = [hazard for hazard in HAZARDS if hazard.bad]
PARSED = [hazard for hazard in EXAMPLES if hazard.check]
FIXED = [
    "mixed-dependency-scopes",
    "response-reads-unloaded",
    "empty-response-after-commit",
    "commit-after-response",
    "eager-load-lost-at-commit",
    "expired-read-in-async",
    "factory-expires-on-commit",
    "key-read-before-flush",
    "lazy-read-after-close",
    "lazy-read-in-async",
    "merge-result-ignored",
    "missing-await",
    "no-such-session-method",
    "read-after-commit-and-close",
    "read-after-expunge",
    "read-blocked-by-raiseload",
]
"""Hazards whose bad example has a fix; for the others advice is better than an edit."""

PLACE = Place("shop.py", 3, 5, 3, 16)


def name(hazard: Hazard) -> str:
    return hazard.name


each_example = pytest.mark.parametrize("hazard", EXAMPLES, ids=name)
each_parsed_example = pytest.mark.parametrize("hazard", PARSED, ids=name)
each_fixed_example = pytest.mark.parametrize("hazard", [hazard for hazard in HAZARDS if hazard.name in FIXED], ids=name)


def check(text: str) -> tuple[Finding, ...]:
    return check_source(text, HAZARDS)


def fixes(text: str) -> list[Fix]:
    return [finding.fix for finding in check(text) if finding.fix]


def fixed(text: str) -> str:
    """The text after the first fix; several fixes may be the same edit."""
    found = fixes(text)
    return apply_edits(text, found[0].edits) if found else text


@each_example
def test_bad_fails_as_it_says(hazard: Hazard) -> None:
    need(hazard.bad)

    assert hazard.raises == run_program(hazard.bad).error


@each_example
def test_good_runs(hazard: Hazard) -> None:
    need(hazard.good)

    assert run_program(hazard.good).error is None


@each_example
def test_a_silent_harm_is_shown_by_the_last_line(hazard: Hazard) -> None:
    shows_it = hazard.bad.rstrip().splitlines()[-1].lstrip().startswith("assert ")

    assert shows_it == (hazard.raises is None)


@each_example
def test_bad_is_reported(hazard: Hazard) -> None:
    assert hazard.name in {finding.name for finding in check(BOOKSHOP + hazard.bad)}


@each_parsed_example
def test_bad_is_reported_where_it_fails(hazard: Hazard) -> None:
    need(hazard.bad)
    findings = [finding for finding in check(BOOKSHOP + hazard.bad) if finding.name == hazard.name]
    offset = BOOKSHOP.count("\n")
    places = {step.place for finding in findings for step in finding.evidence} | {finding.place for finding in findings}
    steps = {place.line - offset for place in places}
    failed = run_program(hazard.bad).lines

    assert failed == set() or failed & steps


@each_parsed_example
def test_bad_is_reported_with_evidence_and_help(hazard: Hazard) -> None:
    findings = [finding for finding in check(BOOKSHOP + hazard.bad) if finding.name == hazard.name]

    assert [(hazard.code, True) for _ in findings] == [(finding.code, bool(finding.help)) for finding in findings]
    if hazard.name != "no-such-session-method":
        assert all(finding.evidence for finding in findings)


@each_example
def test_good_is_silent(hazard: Hazard) -> None:
    assert () == check(BOOKSHOP + hazard.good)


def test_the_bookshop_is_silent() -> None:
    assert () == check(BOOKSHOP)


@each_fixed_example
def test_the_fix_makes_bad_run(hazard: Hazard) -> None:
    need(hazard.bad)
    after = run_program(fixed(BOOKSHOP + hazard.bad).removeprefix(BOOKSHOP))
    # A silent harm is asserted by the last line: once it is gone, the assertion fails.
    expected = "AssertionError" if hazard.raises is None else None

    assert expected == after.error


@each_fixed_example
def test_the_fix_silences_bad(hazard: Hazard) -> None:
    assert () == check(fixed(BOOKSHOP + hazard.bad))


@each_fixed_example
def test_fixing_twice_changes_nothing(hazard: Hazard) -> None:
    once = fixed(BOOKSHOP + hazard.bad)

    assert once == fixed(once)


@each_parsed_example
def test_only_listed_hazards_offer_a_fix(hazard: Hazard) -> None:
    offers = any(finding.fix for finding in check(BOOKSHOP + hazard.bad) if finding.name == hazard.name)

    assert offers == (hazard.name in FIXED)


@each_fixed_example
def test_windows_line_ends_survive_the_fix(hazard: Hazard) -> None:
    text = (BOOKSHOP + hazard.bad).replace("\n", "\r\n")

    assert fixed(BOOKSHOP + hazard.bad).replace("\n", "\r\n") == fixed(text)


@each_fixed_example
def test_the_fix_is_the_good_example(hazard: Hazard) -> None:
    after = fixed(BOOKSHOP + hazard.bad).removeprefix(BOOKSHOP)
    # What the silent harm asserts differs by nature.
    program = [line for line in hazard.good.splitlines() if not line.lstrip().startswith("assert ")]

    assert program == [line for line in after.splitlines() if not line.lstrip().startswith("assert ")]


def test_codes_and_names_are_unique() -> None:
    assert [] == [key for key, times in Counter(hazard.code for hazard in HAZARDS).items() if times > 1]
    assert [] == [key for key, times in Counter(hazard.name for hazard in HAZARDS).items() if times > 1]


def test_the_hazards_of_the_first_slice_are_there() -> None:
    expected = {
        "OL001": "syntax-error",
        "OL002": "unreadable-file",
        "OL101": "read-after-commit-and-close",
        "OL102": "read-after-rollback",
        "OL103": "expire-then-read",
        "OL104": "eager-load-lost-at-commit",
        "OL105": "server-value-expired-by-flush",
        "OL201": "lazy-read-after-close",
        "OL202": "read-after-expunge",
        "OL203": "read-blocked-by-raiseload",
        "OL301": "expired-read-in-async",
        "OL302": "lazy-read-in-async",
        "OL401": "factory-expires-on-commit",
        "OL501": "object-sent-to-queue",
        "OL601": "commit-after-response",
        "OL602": "response-reads-unloaded",
        "OL606": "mixed-dependency-scopes",
        "OL604": "empty-response-after-commit",
        "OL603": "key-read-before-flush",
        "OL701": "refresh-of-foreign-object",
        "OL702": "object-in-two-sessions",
        "OL703": "merge-result-ignored",
        "OL705": "no-such-session-method",
    }

    assert expected == expected | {hazard.code: hazard.name for hazard in HAZARDS if hazard.code in expected}


@pytest.mark.parametrize("hazard", HAZARDS, ids=name)
def test_every_text_has_its_parts(hazard: Hazard) -> None:
    parts = [line for line in hazard.text.splitlines() if line and not line.startswith(" ")]

    assert [hazard.summary, "Why it matters", "What to do", "Misses"] == parts
    assert hazard.summary.endswith(".")


@each_parsed_example
def test_examples_are_short(hazard: Hazard) -> None:
    for example in (hazard.bad, hazard.good):
        lines = [line for line in example.splitlines() if line.strip()]

        assert 3 <= len(lines) <= 14
        assert max(map(len, lines)) <= 110
        ast.parse(example)


def late_reads() -> list[LateRead]:
    """One of each kind that can be: a read on an attached object is async."""
    return [
        LateRead(
            place=PLACE,
            text="order.items",
            entity="Order",
            attribute="items",
            is_relationship=is_relationship,
            loss=loss,
            exit=exit_,
            is_async=is_async,
            was_eager=was_eager,
            evidence=(),
            load_fix=Fix((), Safety.REVIEW, "load"),
            keep_fix=Fix((), Safety.REVIEW, "keep"),
            confidence=Confidence.LIKELY,
        )
        for loss, exit_, is_relationship, is_async, was_eager in product(
            Loss, [Exit.CLOSE, Exit.EXPUNGE, None], [False, True], [False, True], [False, True]
        )
        if (exit_ or is_async) and (is_relationship or not was_eager)
    ]


@pytest.mark.parametrize("read", late_reads(), ids=repr)
def test_each_late_read_is_exactly_one_hazard(read: LateRead) -> None:
    flow = replace(Flow(), late_reads=(read,))
    found = [finding for hazard in HAZARDS if hazard.check for finding in hazard.check(flow)]

    assert 1 == len(found)


@pytest.mark.parametrize(
    ("loss", "exit_", "is_relationship", "was_eager", "expected"),
    [
        (Loss.COMMIT, Exit.CLOSE, False, False, "read-after-commit-and-close"),
        (Loss.COMMIT, Exit.EXPUNGE, False, False, "read-after-commit-and-close"),
        (Loss.COMMIT, Exit.CLOSE, True, False, "read-after-commit-and-close"),
        (Loss.COMMIT, Exit.CLOSE, True, True, "eager-load-lost-at-commit"),
        (Loss.COMMIT, None, True, True, "eager-load-lost-at-commit"),
        (Loss.COMMIT, None, True, False, "expired-read-in-async"),
        (Loss.COMMIT, None, False, False, "expired-read-in-async"),
        (Loss.FLUSH, None, False, False, "server-value-expired-by-flush"),
        (Loss.FLUSH, Exit.CLOSE, False, False, "server-value-expired-by-flush"),
        (Loss.REFRESH, None, True, False, "expired-read-in-async"),
        (Loss.REFRESH, Exit.CLOSE, False, False, "read-after-commit-and-close"),
        (Loss.REFRESH, Exit.CLOSE, True, False, "lazy-read-after-close"),
        (Loss.ROLLBACK, Exit.CLOSE, False, False, "read-after-rollback"),
        (Loss.ROLLBACK, None, True, True, "read-after-rollback"),
        (Loss.EXPIRE, Exit.CLOSE, False, False, "expire-then-read"),
        (Loss.EXPIRE, None, True, True, "expire-then-read"),
        (Loss.NEVER_LOADED, Exit.CLOSE, True, False, "lazy-read-after-close"),
        (Loss.NEVER_LOADED, Exit.CLOSE, False, False, "lazy-read-after-close"),
        (Loss.NEVER_LOADED, Exit.EXPUNGE, True, False, "read-after-expunge"),
        (Loss.NEVER_LOADED, None, True, False, "lazy-read-in-async"),
    ],
)
def test_the_cause_names_the_hazard(
    loss: Loss, exit_: Exit | None, is_relationship: bool, was_eager: bool, expected: str
) -> None:
    read = replace(
        late_reads()[0], loss=loss, exit=exit_, is_relationship=is_relationship, was_eager=was_eager, is_async=True
    )
    flow = Flow(late_reads=(read,))

    assert [expected] == [hazard.name for hazard in HAZARDS if hazard.check and list(hazard.check(flow))]


@pytest.mark.parametrize("read", late_reads(), ids=repr)
def test_messages_are_one_sentence_that_names_the_read(read: LateRead) -> None:
    flow = Flow(late_reads=(read,))
    (finding,) = [finding for hazard in HAZARDS if hazard.check for finding in hazard.check(flow)]

    assert finding.message.startswith("order.items ")
    assert not finding.message.endswith(".")
    assert Confidence.LIKELY == finding.confidence
    assert finding.help


@pytest.mark.parametrize("loss", [loss for loss in Loss if loss is not Loss.FLUSH])
def test_what_the_mapping_forbids_is_one_hazard_whatever_was_lost(loss: Loss) -> None:
    read = replace(late_reads()[0], loss=loss, exit=None, is_relationship=True, guard="raise")
    flow = Flow(guarded_reads=(read,))
    ((name, finding),) = [(hazard.name, found) for hazard in HAZARDS if hazard.check for found in hazard.check(flow)]

    assert "read-blocked-by-raiseload" == name
    assert finding.message.endswith('lazy="raise" forbids to load it on a read')
    assert finding.help


def need(text: str) -> None:
    """Skip where the driver or the queue of an example is not installed."""
    pytest.importorskip("aiosqlite", reason="the bookshop has an async engine")
    for library in ("celery", "fastapi", "pydantic"):
        if f"from {library}" in text:
            pytest.importorskip(library)
    if "TestClient" in text:
        pytest.importorskip("httpx")
