"""Holds what ``check`` says about programs against what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from outlive.check.engine import check
from outlive.check.findings import Finding
from outlive.hazards.catalog import all_hazards
from tests.truth import shop
from tests.truth.programs import QUERIED, Program
from tests.truth.running import Failure, Run, Way
from tests.truth.shop import TWINS

HAZARDS = [hazard for hazard in all_hazards() if hazard.name != "factory-expires-on-commit"]
LOUD = {hazard.name for hazard in HAZARDS if hazard.raises is not None}
SHOP = Path(shop.__file__)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One line about which check and SQLAlchemy differ.

    Attributes:
        kind: ``false alarm``, ``missed`` or ``other cause``.
        about: The message of the finding, or of the exception.
    """

    kind: str
    program: Program
    line: int
    about: str
    way: str = ""

    def __str__(self) -> str:
        lines = self.program.text.splitlines()
        numbered = "\n".join(
            f"{'>' if number == self.line else ' '}{number:4} {line}" for number, line in enumerate(lines, 1)
        )
        kind = "async" if self.program.is_async else "sync"
        return f"{self.kind}, {kind} program {self.program.seed}, line {self.line}: {self.about} {self.way}\n{numbered}"


@dataclass(slots=True)
class Verdict:
    """What a batch of programs showed.

    Attributes:
        judged: How many lines raised first, were reported, passed, or ended a run for another reason.
    """

    judged: Counter[str] = field(default_factory=Counter[str])
    disagreements: list[Disagreement] = field(default_factory=list[Disagreement])

    def of_kind(self, kind: str) -> list[Disagreement]:
        return [one for one in self.disagreements if one.kind == kind]


def judge(ran: Sequence[tuple[Program, list[Run]]]) -> Verdict:
    """Check all programs in one go, and compare line by line."""
    texts = {str(SHOP.with_name(f"program_{number}.py")): program.text for number, (program, _) in enumerate(ran)}
    files = [SHOP, *map(Path, texts)]
    found: dict[str, list[Finding]] = {name: [] for name in texts}
    for finding in check(files, HAZARDS, texts=texts).findings:
        if finding.name in LOUD and finding.place.filename in found:
            found[finding.place.filename].append(finding)
    verdict = Verdict()
    for name, (program, runs) in zip(texts, ran, strict=True):
        _compare(program, runs, name, found[name], verdict)
    return verdict


def _compare(program: Program, runs: Sequence[Run], name: str, findings: list[Finding], verdict: Verdict) -> None:
    reported = {line: finding for finding in findings for line in _alarm_lines(finding, name)}
    passed, failed, lucky = set[int](), set[int](), set[int]()
    for run in runs:
        passed |= run.passed
        lucky |= run.lucky
        verdict.judged["runs"] += 1
        for failure in run.failures:
            failed |= set(failure.lines)
            if not failure.is_late_read:
                verdict.judged[f"runs ended by {failure.error}"] += 1
    lucky |= _saved_by_luck(runs)
    firsts: dict[int, list[tuple[Run, Failure]]] = {}
    for run in runs:
        if run.failures and run.failures[0].is_late_read:
            firsts.setdefault(run.failures[0].lines[-1], []).append((run, run.failures[0]))
    for line, failures in firsts.items():
        verdict.judged["raising reads"] += 1
        run, failure = failures[0]
        hits = [reported[number] for number in failure.lines if number in reported]
        told = f"lost {failure.lost_at}, detached {failure.detached_at}"
        if not hits and line in lucky:
            verdict.judged["raising reads"] -= 1
            continue
        if not hits:
            verdict.disagreements.append(
                Disagreement("missed", program, line, f"{failure.message}, {told}", str(run.way))
            )
            continue
        verdict.judged["reported"] += 1
        steps = {step.place.line for finding in findings for step in finding.evidence}
        if not any({failure.lost_at, failure.detached_at} - {None} <= steps for _, failure in failures):
            about = f"{told}, but said {sorted(steps)}: {hits[0].message}"
            verdict.disagreements.append(Disagreement("other cause", program, line, about, str(run.way)))
    for line in sorted(reported.keys() & passed - failed - lucky):
        about = f"[{reported[line].name}] {reported[line].message}"
        verdict.disagreements.append(Disagreement("false alarm", program, line, about))
    verdict.judged["lines that passed"] += len(passed)


def _saved_by_luck(runs: Sequence[Run]) -> set[int]:
    """Reads that raise, and pass where nothing is different but which rows there are and which belong together.

    Then the identity map happened to hold the row that was needed: such a read counts neither as raising nor as right.
    """
    raising = [run for run in runs if run.failures and run.failures[0].is_late_read]
    return {
        run.failures[0].lines[-1]
        for run in raising
        if any(_differs_in_rows(twin.way, run.way) and _goes_on(twin, run) for twin in runs)
    }


def _differs_in_rows(one: Way, other: Way) -> bool:
    """Whether two ways differ only in the rows that there are, or that are asked for."""
    worlds = {one.world, other.world}
    return (
        one != other
        and one.broken == other.broken
        and (len(worlds) == 1 or worlds <= set(TWINS))
        and {name for name, _ in set(one.arguments) ^ set(other.arguments)} <= QUERIED
    )


def _goes_on(twin: Run, run: Run) -> bool:
    """Whether a run has done the same as another one, and passed where that raised first."""
    same = twin.steps[: len(run.steps)] == run.steps
    return same and (len(twin.steps) > len(run.steps) or not twin.failures)


def _alarm_lines(finding: Finding, name: str) -> set[int]:
    """The line of a finding, and those of further reads that it covers."""
    also = {step.place.line for step in finding.evidence if step.message == "also read here"}
    return {finding.place.line} | also if finding.place.filename == name else also
