"""The table of what was understood."""

from __future__ import annotations

from outlive.check.flow.census import Coverage, Share
from outlive.report.coverage import SHOWN, render

ALL = Coverage(Share(3, 3), Share(4, 4), Share(0, 0), Share(999, 1000), Share(1200, 4800), ())


def test_every_count_is_a_line():
    expected = """\
What was understood

  functions  100 %              3 of 3  that work with sessions, followed to the end
  sessions   100 %              4 of 4  uses, of a session whose expire_on_commit is known
  queries        -              0 of 0  that run, where it is known what they load
  objects     99 %        999 of 1,000  reads of mapped attributes, where it is known whether there is a value
  calls       25 %      1,200 of 4,800  where it is known what is called
"""
    assert expected == render(ALL)


def test_functions_that_were_given_up_are_named_the_first_of_them():
    many = tuple((f"shop/{n:02}.py", "Shop.run") for n in range(SHOWN + 2))
    lines = render(Coverage(*[Share(0, 0)] * 5, given_up=many)).splitlines()

    assert "Left before their end, because they have too many paths:" == lines[-SHOWN - 2]
    assert ["  shop/00.py: Shop.run", "  and 2 more"] == [lines[-SHOWN - 1], lines[-1]]


def test_names_cannot_change_the_terminal():
    assert "\x1b" not in render(Coverage(*[Share(0, 0)] * 5, given_up=(("a\x1b[31m.py", "f"),)))
