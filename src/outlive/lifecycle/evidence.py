"""One step of a story: a place and what happened there."""

from __future__ import annotations

from dataclasses import dataclass

from outlive.lifecycle.places import Place


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place and what happened there, in a few words (``"expired here by the commit"``)."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"
