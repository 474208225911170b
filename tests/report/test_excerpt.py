"""Source lines with the places in them underlined."""

from __future__ import annotations

from outlive.lifecycle.places import Place
from outlive.report.excerpt import Mark, excerpt
from outlive.report.paint import Style, paint
from outlive.report.visible import cells


def drawn(text: str, *marks: tuple[int, str, str], width: int = 80) -> str:
    """An excerpt in which each mark is a line, a part of it and a label."""
    lines = text.split("\n")
    places = [mark(lines, *each) for each in marks]
    return paint(excerpt(places, lines, gutter=2, width=width), colour=False)


def mark(lines: list[str], line: int, part: str, label: str) -> Mark:
    column = lines[line - 1].index(part) + 1
    return Mark(Place("a.py", line, column, line, column + len(part)), label, Style.PLAIN)


def marked(text: str, place: Place, label: str = "") -> str:
    return paint(excerpt([Mark(place, label, Style.PLAIN)], text.split("\n"), gutter=2, width=80), colour=False)


def test_the_read_is_underlined_with_carets():
    assert " 1 | print(a.b)\n   |       ^^^\n" == drawn("print(a.b)", (1, "a.b", ""))


def test_evidence_is_underlined_with_its_label():
    assert " 1 | s.commit()\n   | ---------- expired here\n" == drawn("s.commit()", (1, "s.commit()", "expired here"))


def test_marks_stand_in_the_order_of_lines():
    expected = " 1 | a\n   | - first\n 2 | b\n   | ^\n"

    assert expected == drawn("a\nb", (2, "b", ""), (1, "a", "first"))


def test_marks_of_one_line_have_a_line_each_in_the_order_given():
    expected = " 1 | f(a, b)\n   |      - loaded here\n   |   - closed here\n   | ^^^^^^^\n"

    assert expected == drawn("f(a, b)", (1, "b", "loaded here"), (1, "a", "closed here"), (1, "f(a, b)", ""))


def test_lines_left_out_are_dots():
    assert " 1 | a\n   | - x\n...\n 4 | d\n   | ^\n" == drawn("a\nb\nc\nd", (1, "a", "x"), (4, "d", ""))


def test_a_single_line_between_is_shown():
    assert " 1 | a\n   | - x\n 2 | b\n 3 | c\n   | ^\n" == drawn("a\nb\nc", (1, "a", "x"), (3, "c", ""))


def test_tabs_are_four_columns():
    assert " 1 |     f(    a)\n   |           ^\n" == drawn("\tf(\ta)", (1, "a", ""))


def test_wide_characters_take_two_columns():
    assert ' 1 | f("注文", a.b)\n   |           ^^^\n' == drawn('f("注文", a.b)', (1, "a.b", ""))


def test_an_underline_is_as_wide_as_what_it_underlines():
    assert " 1 | f(注文)\n   |   ^^^^\n" == drawn("f(注文)", (1, "注文", ""))


def test_control_characters_are_escaped_and_measured():
    assert ' 1 | f("\\x1b[2J", a)\n   |              ^\n' == drawn('f("\x1b[2J", a)', (1, "a", ""))


def test_a_span_over_lines_is_underlined_to_the_end_of_the_first():
    text = "x = q(  \n    a,\n)"

    assert " 1 | x = q(\n   |     -- loaded here\n" == marked(text, Place("a.py", 1, 5, 3, 2), "loaded here")


def test_a_line_without_columns_is_underlined_whole():
    assert " 1 |     a = b\n   |     ^^^^^\n" == marked("    a = b  ", Place("a.py", 1))


def test_an_empty_span_is_one_column():
    assert " 1 | f()\n   |   ^\n" == marked("f()", Place("a.py", 1, 3, 1, 3))


def test_a_place_outside_the_text_does_no_harm():
    assert " 1 | f()\n   |    ^\n" == marked("f()", Place("a.py", 1, 90, 1, 99))
    assert " 9 |\n   | ^\n" == marked("f()", Place("a.py", 9, 1, 9, 5))
    assert " 1 | f()\n   |   ^\n" == marked("f()", Place("a.py", 1, 3, 1, 2))


def test_a_label_that_does_not_fit_beside_goes_below():
    text = "x = " + "a" * 20
    expected = f" 1 | {text}\n   |     {'-' * 20}\n   |     loaded here by this query\n"

    assert expected == drawn(text, (1, "a" * 20, "loaded here by this query"), width=45)


def test_a_label_that_does_not_fit_below_moves_left_and_breaks():
    text = "x = " + "a" * 20
    expected = f" 1 | {text}\n   |     {'-' * 20}\n   | loaded here by a query of\n   | another function\n"

    assert expected == drawn(text, (1, "a" * 20, "loaded here by a query of another function"), width=30)


def test_a_long_line_is_clipped_around_the_mark():
    text = "[" + "a, " * 100 + "order.items" + ", b" * 100 + "]"
    shown = drawn(text, (1, "order.items", ""), width=50)
    code, underline = shown.splitlines()

    assert " 1 | ... a, a, a, a, order.items, b, b, b, b, b..." == code
    assert code.index("order.items") == underline.index("^")
    assert "^" * 11 == underline.strip(" |")


def test_a_mark_near_the_start_of_a_long_line_clips_the_end_only():
    shown = drawn("order.items" + ", b" * 100, (1, "order.items", ""), width=40)

    assert " 1 | order.items, b, b, b, b, b, b, b...\n   | ^^^^^^^^^^^\n" == shown


def test_marks_far_apart_on_a_long_line_have_a_clipping_each():
    text = "first" + ", b" * 100 + ", last"
    first, label, last, underline = drawn(text, (1, "first", "loaded here"), (1, "last", ""), width=40).splitlines()

    assert "first" in first
    assert label.endswith("----- loaded here")
    assert "last" in last
    assert last.index("last") == underline.index("^^^^")


def test_nothing_is_wider_than_the_terminal():
    text = "注" * 300 + "\x1b" * 300 + "order.items" + "é\t" * 300
    for width in (40, 80, 120):
        shown = drawn(text, (1, "order.items", ""), (1, "注" * 300, "a label of some length " * 5), width=width)

        assert width >= max(map(cells, shown.splitlines()))


def test_a_mark_longer_than_the_terminal_is_clipped_with_its_line():
    code, underline = drawn("a" * 500, (1, "a" * 500, ""), width=40).splitlines()

    assert " 1 | " + "a" * 32 + "..." == code
    assert "   | " + "^" * 32 == underline


def test_a_megabyte_on_one_line_is_drawn():
    text = "a" * 1_000_000 + "order.items" + "b" * 1_000_000

    assert "order.items" in drawn(text, (1, "order.items", ""))
