"""``outlive check``: finds, prints, and fixes when asked to."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from outlive.check.edits import diff
from outlive.check.engine import Result
from outlive.check.findings import Finding, Fix, Safety
from outlive.check.source import read_source
from outlive.cli import terminal
from outlive.cli.fixes import Outcome, apply
from outlive.cli.job import Job, job
from outlive.cli.rewrite import rewrite
from outlive.cli.stdin import Given
from outlive.report import concise, coverage, json, text


def run(arguments: argparse.Namespace) -> int:
    """Check, print, and return the exit code."""
    asked = job(arguments)
    result = asked.check({})
    for warning in [*asked.warnings, *result.warnings, *asked.unseen(result.findings)]:
        terminal.say(f"warning: {warning}")
    if not (arguments.fix or arguments.diff):
        return _report(arguments, asked, result, sys.stdout)

    applicable = {Safety.SAFE, Safety.REVIEW} if arguments.unsafe_fixes else {Safety.SAFE}
    outcome = apply(result, asked.check, lambda one: asked.asks(one) and _safety(one) in applicable)
    for finding in outcome.refused:
        terminal.say(f"not fixed: {_title(finding)}: the fix would not remove this finding, or would add another")
    if arguments.diff:
        return _show(arguments, asked, outcome)
    if asked.given:
        return _print_fixed(arguments, asked, asked.given, outcome)
    return _write_fixed(arguments, asked, outcome)


def _show(arguments: argparse.Namespace, asked: Job, outcome: Outcome) -> int:
    changes = sorted(outcome.changes.items())
    for filename, change in changes:
        # The first line of a patch must match the first line of the file, byte order mark included.
        mark = "\ufeff" if _encoding(asked, filename) == "utf-8-sig" else ""
        terminal.write(diff(filename, mark + change.before, mark + change.after))
    remaining = sum(map(asked.asks, outcome.result.findings))
    terminal.say(f"{text.count(len(outcome.applied), 'problem')} would be fixed, {remaining} would remain")
    return _code(arguments, something=bool(changes))


def _encoding(asked: Job, filename: str) -> str:
    given = asked.given
    return given.encoding if given and given.filename == filename else read_source(Path(filename))[1]


def _print_fixed(arguments: argparse.Namespace, asked: Job, given: Given, outcome: Outcome) -> int:
    """The fixed source on standard output, for editors; everything else beside it."""
    change = outcome.changes.get(given.filename)
    terminal.write_bytes((change.after if change else given.text).encode(given.encoding, "backslashreplace"))
    _tell(outcome.applied)
    return _report(arguments, asked, outcome.result, sys.stderr)


def _write_fixed(arguments: argparse.Namespace, asked: Job, outcome: Outcome) -> int:
    failed: set[str] = set()
    for filename, change in sorted(outcome.changes.items()):
        trouble = rewrite(filename, change.before, change.after)
        if trouble is not None:
            terminal.say(f"error: {filename}: not fixed: {trouble}")
            failed.add(filename)
    _tell([one for one in outcome.applied if one.fix and failed.isdisjoint(_files(one.fix))])
    return _report(arguments, asked, asked.check({}) if failed else outcome.result, sys.stdout)


def _safety(finding: Finding) -> Safety | None:
    return finding.fix.safety if finding.fix else None


def _files(fix: Fix) -> Iterator[str]:
    return (edit.place.filename for edit in fix.edits)


def _tell(applied: Sequence[Finding]) -> None:
    for finding in applied:
        terminal.say(f"fixed: {_title(finding)}{f': {finding.fix.message}' if finding.fix else ''}")


def _report(arguments: argparse.Namespace, asked: Job, result: Result, stream: TextIO) -> int:
    """Print what was asked for of a result, and return the exit code."""
    findings = list(filter(asked.asks, result.findings))
    terminal.write(_rendered(arguments.output_format, findings, result, len(asked.files), stream), stream)
    return _code(arguments, something=bool(findings))


def _rendered(form: str, findings: list[Finding], result: Result, checked: int, stream: TextIO) -> str:
    if form == "json":
        return json.render(findings, result.coverage)
    colour = terminal.wants_colour(stream)
    if form == "concise":
        rendered = concise.render(findings)
    else:
        rendered = text.render(findings, result.texts, checked=checked, width=terminal.columns(), colour=colour)
    if result.coverage is None:
        return rendered
    return f"{rendered}\n{coverage.render(result.coverage, colour=colour)}"


def _code(arguments: argparse.Namespace, *, something: bool) -> int:
    return int(something and not arguments.exit_zero)


def _title(finding: Finding) -> str:
    return f"{finding.place}: {finding.code} {finding.name}"
