"""Questions about a value that is one of a few: ``state in (State.NEW, State.OPEN)``, then ``state == State.NEW``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from outlive.check.flow.frames import Frame
from outlive.check.flow.state import State

_CHOICE = r"(?:\w+\.)*_?[A-Z]\w*\.\w+|'[^',()]*'"
"""A member of an enumeration, or a text: where two of them are written differently, they are different."""

_ASKED = re.compile(
    rf"(?P<subject>[\w.]+) (?:(?:Eq|Is) (?P<one>{_CHOICE})|In \((?P<some>(?:{_CHOICE})(?:, (?:{_CHOICE}))*)\))"
)


def single(key: str, answer: bool) -> Iterator[tuple[str, bool]]:
    """What a condition says of each choice by itself: what is none of three is not the first, and not the others."""
    asked = _asked(key)
    if asked is None or " In (" not in key:
        yield key, answer
    elif not answer or len(asked[1]) == 1:
        yield from ((f"{asked[0]} Eq {each}", answer) for each in sorted(asked[1]))


def answer(state: State, frame: Frame, key: str) -> bool | None:
    """The answer that follows from earlier ones about the same value; one of the questions is about several choices."""
    asked = _asked(key)
    if asked is None:
        return None
    subject, choices = asked
    left = None
    excluded: set[str] = set()
    for (where, other), given in state.assumed.items():
        earlier = _asked(other) if where == frame.id and other.startswith(subject) else None
        if earlier is None or earlier[0] != subject or 1 == len(choices) == len(earlier[1]):
            continue
        if given:
            left = earlier[1] if left is None else left & earlier[1]
        else:
            excluded |= earlier[1]
    if left is not None and left - excluded <= choices:
        return True
    possible = choices - excluded if left is None else choices & left - excluded
    return None if possible else False


def _asked(key: str) -> tuple[str, frozenset[str]] | None:
    """The value that a condition is about, and the choices that it names."""
    found = _ASKED.fullmatch(key)
    if found is None:
        return None
    return found["subject"], frozenset([found["one"]] if found["one"] else found["some"].split(", "))
