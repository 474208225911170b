"""Files and hazards -> findings."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from outlive.check.cache import Cache
from outlive.check.facts import Facts
from outlive.check.findings import Finding, Severity
from outlive.check.flow import Flow
from outlive.check.flow.analysis import analyse
from outlive.check.lower import read_facts
from outlive.check.program import Program
from outlive.check.source import Source, UnreadableError, read_source
from outlive.lifecycle.places import Place

FRAMES = 3_000
"""Depth of recursion while source is read: Python's own 1000 do not do for a thousand ``elif`` in generated code.

The flow has ten times as much, so that it can follow whatever could be read.
"""


class Checkable(Protocol):
    """What the engine needs of a hazard."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def check(self) -> Callable[[Flow], Iterator[Finding]] | None: ...


@dataclass(frozen=True, slots=True)
class Result:
    """What a check found.

    Attributes:
        findings: Sorted by file and place.
        texts: Source of every file that was read, by the name under which it is reported.
        warnings: What went wrong besides, such as an unusable cache.
    """

    findings: tuple[Finding, ...]
    texts: Mapping[str, str]
    warnings: tuple[str, ...]


def check(
    files: Sequence[Path],
    hazards: Iterable[Checkable],
    *,
    cache: Path | None = None,
    texts: Mapping[str, str] | None = None,
) -> Result:
    """Check a program.

    Args:
        files: All of its files, named as they should be reported.
        hazards: What to look for; a file that cannot be read or parsed is always a finding.
        cache: Folder of the facts cache.
        texts: Texts that stand in for what the files of that name hold.
    """
    given = texts or {}
    store = Cache(cache)
    sources: dict[str, Source] = {}
    facts: dict[str, Facts] = {}
    findings: list[Finding] = []
    with _GarbageFrozen():
        for file in files:
            name = str(file)
            try:
                text = given[name] if name in given else read_source(file)[0]
            except UnreadableError as error:
                findings.append(_input_finding("OL002", "unreadable-file", Place(name, 1), str(error)))
                continue
            sources[name] = Source(name, text)
            with _room(FRAMES):
                facts[name] = store.facts(text, read_facts)
            broken = facts[name].error
            if broken is not None:
                line, column, message = broken
                findings.append(_input_finding("OL001", "syntax-error", Place(name, line, max(column, 1)), message))
        with _room(10 * FRAMES):
            flow = analyse(Program(facts), sources)
    for hazard in hazards:
        if hazard.check is not None:
            findings += [replace(f, code=hazard.code, name=hazard.name) for f in hazard.check(flow)]
    kept = [finding for finding in dict.fromkeys(findings) if not _is_suppressed(finding, facts)]
    kept.sort(key=lambda finding: (finding.place.filename, finding.place.line, finding.place.column, finding.code))
    return Result(tuple(kept), {name: source.text for name, source in sources.items()}, store.warnings)


def check_source(text: str, hazards: Iterable[Checkable], *, filename: str = "example.py") -> tuple[Finding, ...]:
    """Check a program of one file, given as text."""
    return check([Path(filename)], hazards, texts={filename: text}).findings


def _input_finding(code: str, name: str, place: Place, message: str) -> Finding:
    return Finding(place, message, severity=Severity.ERROR, code=code, name=name)


def _is_suppressed(finding: Finding, facts: Mapping[str, Facts]) -> bool:
    known = facts.get(finding.place.filename)
    if known is None:
        return False
    last = finding.place.end_line or finding.place.line
    for line in {finding.place.line, last}:
        codes = known.suppressed.get(line)
        if codes is not None and (not codes or finding.code in codes or finding.name.upper() in codes):
            return True
    return False


@contextmanager
def _room(frames: int) -> Generator[None]:
    """Room for recursion, at least as much as there is."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, frames))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


class _GarbageFrozen:
    """Parsing makes millions of objects and no garbage: collecting meanwhile costs a quarter of the time."""

    def __enter__(self) -> None:
        self.was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *exc: object) -> None:
        if self.was_enabled:
            gc.enable()
