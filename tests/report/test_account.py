"""What is known at a line, as text."""

from __future__ import annotations

from outlive.check.flow.known import Known, Names
from outlive.check.flow.witness import Account, View
from outlive.lifecycle.places import Place
from outlive.report.account import CONTEXTS, render

LINE = Place("shop/orders.py", 41)
SESSION = Known("session", "Session, a commit expires its objects")
LOADED = Known("order", "Order, persistent in session", (("loaded", "id, total"), ("not loaded", "items")))
EXPIRED = Known("order", "Order, persistent in session", (("expired by the commit at shop/orders.py:41", "all"),))
BEFORE = Names((SESSION, LOADED), ("limit",))
AFTER = Names((SESSION, EXPIRED), ("limit",))


def lines(*views: View, place: Place = LINE, given_up: bool = False) -> list[str]:
    return render(Account(place, "pay", views, given_up), 41).splitlines()


def test_names_are_told_before_the_line_and_what_has_changed_after_it():
    expected = """\
shop/orders.py:41 in pay

  session  Session, a commit expires its objects
  order    Order, persistent in session
             loaded: id, total
             not loaded: items
  not known: limit

After the line

  order  Order, persistent in session
           expired by the commit at shop/orders.py:41: all
"""
    assert expected.splitlines() == lines(View((), (BEFORE,), (AFTER,)))


def test_what_differs_between_paths_is_told_of_each():
    told = lines(View((), (BEFORE, AFTER), ()))

    assert "  or       Order, persistent in session" in told
    assert 1 == sum("Session" in line for line in told)


def test_a_caller_that_brings_nothing_new_is_left_out():
    alone, called = View((), (BEFORE,), ()), View((Place("shop/api.py", 9),), (BEFORE,), ())

    assert lines(alone) == lines(alone, called)


def test_callers_are_named_the_first_of_them():
    views = [
        View((Place("shop/api.py", n),), (Names((Known("order", f"Order, loaded at {n}"),), ()),), ())
        for n in range(CONTEXTS + 2)
    ]
    told = lines(*views)

    assert [f"When it is called at shop/api.py:{n}" for n in range(CONTEXTS)] == [
        line for line in told if line.startswith("When")
    ]
    assert "2 more callers know something else." == told[-1]


def test_a_line_that_no_path_reaches():
    assert ["shop/orders.py:41 in pay", "", "No path was seen that leads here."] == lines()


def test_another_line_than_the_one_that_was_asked_for_says_so():
    first, *_ = lines(place=Place("shop/orders.py", 43))

    assert "shop/orders.py:43 in pay, the next after line 41 at which anything happens" == first


def test_a_function_that_was_given_up_says_so():
    assert "The function was left before its end, because it has too many paths." == lines(given_up=True)[-1]


def test_a_module_without_names_says_so():
    told = render(Account(LINE, "", (View((), (Names((), ()),), ()),), given_up=False), 41).splitlines()

    assert [
        "shop/orders.py:41 at the top of the module",
        "",
        "  No name here stands for a session or an object of one.",
    ] == told


def test_long_lines_are_folded_under_their_beginning():
    known = Known("order", "Order", (("loaded", ", ".join(f"column_{n}" for n in range(12))),))
    told = render(Account(LINE, "pay", (View((), (Names((known,), ()),), ()),), given_up=False), 41, width=70)

    assert all(len(line) <= 70 for line in told.splitlines())


def test_names_cannot_change_the_terminal():
    known = Known("order", "Order, loaded at a\x1b[31m.py:1")

    assert "\x1b" not in render(Account(LINE, "pay", (View((), (Names((known,), ()),), ()),), given_up=False), 41)
