"""Text edits on the original source: applied byte for byte, or shown as a diff."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from outlive.check.findings import Edit

_LINE_END = re.compile(r"\r\n|\r|\n")


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """The text after all edits; everything outside their spans stays as it is, newlines and tabs included.

    Identical edits count once.  Different insertions at one point are made in the order given.

    Raises:
        ValueError: two edits overlap, or one lies outside the text.
    """
    starts = _line_starts(text)
    spans = sorted(
        ((_span(text, starts, edit), edit) for edit in dict.fromkeys(edits)),
        key=lambda item: item[0],
    )
    parts: list[str] = []
    done = 0
    previous: Edit | None = None
    for (start, end), edit in spans:
        if previous is not None and start < done:
            raise ValueError(f"edits overlap: {_whole(previous)} and {_whole(edit)}")
        parts += [text[done:start], edit.text]
        done, previous = end, edit
    return "".join([*parts, text[done:]])


def diff(filename: str, before: str, after: str) -> str:
    """A unified diff as ``patch -p0`` takes it; empty when nothing changes."""
    lines = difflib.unified_diff(_lines(before), _lines(after), filename, filename)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    # Only "\n" ends a line for patch and git; a lone carriage return is content.
    return [line + "\n" for line in text.split("\n")[:-1]] + [last for last in text.split("\n")[-1:] if last]


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in _LINE_END.finditer(text))]


def _span(text: str, starts: list[int], edit: Edit) -> tuple[int, int]:
    place = edit.place
    if place.end_line is None or place.end_column is None:
        raise ValueError(f"edit without an end: {_whole(edit)}")
    start = _offset(text, starts, place.line, place.column)
    end = _offset(text, starts, place.end_line, place.end_column)
    if start is None or end is None or end < start:
        raise ValueError(f"edit outside the text: {_whole(edit)}")
    return start, end


def _offset(text: str, starts: list[int], line: int, column: int) -> int | None:
    if not 1 <= line <= len(starts):
        return None
    start = starts[line - 1]
    end = starts[line] if line < len(starts) else len(text)
    length = len(text[start:end].rstrip("\r\n"))
    return start + column - 1 if 1 <= column <= length + 1 else None


def _whole(edit: Edit) -> str:
    place = edit.place
    return f"{place.filename}:{place.line}:{place.column}-{place.end_line}:{place.end_column}"
