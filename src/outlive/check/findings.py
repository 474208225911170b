"""What a check reports."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from outlive.lifecycle.evidence import Evidence
from outlive.lifecycle.places import Place


class Severity(StrEnum):
    """How bad it is when it happens."""

    ERROR = "error"
    ADVICE = "advice"


class Confidence(StrEnum):
    """How sure the check is."""

    CERTAIN = "certain"
    """Fails whenever this line is reached."""
    LIKELY = "likely"
    """Fails on a path that the code clearly allows."""


class Safety(StrEnum):
    """Who may apply a fix."""

    SAFE = "safe"
    """Same behaviour, fewer bugs."""
    REVIEW = "unsafe"
    """Changes queries, transactions or freshness: a person decides."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace a span of source by text; an empty span inserts.

    Attributes:
        place: The span; ``end_line`` and ``end_column`` are always set.
        text: What stands there afterwards.
    """

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """Text edits that remove a finding.

    Attributes:
        edits: Non-overlapping, all in the finding's program; usually in its file.
        safety: Who may apply it.
        message: What it does, starting with a verb (``"load `books` with the query"``).
    """

    edits: tuple[Edit, ...]
    safety: Safety
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One root cause, where it hurts, and the steps that lead there.

    Attributes:
        place: The span that fails; underlined with ``^``.
        message: One sentence without a full stop.
        evidence: Steps in the order of time; may lie in other files.
        help: What to do, starting with a verb; ``None`` when the hazard's text says it all.
        fix: ``None`` where good advice is better than an edit.
        code: The hazard's code (``OL201``); set by the engine.
        name: The hazard's name (``lazy-read-after-close``); set by the engine.
    """

    place: Place
    message: str
    evidence: tuple[Evidence, ...] = ()
    help: str | None = None
    fix: Fix | None = None
    severity: Severity = Severity.ERROR
    confidence: Confidence = Confidence.CERTAIN
    code: str = ""
    name: str = ""
