"""Path -> text, positions and suppressions.

``ast`` counts columns in UTF-8 bytes from 0; everything that a user sees counts characters from 1.
The conversion happens here and nowhere else.
"""

from __future__ import annotations

import io
import re
import tokenize
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path

from outlive.lifecycle.places import Place

LARGEST = 10_000_000
"""Bytes; a larger file is not source that people write, and reading it would cost seconds and gigabytes."""

_LINE_END = re.compile(r"\r\n|\r|\n")


class UnreadableError(Exception):
    """A file cannot be read as Python source; the message says why."""


def read_source(path: Path) -> tuple[str, str]:
    """The text of a file and its encoding: see :func:`decode`.

    Raises:
        UnreadableError: it cannot be opened or decoded, or is larger than :data:`LARGEST`.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise UnreadableError(f"the file has {size:,} bytes; the limit is {LARGEST:,}")
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableError(error.strerror or str(error)) from error
    return decode(data)


def decode(data: bytes) -> tuple[str, str]:
    """Source decoded as Python would (BOM, PEP 263), and its encoding; newlines are kept.

    Raises:
        UnreadableError: it is binary, or neither UTF-8 nor in the encoding that it declares.
    """
    if b"\0" in data:
        raise UnreadableError("the file is binary (it contains a null byte)")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding), encoding
    except (SyntaxError, ValueError, LookupError) as error:  # not every codec raises UnicodeDecodeError
        raise UnreadableError(f"the file is neither UTF-8 nor in an encoding that it declares: {error}") from error


def split_lines(text: str) -> list[str]:
    """Lines as Python's tokenizer counts them: form feeds and Unicode separators do not end a line."""
    return _LINE_END.split(text) if "\r" in text else text.split("\n")


@dataclass(frozen=True)
class Source:
    """One file's text under the name by which it is reported."""

    filename: str
    text: str
    _ascii: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_ascii", self.text.isascii())

    @cached_property
    def lines(self) -> list[str]:
        return split_lines(self.text)

    @cached_property
    def newline(self) -> str:
        """What ends the first line, and so the lines that a fix adds."""
        end = _LINE_END.search(self.text)
        return end[0] if end else "\n"

    def place(self, span: int) -> Place:
        """The place of a packed span (see :func:`pack`)."""
        line, column, end_line, end_column = unpack(span)
        return Place(
            self.filename, line, self._characters(line, column), end_line, self._characters(end_line, end_column)
        )

    def slice(self, span: int) -> str:
        """The text of a span, on one line."""
        line, column, end_line, end_column = unpack(span)
        lines = self.lines[line - 1 : end_line]
        if not lines:
            return ""
        lines[-1] = lines[-1].encode()[:end_column].decode(errors="ignore")
        lines[0] = lines[0].encode()[column:].decode(errors="ignore")
        return " ".join(part.strip() for part in lines)

    def _characters(self, line: int, column: int) -> int:
        if self._ascii or line > len(self.lines):
            return column + 1
        return len(self.lines[line - 1].encode()[:column].decode(errors="ignore")) + 1


_COLUMN_BITS, _HEIGHT_BITS, _LINE_BITS = 16, 11, 21
_WIDEST, _HIGHEST, _LAST = ((1 << bits) - 1 for bits in (_COLUMN_BITS, _HEIGHT_BITS, _LINE_BITS))


def pack(line: int, column: int, end_line: int, end_column: int) -> int:
    """A span as one 64-bit integer: cheap to keep, to compare and to cache.

    Columns are 0-based UTF-8 bytes.  What is past column 65,535 or line 2,097,151, or higher than 2,047 lines, is cut
    there: people do not write such spans.
    """
    height = end_line - line
    if line > _LAST or column > _WIDEST or height > _HIGHEST or end_column > _WIDEST:
        line, column = min(line, _LAST), min(column, _WIDEST)
        height, end_column = min(height, _HIGHEST), min(end_column, _WIDEST)
    return ((line << _COLUMN_BITS | column) << _HEIGHT_BITS | height) << _COLUMN_BITS | end_column


def unpack(span: int) -> tuple[int, int, int, int]:
    """The line, column, end line and end column of a packed span."""
    end_column, rest = span & _WIDEST, span >> _COLUMN_BITS
    height, rest = rest & _HIGHEST, rest >> _HEIGHT_BITS
    column, line = rest & _WIDEST, rest >> _COLUMN_BITS
    return line, column, line + height, end_column


_NOQA = re.compile(r"#\s*noqa(?P<codes>:\s*[A-Za-z0-9_\-]+(?:[\s,]+[A-Za-z0-9_\-]+)*)?", re.IGNORECASE)
_IGNORE = re.compile(r"#\s*outlive:\s*ignore(?:\[(?P<codes>[^\]]*)\])?")


def suppressions(text: str) -> dict[int, list[str]]:
    """What ``# noqa`` and ``# outlive: ignore`` silence: line -> codes or names, upper case; ``[]`` is everything.

    Only comments count: a ``# noqa`` inside a string does not.  Where no comment can stand, in a string of several
    lines and before a backslash, the one on the last line counts.
    """
    if "noqa" not in text.lower() and "outlive:" not in text:
        return {}
    found: dict[int, list[str]] = {}
    # Last line of what cannot hold a comment -> its first line.
    begins = {line + 1: line for line, content in enumerate(split_lines(text), 1) if content.endswith("\\")}
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
            (first, _), (last, _) = token.start, token.end
            if first < last:
                begins[last] = first
            codes = _silenced(token.string) if token.type == tokenize.COMMENT else None
            if codes is not None:
                while first in begins:
                    first = begins[first]
                found |= dict.fromkeys(range(first, last + 1), codes)
    except (tokenize.TokenError, SyntaxError):
        pass  # A file that does not parse is reported as such; nothing in it can be suppressed past that point.
    return found


def _silenced(comment: str) -> list[str] | None:
    """What a comment silences, ``[]`` for everything; ``None`` for a comment that is about other things."""
    marks = [match["codes"] or "" for mark in (_IGNORE, _NOQA) if (match := mark.search(comment))]
    if not marks:
        return None
    codes = [re.findall(r"[A-Z0-9_\-]+", mark.upper()) for mark in marks]
    return list(chain(*codes)) if all(codes) else []
