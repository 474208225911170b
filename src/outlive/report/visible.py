"""Text from checked programs, made safe to show: nothing in it can move the cursor, hide or reorder what is printed."""

from __future__ import annotations

import unicodedata

TAB = "    "

# Control characters, invisible and bidirectional format characters, lone surrogates, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(text: str) -> str:
    """The text on one line: tabs become spaces, characters that do not show become their Python escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def cells(text: str) -> int:
    """Columns that a visible text takes in a terminal: East Asian wide characters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - only for text that needs it

    return cell_len(text)


def _visible(character: str) -> str:
    if character == "\t":
        return TAB
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("ascii", "backslashreplace").decode() if character > "\x7f" else repr(character)[1:-1]
