"""Codes, beginnings of codes and names -> hazards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from outlive.hazards.catalog import Hazard
from outlive.lifecycle.errors import UsageError


def one(hazards: Sequence[Hazard], handle: str) -> Hazard:
    """The hazard of a code or name, in any case.

    Raises:
        UsageError: there is none; names the nearest.
    """
    wanted = handle.casefold()
    for hazard in hazards:
        if wanted in (hazard.code.casefold(), hazard.name):
            return hazard
    raise _unknown(hazards, handle, "a code or name")


def several(hazards: Sequence[Hazard], handles: Iterable[str], *, origin: str) -> frozenset[str]:
    """Codes of all hazards that codes, beginnings of codes or names stand for, in any case.

    Raises:
        UsageError: one of them stands for nothing; names it, its origin (``--select``) and the nearest.
    """
    found: set[str] = set()
    for handle in handles:
        wanted = handle.casefold()
        codes = {one.code for one in hazards if one.name == wanted or one.code.casefold().startswith(wanted)}
        if not wanted or not codes:
            raise _unknown(hazards, handle, "a code, the beginning of a code or a name", origin)
        found |= codes
    return frozenset(found)


def _unknown(hazards: Sequence[Hazard], handle: str, expected: str, origin: str = "") -> UsageError:
    handles = [*(hazard.code for hazard in hazards), *(hazard.name for hazard in hazards)]
    spelled = handle.replace("_", "-")
    near = get_close_matches(spelled.upper(), handles, 1) or get_close_matches(spelled.lower(), handles, 1)
    hint = f"did you mean {near[0]}? " if near else ""
    where = f"{origin}: " if origin else ""
    return UsageError(f"{where}{handle!r} is not {expected} of a hazard; {hint}`outlive explain` lists them")
