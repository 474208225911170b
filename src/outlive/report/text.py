"""Findings as rustc draws them: the read underlined, every step that leads there on its own line."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from outlive.check.findings import Confidence, Finding, Safety, Severity
from outlive.check.source import split_lines
from outlive.lifecycle.places import Place
from outlive.report.excerpt import Mark, excerpt, frame
from outlive.report.paint import Line, Style, paint
from outlive.report.visible import visible

FIXES = {Safety.SAFE: "[fix: safe]", Safety.REVIEW: "[fix: --unsafe-fixes]"}
LIKELY = "fails on a path that the code allows, not on every path"


def render(
    findings: Sequence[Finding], texts: Mapping[str, str], *, checked: int, width: int = 120, colour: bool = False
) -> str:
    """All findings with their source, and a summary.

    Args:
        findings: In the order in which they are printed.
        texts: The source of every file that a finding or its evidence names; without it the source is left out.
        checked: How many files were checked.
        width: Columns of the terminal.
        colour: Whether to colour it for a terminal.
    """
    summary = paint(list(_summary(findings, checked)), colour=colour)
    drawn = draw(findings, texts, width=width, colour=colour)
    return f"{drawn}\n{summary}" if drawn else summary


def draw(findings: Sequence[Finding], texts: Mapping[str, str], *, width: int = 120, colour: bool = False) -> str:
    """The same without a summary."""
    lines = {filename: split_lines(text) for filename, text in texts.items()}
    drawn: list[Line] = []
    for finding in findings:
        drawn += [*([[]] if drawn else []), *_finding(finding, lines, width)]
    return paint(drawn, colour=colour)


def _finding(finding: Finding, lines: Mapping[str, Sequence[str]], width: int) -> Iterator[Line]:
    style = Style.ERROR if finding.severity is Severity.ERROR else Style.ADVICE
    heading = f"{finding.name}: {visible(finding.message)}"
    yield [(f"{finding.severity}[{finding.code}]", style), (" ", Style.PLAIN), (heading, Style.STRONG)]
    marks: dict[str, list[Mark]] = {finding.place.filename: []}
    for step in dict.fromkeys(finding.evidence):
        marks.setdefault(step.place.filename, []).append(Mark(step.place, step.message, Style.LABEL))
    marks[finding.place.filename].append(Mark(finding.place, "", style))
    gutter = max(len(str(mark.place.line)) for some in marks.values() for mark in some)
    for filename, some in marks.items():
        is_main = filename == finding.place.filename
        place = finding.place if is_main else some[0].place
        yield [(f"{'':>{gutter}}{'-->' if is_main else ':::'} ", Style.FRAME), (_location(place), Style.PLAIN)]
        if filename in lines:
            yield [frame(gutter)]
            yield from excerpt(some, lines[filename], gutter=gutter, width=width)
            yield [frame(gutter)]
        else:
            for mark in some:
                label = f"line {mark.place.line}: {mark.label}"
                yield from _note("note", label, Style.LABEL, gutter, width) if mark.label else ()
    yield from _advice(finding, gutter, width)


def _advice(finding: Finding, gutter: int, width: int) -> Iterator[Line]:
    if finding.confidence is Confidence.LIKELY:
        yield from _note("note", LIKELY, Style.STRONG, gutter, width)
    fix = finding.fix
    if finding.help and (fix is None or finding.help != fix.message):
        yield from _note("help", finding.help, Style.STRONG, gutter, width)
    if fix is not None:
        yield from _note("help", f"{fix.message} {FIXES[fix.safety]}", Style.FIX, gutter, width)
    if not finding.help and fix is None:
        yield from _note("help", f"`outlive explain {finding.code}` says what to do", Style.STRONG, gutter, width)


def _note(kind: str, text: str, style: Style, gutter: int, width: int) -> Iterator[Line]:
    lead = f"{'':>{gutter}} = {kind}: "
    first, *more = textwrap.wrap(visible(text), max(width - len(lead), 20), break_on_hyphens=False) or [""]
    yield [(f"{'':>{gutter}} = ", Style.FRAME), (f"{kind}: ", style), (first, Style.PLAIN)]
    for part in more:
        yield [(" " * len(lead) + part, Style.PLAIN)]


def _location(place: Place) -> str:
    return f"{visible(place.filename)}:{place.line}:{place.column}"


def _summary(findings: Sequence[Finding], checked: int) -> Iterator[Line]:
    if not findings:
        yield [("All good: ", Style.FIX), (f"{count(checked, 'file')} checked.", Style.PLAIN)]
        return
    advice = sum(finding.severity is Severity.ADVICE for finding in findings)
    files = len({finding.place.filename for finding in findings})
    problems = count(len(findings), "problem") + (f" ({advice} advice)" if advice else "")
    found = f"Found {problems} in {count(files, 'file')}"
    fixable = Counter(finding.fix.safety for finding in findings if finding.fix)
    safe, review = fixable[Safety.SAFE], fixable[Safety.REVIEW]
    ways = [f"{safe} fixable with --fix"] * bool(safe)
    ways += [f"{review} {'more' if safe else 'fixable'} with --fix --unsafe-fixes"] * bool(review)
    rest = f"; {count(checked, 'file')} checked." + (f" {', '.join(ways)}." if ways else "")
    yield [(found, Style.STRONG), (rest, Style.PLAIN)]


def count(number: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
