from __future__ import annotations

from dataclasses import replace

from outlive.lifecycle.evidence import Evidence
from outlive.lifecycle.explanation import Explanation
from outlive.lifecycle.places import Place

EXPLANATION = Explanation(
    hazard="lazy-read-after-close",
    what="`Author.books` was read on a detached `Author (1,)`.",
    where=(Evidence(Place("shop.py", 14), "loaded"), Evidence(Place("shop.py", 20), "read")),
    why="A detached object cannot load.",
    remedies=("Load it with the query.", "Read it earlier."),
)


def test_an_explanation_prints_what_where_why_and_what_to_do():
    expected = """\
`Author.books` was read on a detached `Author (1,)`.
  shop.py:14: loaded
  shop.py:20: read
A detached object cannot load.
  - Load it with the query.
  - Read it earlier.
More: outlive explain lazy-read-after-close"""

    assert expected == str(EXPLANATION)


def test_a_hazard_without_a_text_is_not_offered():
    assert "More:" not in str(replace(EXPLANATION, is_documented=False))


def test_explanations_are_values():
    assert replace(EXPLANATION) == EXPLANATION
    assert 1 == len({EXPLANATION, replace(EXPLANATION)})
