from __future__ import annotations

import gc
import re

import pytest

pytest.importorskip("greenlet", reason="SQLAlchemy's async half needs greenlet")

from sqlalchemy.ext.asyncio import AsyncSession

from outlive import explain
from tests.databases import UNAWAITED, VERSION, let_go
from tests.diagnosis.async_programs import ASYNC, one_session_in_two_tasks, relationship_whose_read_flushes
from tests.diagnosis.failing import async_error_of
from tests.diagnosis.programs import Failing
from tests.shelf import Author

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


def test_a_property_that_a_serializer_read(async_database):
    pydantic = pytest.importorskip("pydantic")
    schema = pydantic.create_model("Schema", __config__={"from_attributes": True}, titles=list[str])

    async def validate(engine):
        async with AsyncSession(engine) as session:
            schema.model_validate(await session.get(Author, 1))

    error = async_error_of(validate, async_database)
    explanation = explain(error)
    let_go(error)
    gc.collect()  # pydantic has dropped the error itself: its frames wait, in a cycle, for a later test

    assert ("sql-outside-greenlet", "titles") == (explanation.hazard, explanation.attribute)
    assert "`Author.titles` of `Author (1,)` was read" in explanation.what
    assert "Load what is read" in explanation.remedies[0]


def test_speaks_of_async_sessions(failing, explanation):
    synchronous = r"(?<!await )\bsession\.(execute|flush|get|merge|refresh|rollback)\(|\bsessionmaker\(|`with "

    assert [] == [remedy for remedy in explanation.remedies if re.search(synchronous, remedy)]
