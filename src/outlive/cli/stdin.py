"""Standard input as a source file."""

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
    if sys.stdin is None:  # the process was started without one (``<&-``)
        raise UsageError("standard input is closed; expected Python source")
    try:
        return Given(filename, *decode(sys.stdin.buffer.read()))
    except UnreadableError as error:
        raise UsageError(f"standard input: {error}") from error
