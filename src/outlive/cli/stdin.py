"""Standard input as a source file."""

from __future__ import annotations

import io
import sys
import tokenize
from dataclasses import dataclass

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
        UsageError: it is not text in its declared encoding, or contains a null byte.
    """
    data = sys.stdin.buffer.read()
    if b"\0" in data:
        raise UsageError("standard input is binary (it contains a null byte); expected Python source")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return Given(filename, data.decode(encoding), encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise UsageError(f"standard input is not in its declared encoding: {error}") from error
