"""What is shown cannot disturb the terminal that shows it."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from outlive.report.visible import cells, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("order.items", "order.items"),
        ("a\tb", "a    b"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x00\x07\x7f", "\\x00\\x07\\x7f"),
        ("\x9b31m", "\\x9b31m"),
        ("\r\n", "\\r\\n"),
        ("\u2028\u2029\x85", "\\u2028\\u2029\\x85"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("\ufeff\u200b", "\\ufeff\\u200b"),
        ("\udce9", "\\udce9"),
        ("\U000e0001", "\\U000e0001"),
        ("café 注文 😀", "café 注文 😀"),
    ],
)
def test_what_does_not_show_is_escaped(text, shown):
    assert shown == visible(text)


def test_no_character_of_unicode_reaches_the_terminal_unseen():
    everything = visible("".join(map(chr, range(sys.maxunicode + 1))))
    unseen = {
        character for character in everything if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    }

    assert set() == unseen


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("café", 4), ("cafe\u0301", 4), ("注文", 4), ("😀", 2), ("", 0)]
)
def test_width_is_measured_in_columns(text, columns):
    assert columns == cells(text)
