"""One line per finding, as editors and ``grep`` like it."""

from __future__ import annotations

from collections.abc import Iterable

from outlive.check.findings import Finding
from outlive.report.text import FIXES
from outlive.report.visible import visible


def render(findings: Iterable[Finding]) -> str:
    """``file:line:column: code name: message``, and who may apply the fix; empty when there is nothing to say."""
    return "".join(f"{_line(finding)}\n" for finding in findings)


def _line(finding: Finding) -> str:
    place = finding.place
    line = f"{place.filename}:{place.line}:{place.column}: {finding.code} {finding.name}: {finding.message}"
    return visible(line if finding.fix is None else f"{line} {FIXES[finding.fix.safety]}")
