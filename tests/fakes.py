"""Stand-ins that do a small part of the real thing, for tests of what is around it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from outlive.check.engine import Result
from outlive.check.findings import Edit, Finding, Fix, Safety, Severity
from outlive.check.flow.census import Coverage
from outlive.check.source import UnreadableError, read_source, split_lines
from outlive.check.targets import NEWEST, Version
from outlive.hazards.catalog import Hazard, all_hazards
from outlive.lifecycle.places import Place


@dataclass(slots=True)
class ToyEngine:
    """Finds marks instead of hazards: ``x = 1  # OL201 safe: not loaded``.

    The word after the code says what the fix is like: ``safe`` and ``unsafe`` remove the mark, ``none`` is no fix,
    ``useless`` leaves the mark, ``harmful`` puts another in its place, ``broken`` breaks the syntax, ``outside`` edits
    what is not there, ``line`` rewrites all of the line before the mark and so overlaps with others on it.

    Attributes:
        calls: The files and texts of every check.
        caches: The cache folder of every check.
        coverage: What a census counts.
    """

    MARK = re.compile(r"  # (?P<code>OL\d{3}) (?P<kind>[a-z]+): (?P<message>[^#]*)(?=  #|$)")

    calls: list[tuple[tuple[Path, ...], dict[str, str]]] = field(default_factory=list)
    caches: list[Path | None] = field(default_factory=list)
    warnings: tuple[str, ...] = ()
    coverage: Coverage | None = None

    def check(
        self,
        files: Sequence[Path],
        hazards: Iterable[Hazard],
        *,
        cache: Path | None = None,
        texts: Mapping[str, str] | None = None,
        census: bool = False,
        known: object = None,
        fastapi: Version = NEWEST,
        jobs: int | None = None,
    ) -> Result:
        """What the real engine promises: findings in order, with the texts of the files that they name."""
        self.calls.append((tuple(files), dict(texts or {})))
        self.caches.append(cache)
        codes = {hazard.code for hazard in hazards}
        findings: list[Finding] = []
        read: dict[str, str] = {}
        for file in files:
            try:
                text = texts[str(file)] if texts and str(file) in texts else read_source(file)[0]
                ast.parse(text)
                read[str(file)] = text
                findings += self.found(str(file), text, codes)
            except UnreadableError as error:
                findings.append(finding("OL002", Place(str(file), 1), str(error)))
            except SyntaxError as error:
                findings.append(finding("OL001", Place(str(file), error.lineno or 1, error.offset or 1), error.msg))
        return Result(tuple(findings), read, self.warnings, self.coverage if census else None)

    def found(self, filename: str, text: str, codes: set[str]) -> Iterator[Finding]:
        for number, line in enumerate(split_lines(text), start=1):
            for mark in self.MARK.finditer(line):
                if mark["code"] in codes:
                    end = len(line[: mark.start()].split("  #")[0])
                    place = Place(filename, number, 1, number, end + 1)
                    yield finding(mark["code"], place, mark["message"], self.fix(filename, number, mark))

    def fix(self, filename: str, number: int, mark: re.Match[str]) -> Fix | None:
        kind = mark["kind"]
        after = {
            "useless": mark[0].replace("useless", "none"),
            "harmful": f"  # {mark['code']} none: another mistake",
            "broken": " (",
            "line": "done()",
        }
        if kind == "none":
            return None
        start = 1 if kind == "line" else mark.start() + 1
        span = Place(
            filename, 999 if kind == "outside" else number, start, 999 if kind == "outside" else number, mark.end() + 1
        )
        return Fix(
            (Edit(span, after.get(kind, "")),), Safety.REVIEW if kind == "unsafe" else Safety.SAFE, "take the mark away"
        )


def finding(code: str, place: Place, message: str, fix: Fix | None = None) -> Finding:
    [name] = [hazard.name for hazard in all_hazards() if hazard.code == code]
    severity = Severity.ADVICE if code.startswith("OL4") else Severity.ERROR
    return Finding(place, message, fix=fix, code=code, name=name, severity=severity)
