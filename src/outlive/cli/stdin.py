"""Standard input, as a source file or as any text."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from outlive.check.source import UnreadableError, decode
from outlive.lifecycle.errors import UsageError


@dataclass(frozen=True, slots=True)
class Given:
    """A file whose content was given on standard input."""

    filename: str
    text: str
    encoding: str


def read(filename: str) -> Given:
    """All of standard input, decoded as Python would decode a file.

    Raises:
        UsageError: it is closed, or no source.
    """
    try:
        return Given(filename, *decode(_all("Python source")))
    except UnreadableError as error:
        raise UsageError(f"standard input: {error}") from error


def text() -> str:
    """All of standard input.

    Raises:
        UsageError: it is closed.
    """
    return _all("a traceback").decode("utf-8", errors="replace")


def _all(expected: str) -> bytes:
    if sys.stdin is None:  # the process was started without one (``<&-``)
        raise UsageError(f"standard input is closed; expected {expected}")
    return sys.stdin.buffer.read()
