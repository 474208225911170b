"""Why an object failed outside its session, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from outlive.lifecycle.evidence import Evidence
from outlive.lifecycle.states import State


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to a lifetime error, in the order in which people ask.

    Attributes:
        hazard: Name of the hazard (``"lazy-read-after-close"``); ``outlive explain NAME`` prints its text.
        what: What happened, one sentence.
        where: Where it began and where it was read, in the order of time; may be empty.
        why: Why that leads to the error, one or two sentences.
        remedies: What to do, best first; each starts with a verb.
        entity: Class name of the object, ``None`` when it is not known.
        identity_key: SQLAlchemy's primary key tuple of the object, ``None`` while it has none.
        attribute: Name of the attribute that was read, ``None`` when the error is not about one.
        state: State of the object when it failed, ``None`` when it is not known.
        is_documented: Whether ``outlive explain NAME`` has a text for the hazard.
    """

    hazard: str
    what: str
    where: tuple[Evidence, ...]
    why: str
    remedies: tuple[str, ...]
    entity: str | None = None
    identity_key: tuple[object, ...] | None = None
    attribute: str | None = None
    state: State | None = None
    is_documented: bool = True

    def __str__(self) -> str:
        lines = [self.what, *(f"  {step}" for step in self.where), self.why]
        lines += [f"  - {remedy}" for remedy in self.remedies]
        if self.is_documented:
            lines.append(f"More: outlive explain {self.hazard}")
        return "\n".join(lines)
