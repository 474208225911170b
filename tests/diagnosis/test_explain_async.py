from __future__ import annotations

import re

import pytest

pytest.importorskip("greenlet", reason="SQLAlchemy's async half needs greenlet")

from outlive import explain
from tests.databases import UNAWAITED, VERSION, let_go
from tests.diagnosis.async_programs import ASYNC, one_session_in_two_tasks, relationship_whose_read_flushes
from tests.diagnosis.failing import async_error_of
from tests.diagnosis.programs import Failing

pytestmark = pytest.mark.filterwarnings(UNAWAITED)


@pytest.fixture(params=ASYNC, ids=str)
def failing(request: pytest.FixtureRequest) -> Failing:
    if request.param.program is one_session_in_two_tasks and VERSION < (2, 0, 20):
        pytest.skip("early releases of SQLAlchemy 2.0 notice two tasks too late, and may hang")
    return request.param


@pytest.fixture
def explanation(failing, async_database):
    error = async_error_of(failing.program, async_database)
    explanation = explain(error)
    let_go(error)
    return explanation


def test_names_the_object_its_state_and_the_hazard(failing, explanation):
    assert failing == Failing(
        failing.program,
        explanation.hazard,
        explanation.entity,
        explanation.identity_key,
        explanation.attribute,
        explanation.state,
    )


def test_points_at_the_line_that_failed(failing, explanation):
    assert failing.line == str(explanation.where[-1].place)


def test_what_expired_after_the_read_is_no_cause_of_it(async_database):
    error = async_error_of(relationship_whose_read_flushes, async_database)
    explanation = explain(error)
    let_go(error)

    assert "expired" not in explanation.why


def test_speaks_of_async_sessions(failing, explanation):
    synchronous = r"(?<!await )\bsession\.(execute|flush|get|merge|refresh|rollback)\(|\bsessionmaker\(|`with "

    assert [] == [remedy for remedy in explanation.remedies if re.search(synchronous, remedy)]
