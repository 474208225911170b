"""What is on the other side of our output: a terminal, a file, or a reader who has gone."""

from __future__ import annotations

import io
import os
import shutil
import sys
from typing import TextIO

from outlive.lifecycle.errors import UsageError
from outlive.report.visible import visible


def prepare() -> None:
    """Let both streams print any character: what they cannot encode becomes an escape, what is closed swallows it."""
    # Python starts with None in the place of a stream that is closed (``>&-``).
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def write(text: str, stream: TextIO | None = None) -> None:
    """Print a result, at once; by default on standard output.

    Raises:
        UsageError: the output cannot be written; a reader who has gone (``| head``) is no error.
    """
    out = stream or sys.stdout
    try:
        out.write(text)
        out.flush()
    except OSError as error:
        give_up(out, error)


def write_bytes(data: bytes) -> None:
    """Print source on standard output, byte for byte.

    Raises:
        UsageError: as :func:`write`.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        give_up(sys.stdout, error)


def say(message: str) -> None:
    """Print a message for the person, on standard error."""
    write("\n".join(map(visible, message.split("\n"))) + "\n", sys.stderr)


def wants_colour(stream: TextIO) -> bool:
    """``NO_COLOR`` and ``FORCE_COLOR`` decide, in this order; else whether the stream is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def columns() -> int:
    """Width of the terminal, or 120 where there is none."""
    return max(shutil.get_terminal_size((120, 24)).columns, 40)


def _nowhere() -> TextIO:
    # Like Python's own streams it is never closed.
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8", closefd=False)


def give_up(stream: TextIO, error: OSError) -> None:
    """Write nothing more into a stream that has failed.

    Raises:
        UsageError: it is standard output; not if its reader has gone.
    """
    # Python writes what is left in the buffer once more when it exits; that must not fail again.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
    if not isinstance(error, BrokenPipeError) and stream is sys.stdout:
        raise UsageError(f"standard output cannot be written: {error.strerror}") from error
