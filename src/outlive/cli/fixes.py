"""Which fixes hold: each is tried on the texts in memory, and the program is checked again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from outlive.check.edits import apply_edits
from outlive.check.engine import Result
from outlive.check.findings import Edit, Finding

Recheck: TypeAlias = Callable[[Mapping[str, str]], Result]
"""Checks the program again, with these texts, by filename, in the place of what the files hold."""

ROUNDS = 10
"""Fixes that overlap need a round each; more of them in one place do not occur in source that people write."""


@dataclass(frozen=True, slots=True)
class Change:
    """The text of one file before and after all fixes."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was fixed, in memory.

    Attributes:
        result: What the check says after the fixes.
        changes: Every file that changes, by filename.
        applied: Findings whose fix was applied, at their places before it was.
        refused: Findings whose fix would not have removed them, or would have added another.
    """

    result: Result
    changes: Mapping[str, Change] = field(default_factory=dict[str, Change])
    applied: tuple[Finding, ...] = ()
    refused: tuple[Finding, ...] = ()


def apply(result: Result, recheck: Recheck, wanted: Callable[[Finding], bool]) -> Outcome:
    """Apply the fix of every wanted finding, as long as it removes its finding and adds none."""
    outcome = Outcome(result)
    for _ in range(ROUNDS):
        applied = len(outcome.applied)
        outcome = _round(outcome, recheck, wanted)
        if len(outcome.applied) == applied:
            break
    return outcome


def _round(outcome: Outcome, recheck: Recheck, wanted: Callable[[Finding], bool]) -> Outcome:
    """Apply all fixes that do not overlap, at once if that holds, else as many of them as do."""
    before = outcome.result
    known = {_key(finding) for finding in outcome.refused}
    candidates = [one for one in before.findings if one.fix and wanted(one) and _key(one) not in known]
    group, refused = _compatible(candidates, before.texts)
    applied: list[Finding] = []
    pending = [group] if group else []
    while pending:
        group = pending.pop()
        changes = _merged(outcome.changes, before.texts, _edited(before.texts, [*applied, *group]))
        after = recheck({filename: change.after for filename, change in changes.items()})
        if _holds(before, after, [*applied, *group]):
            applied += group
            outcome = replace(outcome, result=after, changes=changes)
        elif len(group) == 1:
            refused += group
        else:
            pending += _halves(group)
    return replace(outcome, applied=(*outcome.applied, *applied), refused=(*outcome.refused, *refused))


def _compatible(candidates: Iterable[Finding], texts: Mapping[str, str]) -> tuple[list[Finding], list[Finding]]:
    """Fixes that can be applied together, the first ones first, and those that cannot even be applied alone."""
    together: list[Finding] = []
    impossible: list[Finding] = []
    pending = [list(candidates)]
    while pending:
        group = pending.pop()
        try:
            _edited(texts, [*together, *group])
            together += group
        except (KeyError, ValueError):
            if len(group) > 1:
                pending += _halves(group)
            # It overlaps with another, which the next round sees applied; on its own it is a wrong fix.
            elif not together:
                impossible += group
    return together, impossible


def _halves(group: list[Finding]) -> list[list[Finding]]:
    """Both halves, the first one last, where a stack takes it from."""
    middle = len(group) // 2
    return [group[middle:], group[:middle]]


def _edited(texts: Mapping[str, str], findings: Iterable[Finding]) -> dict[str, str]:
    edits: defaultdict[str, list[Edit]] = defaultdict(list)
    for finding in findings:
        for edit in finding.fix.edits if finding.fix else ():
            edits[edit.place.filename].append(edit)
    return {filename: apply_edits(texts[filename], some) for filename, some in edits.items()}


def _merged(changes: Mapping[str, Change], texts: Mapping[str, str], edited: Mapping[str, str]) -> dict[str, Change]:
    first = {name: changes[name].before if name in changes else texts[name] for name in edited}
    return {**changes, **{name: Change(first[name], text) for name, text in edited.items()}}


def _holds(before: Result, after: Result, fixed: Sequence[Finding]) -> bool:
    """Whether nothing is left of the fixed findings and nothing has come."""
    allowed = Counter(map(_key, before.findings))
    allowed.subtract(map(_key, fixed))
    return all(number <= allowed[key] for key, number in Counter(map(_key, after.findings)).items())


def _key(finding: Finding) -> tuple[str, str, str]:
    # Without lines: edits above move a finding without making it another.
    return finding.place.filename, finding.code, finding.message
