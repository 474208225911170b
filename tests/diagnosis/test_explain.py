from __future__ import annotations

import re

import pytest

from outlive import explain
from outlive.hazards.catalog import all_hazards
from tests.diagnosis.failing import error_of, explained
from tests.diagnosis.programs import SYNC, Failing, refresh_of_a_deleted_object, relationship_of_a_deleted_object


@pytest.fixture(params=SYNC, ids=str)
def failing(request: pytest.FixtureRequest) -> Failing:
    return request.param


def test_names_the_object_its_state_and_the_hazard(failing, sync_database):
    explanation = explained(failing.program, sync_database)

    assert (
        Failing(
            failing.program,
            explanation.hazard,
            explanation.entity,
            explanation.identity_key,
            explanation.attribute,
            explanation.state,
        )
        == failing
    )


def test_points_at_the_line_that_failed(failing, sync_database):
    explanation = explained(failing.program, sync_database)

    assert failing.line == str(explanation.where[-1].place)


def test_offers_the_text_of_a_hazard_that_has_one(failing, sync_database):
    explanation = explained(failing.program, sync_database)

    has_text = explanation.hazard in {hazard.name for hazard in all_hazards()}
    assert has_text == str(explanation).endswith(f"\nMore: outlive explain {explanation.hazard}")


@pytest.mark.parametrize("program", [refresh_of_a_deleted_object, relationship_of_a_deleted_object])
def test_nothing_brings_a_deleted_object_back(program, sync_database):
    explanation = explained(program, sync_database)

    assert "it was deleted, which takes an object out of its session" in explanation.why.casefold()
    assert not re.search(r"merge|refresh", " ".join(explanation.remedies))


def test_a_stripped_traceback_leaves_the_kind_of_the_error(failing, sync_database):
    error = error_of(failing.program, sync_database)
    explanation = explain(error.with_traceback(None))

    assert () == explanation.where
    # Without its object, nothing tells that the attribute had been loaded, or how its value was lost.
    has_lost = failing.hazard in {"eager-load-lost-at-commit", "read-after-rollback", "expire-then-read"}
    by_name = {"books": "lazy-read-after-close", "works": "lazy-read-after-close"}
    expected = by_name.get(failing.attribute, "read-after-commit-and-close") if has_lost else failing.hazard
    assert expected == explanation.hazard
