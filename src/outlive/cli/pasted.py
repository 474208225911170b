"""``outlive explain traceback.txt``: a failure of another machine, explained from the source."""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from outlive.check import engine
from outlive.check.findings import Finding
from outlive.check.pasted import Frame, Pasted, in_tree, tracebacks
from outlive.cli import terminal
from outlive.cli.job import Job, job
from outlive.lifecycle.errors import UsageError
from outlive.lifecycle.places import Place
from outlive.report import account, text
from outlive.report.visible import visible

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class Failure:
    """A lifetime error without the addresses of its objects, and the lines of this source tree that it went through.

    The innermost line is the first.
    """

    error: str
    stops: tuple[tuple[Path, Frame], ...]


def run(pasted: str, origin: str, arguments: argparse.Namespace) -> int:
    """Print, for each lifetime error in a text, what leads to it.

    Raises:
        UsageError: The text has no traceback.
    """
    failures = tracebacks(pasted)
    if not failures:
        raise UsageError(f"{origin}: no traceback in it (a line of a program is asked for by FILE:LINE)")
    asked = _job(arguments)
    times = Counter(_failures(failures, asked))
    if not times:
        terminal.write(f"No lifetime error in {text.count(len(failures), 'traceback')}.\n")
        return 0
    result = asked.check({})
    for number, (failure, seen) in enumerate(times.items()):
        terminal.write("\n" if number else "")
        often = f" ({seen} times)" if seen > 1 else ""
        terminal.write(f"{visible(failure.error)}{often}\n\n")
        terminal.write(_explained(failure, result, asked))
    return 0


def _job(arguments: argparse.Namespace) -> Job:
    """The program whose source is at hand, with the configuration of its project."""
    from outlive.cli.arguments import parser  # noqa: PLC0415  which names this module's command

    return job(parser().parse_args(["check", *(arguments.paths or ["."])]))


def _failures(pasted: Sequence[Pasted], asked: Job) -> Iterator[Failure]:
    read: dict[Path, list[str]] = {}

    @cache  # A log tells of the same lines again and again.
    def found(frame: Frame) -> Path | None:
        return in_tree(frame, asked.files, read)

    for one in pasted:
        error = one.lifetime_error
        if error is not None:
            stops = [(file, frame) for frame in one.frames if (file := found(frame))]
            yield Failure(_ADDRESS.sub("", error), tuple(dict.fromkeys(stops)))


def _explained(failure: Failure, result: engine.Result, asked: Job) -> str:
    colour, width = terminal.wants_colour(sys.stdout), terminal.columns()
    if not failure.stops:
        return "No line of it is in this source tree, or the source has changed since.\n"
    for file, frame in failure.stops:
        found = [finding for finding in result.findings if _is_at(finding, file, frame.line)]
        if found:
            return text.draw(found, result.texts, width=width, colour=colour)
    file, frame = failure.stops[0]
    place = Place(str(file), frame.line)
    seen = engine.look(asked.files, place, cache=asked.cache)
    known = account.render(seen, frame.line, width=width, colour=colour) if seen else f"{place} in {frame.function}\n"
    return f"{known}\n`outlive check` finds nothing that leads here. Under `outlive run` the error itself says it.\n"


def _is_at(finding: Finding, file: Path, line: int) -> bool:
    """Whether a finding, or a read that it covers, stands at a line."""
    places = [finding.place, *(step.place for step in finding.evidence if step.message == "also read here")]
    return any(place.filename == str(file) and place.line <= line <= (place.end_line or place.line) for place in places)
