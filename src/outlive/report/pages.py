"""Where the documentation of a hazard stands."""

from __future__ import annotations

BASE = "https://outlive.readthedocs.io/hazards/"


def page(name: str) -> str:
    """The address of a hazard's page, by its name."""
    return f"{BASE}{name}/"
