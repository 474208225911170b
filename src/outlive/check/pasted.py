"""Tracebacks in a text: one that somebody pasted, or a log with many, as Python prints them or inside JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PureWindowsPath
from typing import cast

_HEAD = "Traceback (most recent call last):"
_FRAME = re.compile(r'  File "(?P<file>.+)", line (?P<line>\d+)(, in (?P<function>.+))?')
_LINKS = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
_LIFETIME = re.compile(
    r"""
    \b(DetachedInstanceError|MissingGreenlet|ObjectDeletedError|StaleDataError|PendingRollbackError
      |IllegalStateChangeError)\b
    | sqlalche\.me/e/\d+/(bhk3|xd2s|7s2a|8s2b|isce)\b
    | is\ not\ persistent\ within\ this\ Session | is\ already\ attached\ to\ session
    | is\ not\ available\ due\ to\ (lazy='raise|raiseload=True)
    """,
    re.VERBOSE,
)
"""How the errors of the family print: SQLAlchemy 2.0 and 2.1, also inside those of pydantic and FastAPI."""
_BAR = re.compile(r"^ *[|+] ")
_INSTALLED = re.compile(r"[/\\](site-packages|dist-packages|lib[/\\]python3\.\d+)[/\\]")


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a traceback.

    Attributes:
        filename: As it was on the machine that printed it.
        line: 1-based.
        function: Its name.
        source: The line of source, if it was printed.
    """

    filename: str
    line: int
    function: str
    source: str = ""

    @property
    def is_installed(self) -> bool:
        """Whether it belongs to an installed package or the standard library."""
        return bool(_INSTALLED.search(self.filename)) or self.filename.startswith("<")


@dataclass(slots=True)
class Pasted:
    """The tracebacks of one failure: an exception and those that led to it, in the order in which Python prints them.

    Attributes:
        frames: All of them, the innermost of the first exception first.
        errors: The last line or lines of each.
    """

    frames: list[Frame] = field(default_factory=list[Frame])
    errors: list[str] = field(default_factory=list[str])

    @property
    def lifetime_error(self) -> str | None:
        """The first lifetime error among them, in one line; ``None`` if there is none."""
        for error in self.errors:
            if _LIFETIME.search(error):
                first, *rest = error.splitlines()
                told = next((line.strip() for line in rest if _LIFETIME.search(line)), "")
                return first if _LIFETIME.search(first) else f"{first} {told}"
        return None


def tracebacks(text: str) -> list[Pasted]:
    """Every failure that a text tells of, in its order."""
    found = list(_in_text(text))
    for line in text.splitlines():
        if line.lstrip().startswith("{") and _HEAD in line:
            for string in _strings(line):
                found += _in_text(string)
    return found


def _strings(line: str) -> Iterator[str]:
    """The strings of a line of JSON that hold tracebacks."""
    try:
        waiting: list[object] = [json.loads(line[line.index("{") :])]
    except ValueError:
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if _HEAD in value:
                yield value
        elif isinstance(value, dict):
            waiting.extend(cast("dict[str, object]", value).values())
        elif isinstance(value, list):
            waiting.extend(cast("list[object]", value))


def _in_text(text: str) -> Iterator[Pasted]:
    # The members of an exception group have a bar before each line.
    lines = [_BAR.sub("", line) for line in text.splitlines()]
    pasted: Pasted | None = None
    at = 0
    while at < len(lines):
        if _begins(lines[at]):
            pasted = pasted or Pasted()
            at, frames, error = _block(lines, at + 1)
            pasted.frames += reversed(frames)
            pasted.errors.append(error)
            continue
        if pasted is not None and lines[at].strip(" +-|0123456789") and lines[at].strip() not in _LINKS:
            # Something else was printed: the failure is over.
            yield pasted
            pasted = None
        at += 1
    if pasted is not None:
        yield pasted


def _begins(line: str) -> bool:
    return line.rstrip().endswith(_HEAD) and '"' not in line.partition(_HEAD)[0]


def _block(lines: Sequence[str], at: int) -> tuple[int, list[Frame], str]:
    """The frames and the error of one traceback that begins here; also where it ends."""
    frames: list[Frame] = []
    error: list[str] = []
    while at < len(lines):
        line = lines[at]
        if _begins(line) or (error and (not line.strip(" +-") or line.strip() in _LINKS or _is_log_line(line))):
            break
        frame = _FRAME.match(line)
        if frame and not error:
            following = lines[at + 1] if at + 1 < len(lines) else ""
            source = following.strip() if following.startswith("    ") else ""
            frames.append(Frame(frame["file"], int(frame["line"]), frame["function"] or "", source))
        elif error or not line.startswith(" "):
            error.append(line)
        at += 1
    return at, frames, "\n".join(error)


def _is_log_line(line: str) -> bool:
    """Whether a line begins as a log's does, with a date, a level or a bracket: not the next line of a message."""
    return bool(re.match(r"\[?\d{4}-\d\d-\d\d|(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b|\{", line))


def in_tree(frame: Frame, files: Sequence[Path], read: dict[Path, list[str]]) -> Path | None:
    """The file of a source tree that a frame means: the one whose path ends most alike and that has that very line.

    Args:
        frame: One of another machine, perhaps.
        files: Those of the tree.
        read: The lines of files that were read already.
    """
    if frame.is_installed:
        return None
    theirs = _parts(frame.filename)
    alike = [(_common_end(theirs, _parts(str(file.resolve()))), file) for file in files if file.name == theirs[-1]]
    best = max((length for length, _ in alike), default=0)
    found = [file for length, file in alike if length == best and _has_line(file, frame, read)]
    return found[0] if len(found) == 1 else None


def _parts(filename: str) -> tuple[str, ...]:
    return (PureWindowsPath(filename) if "\\" in filename else PurePath(filename)).parts


def _common_end(some: tuple[str, ...], other: tuple[str, ...]) -> int:
    pairs = zip(reversed(some), reversed(other), strict=False)
    return next((n for n, (one, two) in enumerate(pairs) if one != two), min(len(some), len(other)))


def _has_line(file: Path, frame: Frame, read: dict[Path, list[str]]) -> bool:
    if not frame.source:
        return True
    if file not in read:
        read[file] = file.read_text("utf-8", errors="replace").splitlines()
    lines = read[file]
    return frame.line <= len(lines) and lines[frame.line - 1].strip() == frame.source
