"""Bytes -> text, positions and suppressions."""

from __future__ import annotations

import pytest

from outlive.check.source import Source, UnreadableError, decode, pack, suppressions, unpack


@pytest.mark.parametrize("codec", ["undefined", "punycode", "hex", "nonsense", "utf-32"])
def test_a_codec_that_cannot_decode_the_file_is_a_clear_message(codec):
    with pytest.raises(UnreadableError, match="neither UTF-8 nor in an encoding that it declares: "):
        decode(f"# coding: {codec}\n#\n".encode())


def test_text_that_is_not_utf_8_and_declares_nothing_is_a_clear_message():
    with pytest.raises(UnreadableError, match="neither UTF-8 nor in an encoding that it declares: "):
        decode("s = 'é'\n".encode("latin-1"))


@pytest.mark.parametrize(
    "span", [(1, 0, 1, 0), (70_000, 9_000, 70_002, 60_000), (2_000_000, 65_535, 2_002_047, 65_535)]
)
def test_spans_are_kept_exactly(span):
    assert span == unpack(pack(*span))


@pytest.mark.parametrize("span", [(9**9, 0, 9**9, 0), (1, 9**9, 9**9, 9**9)])
def test_a_span_of_any_size_fits_into_64_bits(span):
    assert 0 <= pack(*span) < 2**64


@pytest.mark.parametrize(
    ("text", "newline"), [("", "\n"), ("a", "\n"), ("a\nb\r\n", "\n"), ("a\r\nb\n", "\r\n"), ("a\rb", "\r")]
)
def test_the_newline_is_that_of_the_first_line(text, newline):
    assert newline == Source("a.py", text).newline


@pytest.mark.parametrize(
    ("comment", "silenced"),
    [
        ("# noqa", []),
        ("#NOQA", []),
        ("# noqa: OL201", ["OL201"]),
        ("# noqa:ol201,E501", ["OL201", "E501"]),
        ("# noqa: OL201 OL302", ["OL201", "OL302"]),
        ("# noqa: lazy-read-after-close", ["LAZY-READ-AFTER-CLOSE"]),
        ("# type: ignore  # noqa: OL201", ["OL201"]),
        ("# outlive: ignore", []),
        ("# outlive: ignore[OL201, OL302]", ["OL201", "OL302"]),
        ("# noqa: E501  # outlive: ignore[OL201]", ["OL201", "E501"]),
        ("# outlive: ignore[OL201]  # noqa: OL302", ["OL201", "OL302"]),
        ("# outlive: ignore[OL201]  # noqa", []),
    ],
)
def test_comments_silence_their_line(comment, silenced):
    assert {2: silenced} == suppressions(f"a\nb  {comment}\nc\n")


@pytest.mark.parametrize("comment", ["# nothing", "# nonoqa", "# outlive", "x = '# noqa'"])
def test_other_text_silences_nothing(comment):
    assert {} == suppressions(f"{comment}\n")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_are_counted_with_every_newline(newline):
    assert {2: []} == suppressions(newline.join(["a", "b  # noqa", "c", ""]))


def test_after_a_string_of_several_lines_a_comment_silences_all_of_it():
    text = 'a\nprint(f"""\n  {b.c}\n  {d}\n""")  # noqa: OL201\ne\n'

    assert {line: ["OL201"] for line in range(2, 6)} == suppressions(text)


def test_after_a_backslash_a_comment_silences_the_line_before_too():
    text = 'a\nb = c + \\\n  """d\n""" + \\\n  e  # noqa\nf\n'

    assert {line: [] for line in range(2, 6)} == suppressions(text)


def test_in_parentheses_each_line_has_its_own_comment():
    assert {3: []} == suppressions("f(\n  a,\n  b,  # noqa\n)\n")
