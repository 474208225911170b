"""Text edits: exact, byte for byte outside their spans."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outlive.check.edits import apply_edits, diff
from outlive.check.findings import Edit
from outlive.lifecycle.places import Place


def edit(line: int, column: int, end_line: int, end_column: int, text: str) -> Edit:
    return Edit(Place("shop.py", line, column, end_line, end_column), text)


def insertion(line: int, column: int, text: str) -> Edit:
    return edit(line, column, line, column, text)


def test_a_span_is_replaced():
    assert "a = 2\nb = 3\n" == apply_edits("a = 1\nb = 3\n", [edit(1, 5, 1, 6, "2")])


def test_an_empty_span_inserts():
    assert "f(a, b)\n" == apply_edits("f(a)\n", [insertion(1, 4, ", b")])


def test_a_span_may_go_over_lines():
    assert "f(x)\n" == apply_edits("f(\n    a,\n    b,\n)\n", [edit(1, 3, 4, 1, "x")])


def test_no_edits_change_nothing():
    assert "a = 1" == apply_edits("a = 1", [])


def test_edits_may_be_given_in_any_order():
    edits = [insertion(2, 1, "y = "), insertion(1, 1, "x = ")]

    assert "x = a\ny = b\n" == apply_edits("a\nb\n", edits)


def test_a_place_after_the_last_newline_is_the_end_of_the_text():
    assert "a\nb\n" == apply_edits("a\n", [insertion(2, 1, "b\n")])


def test_an_empty_text_can_be_edited():
    assert "import x\n" == apply_edits("", [insertion(1, 1, "import x\n")])


def test_columns_count_characters_also_outside_the_basic_plane():
    assert "s = '😀é' + t\n" == apply_edits("s = '😀é'\n", [insertion(1, 9, " + t")])


def test_a_tab_is_one_column():
    assert "\treturn b\n" == apply_edits("\treturn a\n", [edit(1, 9, 1, 10, "b")])


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_newlines_are_kept(newline):
    text = newline.join(["a", "b", "c", ""])

    assert newline.join(["a", "x", "c", ""]) == apply_edits(text, [edit(2, 1, 2, 2, "x")])


@pytest.mark.parametrize("character", ["\f", "\v", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_other_separators_end_no_line(character):
    assert f"a{character}b\nx\n" == apply_edits(f"a{character}b\nc\n", [edit(2, 1, 2, 2, "x")])


def test_identical_edits_count_once():
    assert "import x\na\n" == apply_edits("a\n", [insertion(1, 1, "import x\n"), insertion(1, 1, "import x\n")])


def test_different_insertions_at_one_point_are_made_in_the_order_given():
    assert "q.b().a()\n" == apply_edits("q\n", [insertion(1, 2, ".b()"), insertion(1, 2, ".a()")])


def test_an_insertion_may_touch_a_replacement_on_both_sides():
    edits = [insertion(1, 1, "<"), edit(1, 1, 1, 3, "xy"), insertion(1, 3, ">")]

    assert "<xy>c" == apply_edits("abc", edits)


@pytest.mark.parametrize(
    "second",
    [edit(1, 3, 1, 6, "y"), edit(1, 2, 1, 5, "y"), insertion(1, 3, "y"), edit(1, 1, 1, 8, "y")],
    ids=["crossing", "same span", "insertion inside", "around"],
)
def test_overlapping_edits_are_refused_with_both_places(second):
    with pytest.raises(ValueError, match="edits overlap") as caught:
        apply_edits("abcdefgh", [edit(1, 2, 1, 5, "x"), second])

    spans = [f"shop.py:1:{one.place.column}-1:{one.place.end_column}" for one in (edit(1, 2, 1, 5, "x"), second)]
    assert [] == [span for span in spans if span not in str(caught.value)]


@pytest.mark.parametrize(
    "outside",
    [edit(3, 1, 3, 1, ""), edit(1, 3, 1, 3, ""), edit(1, 2, 1, 1, ""), edit(0, 1, 1, 1, ""), edit(1, 1, 2, 2, "")],
)
def test_an_edit_outside_the_text_is_refused(outside):
    with pytest.raises(ValueError, match=r"^edit outside the text: shop\.py:"):
        apply_edits("a\n", [outside])


def test_an_edit_without_an_end_is_refused():
    with pytest.raises(ValueError, match=r"^edit without an end: shop\.py:1:1"):
        apply_edits("a\n", [Edit(Place("shop.py", 1), "x")])


def test_the_end_of_a_line_lies_before_its_newline():
    assert "ab\r\n" == apply_edits("a\r\n", [insertion(1, 2, "b")])


@given(st.text(st.sampled_from("ab\té😀\n\r\f\u2028")), st.data())
def test_replacing_a_span_by_itself_changes_nothing(text, data):
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    places = [(line, column) for line, content in enumerate(lines, 1) for column in range(1, len(content) + 2)]
    start, end = sorted(data.draw(st.tuples(st.sampled_from(places), st.sampled_from(places))))
    gone = apply_edits(text, [edit(*start, *end, "")])
    kept = len(text) - len(gone)
    before = len(apply_edits(text, [edit(*start, *places[-1], "")]))

    assert text == apply_edits(text, [edit(*start, *end, text[before : before + kept])])


def test_a_diff_of_equal_texts_is_empty():
    assert "" == diff("shop.py", "a\n", "a\n")


def test_a_diff_names_the_file_and_the_lines():
    expected = "--- shop.py\n+++ shop.py\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"

    assert expected == diff("shop.py", "a\nb\n", "a\nc\n")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("end", ["", "x = 1\n", "\f\u2028"])
def test_git_applies_a_diff(tmp_path, newline, end):
    before = newline.join(["a", "b", "c", "d", "é", end])
    after = newline.join(["a", "b", "x", "d", "é", "y", end])
    (tmp_path / "shop.py").write_bytes(before.encode())

    command = ["git", "apply", "-p0", "--whitespace=nowarn", "-"]
    subprocess.run(command, cwd=tmp_path, input=diff("shop.py", before, after).encode(), check=True)

    assert after.encode() == (tmp_path / "shop.py").read_bytes()
