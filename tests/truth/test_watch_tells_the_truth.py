"""Generated programs, watched: the places that an explanation names are those where the program did it.

``python -m tests.truth --watch`` judges many more.
"""

from __future__ import annotations

import pytest

pytest.importorskip("aiosqlite", reason="half of the programs are async")
pytest.importorskip("sqlalchemy", minversion="2.0.13", reason="AsyncAttrs, which the programs use, is new in 2.0.13")

from tests.truth.watching import judge_watched

SEEDS = range(1000, 1030)


@pytest.mark.parametrize("is_async", [False, True])
def test_the_places_are_those_of_the_program(is_async: bool) -> None:
    judged, wrong = judge_watched(SEEDS, is_async=is_async)

    assert not wrong, f"{len(wrong)} of {judged}\n{wrong[0]}"
    assert judged > 100
