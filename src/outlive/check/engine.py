"""Files and hazards -> findings."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from outlive.check.cache import Cache, decode, encode
from outlive.check.facts import Facts
from outlive.check.findings import Finding, Severity
from outlive.check.flow import Flow
from outlive.check.knowledge import Knowledge, knowledge
from outlive.check.remembered import Remembered, digest_of
from outlive.check.source import Source, UnreadableError, read_source, suppressions
from outlive.check.targets import NEWEST, Version
from outlive.check.templates import templates_of
from outlive.check.workers import cores, spread
from outlive.lifecycle.errors import UsageError
from outlive.lifecycle.places import Place

if TYPE_CHECKING:
    from outlive.check.flow.census import Coverage
    from outlive.check.flow.witness import Account
    from outlive.check.program import Program

FRAMES = 3_000
"""Depth of recursion while source is read: Python's own 1000 do not do for a thousand ``elif`` in generated code.

The flow has ten times as much, so that it can follow whatever could be read.
"""


LARGE = 500_000
"""Characters of a program for which it is worth it to start further processes."""


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
        coverage: How much of the program was understood, if that was asked for.
    """

    findings: tuple[Finding, ...]
    texts: Mapping[str, str]
    warnings: tuple[str, ...]
    coverage: Coverage | None = None


def check(  # noqa: PLR0913  what to check, and what there is to know of it
    files: Sequence[Path],
    hazards: Iterable[Checkable],
    *,
    cache: Path | None = None,
    texts: Mapping[str, str] | None = None,
    census: bool = False,
    known: Knowledge | None = None,
    fastapi: Version = NEWEST,
    jobs: int | None = None,
) -> Result:
    """Check a program.

    Args:
        files: All of its files, named as they should be reported.
        hazards: What to look for; a file that cannot be read or parsed is always a finding.
        cache: Folder of the facts cache.
        texts: Texts that stand in for what the files of that name hold.
        census: Count how much of the program is understood.
        known: What is known of libraries; by default what we know.
        fastapi: The version of FastAPI that the program runs with.
        jobs: How many processes look; by default as many as can run at once, if that is worth it.
    """
    store = Cache(cache)
    opened = _open(files, texts or {})
    templates = templates_of(opened.sources)
    hazards = list(hazards)
    known = known or knowledge()
    coverage: Coverage | None = None

    def find() -> tuple[Finding, ...]:
        nonlocal coverage
        with _GarbageFrozen():
            from outlive.check.flow.analysis import analyse  # noqa: PLC0415  who has the answer needs none of it
            from outlive.check.flow.census import Census  # noqa: PLC0415
            from outlive.check.flow.interpreter import Interpreter  # noqa: PLC0415

            many = 1 if census else jobs or _worthwhile(opened)
            read = _read(opened, store, many)
            with _room(10 * FRAMES):
                run = (Census if census else Interpreter)(read.program, fastapi, known, templates)
                remembered = None
                if store.folder is not None and not census:
                    digests = {name: digest_of([source.text]).hex() for name, source in opened.sources.items()}
                    remembered = Remembered(digests, store.units(asked))
                flow = analyse(run, {**read.sources, **templates.sources}, many, remembered)
                if remembered is not None:
                    store.keep_units(asked, remembered.units)
        if isinstance(run, Census):
            coverage = run.coverage()
        return _findings(hazards, flow, read)

    where = "/".join(_packages_around(Path.cwd()))
    asked = [*(hazard.code for hazard in hazards), known.spelled(), repr(fastapi), where, *map(str, files)]
    program = [*map(str, opened.findings), *(source.text for source in opened.sources.values()), templates.digest]
    findings = find() if census else store.findings(asked, program, find)
    given = {name: source.text for name, source in (*templates.sources.items(), *opened.sources.items())}
    return Result(findings, given, store.warnings, coverage)


def _findings(hazards: Iterable[Checkable], flow: Flow, read: _Read) -> tuple[Finding, ...]:
    """What the hazards find, without what is suppressed, sorted by file and place.

    Comments are looked for in files with findings alone: it takes a tokenizer, which costs more than parsing.
    """
    findings = list(read.findings)
    for hazard in hazards:
        if hazard.check is not None:
            findings += [replace(f, code=hazard.code, name=hazard.name) for f in hazard.check(flow)]

    @cache
    def silenced(name: str) -> Mapping[int, list[str]]:
        return suppressions(read.sources[name].text) if name in read.sources else {}

    kept = [finding for finding in dict.fromkeys(findings) if not _is_suppressed(finding, silenced)]
    kept.sort(key=lambda finding: (finding.place.filename, finding.place.line, finding.place.column, finding.code))
    return tuple(kept)


def look(files: Sequence[Path], place: Place, *, cache: Path | None = None) -> Account | None:
    """What is known at a line of a program.

    Args:
        files: All of its files.
        place: The line; its file is one of them.
        cache: Folder of the facts cache.

    Returns:
        ``None`` if nothing is executed at the line or after it in its function.

    Raises:
        UsageError: The file cannot be read or parsed, or has no such line.
    """
    from outlive.check.flow.witness import account_of  # noqa: PLC0415

    with _GarbageFrozen():
        read = _read(_open(files, {}), Cache(cache))
        for finding in read.findings:
            if finding.place.filename == place.filename:
                raise UsageError(f"{finding.place}: {finding.message}")
        lines = read.sources[place.filename].lines
        last = len(lines) - (not lines[-1])
        if not 1 <= place.line <= last:
            raise UsageError(f"{place}: the file ends at line {last}")
        with _room(10 * FRAMES):
            return account_of(read.program, read.sources, place)


@dataclass(frozen=True, slots=True)
class _Read:
    """A program that was read: what can be followed, and findings about what cannot."""

    sources: Mapping[str, Source]
    facts: Mapping[str, Facts]
    findings: Sequence[Finding]

    @property
    def program(self) -> Program:
        from outlive.check.program import Program  # noqa: PLC0415

        return Program(self.facts, _packages_around(Path.cwd()))


@dataclass(frozen=True, slots=True)
class _Opened:
    """The texts of a program, and findings about files that have none."""

    sources: Mapping[str, Source]
    findings: Sequence[Finding]


def _packages_around(folder: Path) -> tuple[str, ...]:
    """What comes before a folder's files where they are imported: its own name, below those of its packages.

    So a check that is started inside a package finds what ``from package.models import Author`` means.
    """
    names = [folder.name]
    while (folder / "__init__.py").exists() and folder.name:
        folder = folder.parent
        names.insert(0, folder.name)
    return tuple(name for name in names if name)


def _open(files: Sequence[Path], texts: Mapping[str, str]) -> _Opened:
    sources: dict[str, Source] = {}
    findings: list[Finding] = []
    for file in files:
        name = str(file)
        try:
            sources[name] = Source(name, texts[name] if name in texts else read_source(file)[0])
        except UnreadableError as error:
            findings.append(_input_finding("OL002", "unreadable-file", Place(name, 1), str(error)))
    return _Opened(sources, findings)


def _worthwhile(opened: _Opened) -> int:
    """How many processes are worth it: a small program has been checked before another one is there."""
    return cores() if sum(len(source.text) for source in opened.sources.values()) > LARGE else 1


def _read(opened: _Opened, store: Cache, jobs: int = 1) -> _Read:
    from outlive.check.lower import read_facts  # noqa: PLC0415

    sources = list(opened.sources.values())
    read: list[Facts] = [Facts() for _ in sources]

    def here(number: int) -> None:
        with _room(FRAMES):
            read[number] = store.facts(sources[number].text, read_facts)

    def away(number: int) -> bytes:
        here(number)
        return encode(read[number])

    def back(number: int, data: bytes) -> None:
        read[number] = decode(data)

    spread(jobs, len(sources), here, away, back)
    facts = {source.filename: each for source, each in zip(sources, read, strict=True)}
    findings = list(opened.findings)
    for name, each in facts.items():
        if each.error is not None:
            line, column, message = each.error
            findings.append(_input_finding("OL001", "syntax-error", Place(name, line, max(column, 1)), message))
    return _Read(opened.sources, facts, findings)


def check_source(text: str, hazards: Iterable[Checkable], *, filename: str = "example.py") -> tuple[Finding, ...]:
    """Check a program of one file, given as text."""
    return check([Path(filename)], hazards, texts={filename: text}).findings


def _input_finding(code: str, name: str, place: Place, message: str) -> Finding:
    return Finding(place, message, severity=Severity.ERROR, code=code, name=name)


def _is_suppressed(finding: Finding, silenced: Callable[[str], Mapping[int, list[str]]]) -> bool:
    lines = silenced(finding.place.filename)
    last = finding.place.end_line or finding.place.line
    for line in {finding.place.line, last}:
        codes = lines.get(line)
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
    """Parsing makes millions of objects and no garbage: collecting meanwhile costs a quarter of the time.

    What was made is old when this ends, so that the next collection does not begin with all of it.
    """

    def __enter__(self) -> None:
        self.was_enabled = gc.isenabled()
        gc.disable()

    def __exit__(self, *exc: object) -> None:
        if self.was_enabled:
            gc.freeze()
            gc.unfreeze()
            gc.enable()
