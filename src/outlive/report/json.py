"""Findings as JSON, for other programs.  Rows and columns count from 1; columns count characters."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec

from outlive.check.findings import Finding, Fix
from outlive.lifecycle.places import Place
from outlive.report.pages import page

if TYPE_CHECKING:
    from outlive.check.flow.census import Coverage


def render(findings: Iterable[Finding], coverage: Coverage | None = None) -> str:
    """An indented list in ASCII, also when it is empty; with a coverage an object with both."""
    found: Any = [_finding(finding) for finding in findings]
    if coverage is not None:
        found = {"findings": found, "coverage": asdict(coverage) | {"given_up": _given_up(coverage)}}
    try:
        # `json` indents in Python, and is five times slower then.
        return msgspec.json.format(json.dumps(found), indent=2) + "\n"
    except msgspec.DecodeError:  # half of a surrogate pair, in the name of a file that is not UTF-8
        return json.dumps(found, indent=2) + "\n"


def _given_up(coverage: Coverage) -> list[dict[str, str]]:
    return [{"filename": filename, "function": function} for filename, function in coverage.given_up]


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "message": finding.message,
        "severity": finding.severity,
        "confidence": finding.confidence,
        "filename": finding.place.filename,
        "location": _start(finding.place),
        "end_location": _end(finding.place),
        "evidence": [
            {"filename": step.place.filename, "location": _start(step.place), "message": step.message}
            for step in finding.evidence
        ],
        "help": finding.help,
        "fix": None if finding.fix is None else _fix(finding.fix),
        "url": page(finding.name),
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        "applicability": fix.safety,
        "message": fix.message,
        "edits": [
            {
                "filename": edit.place.filename,
                "location": _start(edit.place),
                "end_location": _end(edit.place),
                "content": edit.text,
            }
            for edit in fix.edits
        ],
    }


def _start(place: Place) -> dict[str, int]:
    return {"row": place.line, "column": place.column}


def _end(place: Place) -> dict[str, int]:
    """First column after the span; where that is not known, the span is empty."""
    if place.end_line is None or place.end_column is None:
        return _start(place)
    return {"row": place.end_line, "column": place.end_column}
