"""``outlive explain``: a hazard's text, or the list."""

from __future__ import annotations

import pytest

from outlive.hazards.catalog import all_hazards


def test_without_argument_every_hazard_is_a_line(outlive):
    answer = outlive("explain")
    rows = [line.split(maxsplit=2) for line in answer.out.splitlines()]

    expected = [[hazard.code, hazard.name, hazard.summary.replace("``", "`")] for hazard in all_hazards()]
    assert (0, expected) == (answer.code, rows)


@pytest.mark.parametrize("hazard", all_hazards(), ids=lambda hazard: hazard.name)
def test_a_hazard_is_explained_from_its_summary_to_its_examples(outlive, hazard):
    answer = outlive("explain", hazard.code)
    code = "".join(line.removeprefix("    ") for line in answer.out.splitlines(keepends=True))

    assert answer.out.startswith(
        f"{hazard.code} {hazard.name}\n\n{hazard.summary.replace('``', '`')}\n\nWhy it matters\n"
    )
    assert hazard.bad.strip("\n") in code
    assert hazard.good.strip("\n") in code
    assert answer.out.endswith(f"\nMore: https://outlive.readthedocs.io/hazards/{hazard.name}/\n")


@pytest.mark.parametrize("handle", ["OL201", "ol201", "lazy-read-after-close", "Lazy-Read-After-Close"])
def test_a_code_and_a_name_are_the_same_in_any_case(outlive, handle):
    assert outlive("explain", "OL201") == outlive("explain", handle)


@pytest.mark.parametrize(
    ("handle", "hint"),
    [
        ("lazy-read-after-closing", "did you mean lazy-read-after-close? "),
        ("lazy_read_after_close", "did you mean lazy-read-after-close? "),
        ("OL20", "did you mean OL202? "),
        ("zzz", ""),
    ],
)
def test_an_unknown_hazard_is_exit_code_2_with_the_near_match(outlive, handle, hint):
    answer = outlive("explain", handle)

    expected = f"error: {handle!r} is not a code or name of a hazard; {hint}`outlive explain` lists them\n"
    assert (2, "", expected) == (answer.code, answer.out, answer.err)


def test_the_bad_example_says_what_it_raises(outlive):
    assert "\nBad (raises SQLAlchemy's error bhk3, https://sqlalche.me/e/20/bhk3)\n" in outlive("explain", "OL201").out
    assert "\nBad (raises SyntaxError)\n" in outlive("explain", "OL001").out


def test_a_hazard_without_examples_has_no_empty_headings(outlive):
    lines = outlive("explain", "OL002").out.splitlines()

    assert [] == [line for line in lines if line.startswith(("Bad", "Good"))]
