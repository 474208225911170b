"""Generated programs: what raises is reported, and what is reported raises.

``python -m tests.truth`` judges many more.  Each bound is where the check stands today; it may only be tightened.
"""

from __future__ import annotations

import pytest

pytest.importorskip("aiosqlite", reason="half of the programs are async")
pytest.importorskip("sqlalchemy", minversion="2.0.13", reason="AsyncAttrs, which the programs use, is new in 2.0.13")

from tests.truth.__main__ import REPORTED, judge_seeds
from tests.truth.judging import Verdict

SEEDS = range(60)
FALSE_ALARMS = 0
OTHER_CAUSES = 1


@pytest.fixture(scope="module")
def verdict() -> Verdict:
    return judge_seeds(SEEDS)


def test_what_is_reported_raises(verdict: Verdict) -> None:
    false = verdict.of_kind("false alarm")

    assert len(false) <= FALSE_ALARMS, "\n\n".join(map(str, false))


def test_what_raises_is_reported(verdict: Verdict) -> None:
    assert verdict.judged["reported"] >= REPORTED * verdict.judged["raising reads"]


def test_the_cause_that_is_told_is_the_one_that_was_seen(verdict: Verdict) -> None:
    other = verdict.of_kind("other cause")

    assert len(other) <= OTHER_CAUSES, "\n\n".join(map(str, other))
