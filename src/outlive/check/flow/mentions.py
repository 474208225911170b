"""The names in the text of each function: what is decided before anything is lowered is decided on them."""

from __future__ import annotations

import re

from msgspec import Struct

from outlive.check.facts import Function
from outlive.check.ir import Term
from outlive.check.program import Module

NAMES = re.compile(r"[^\W\d][\w.]*")
_OTHER = re.compile(r"[^\w.]")
_BLANKS = bytes(n if n < 128 and (chr(n).isalnum() or n in b"_.") else 32 for n in range(256))


class Mentioned(Struct, frozen=True):
    """What a function mentions, its comments and strings included.

    Attributes:
        words: Every single name.
        attributes: Those that stand behind a dot.
        chains: Dotted names that begin with one that the module knows.
        sessions: One that begins with a name has ``session`` in it.
    """

    words: set[str] = set()
    attributes: set[str] = set()
    chains: list[str] = []
    sessions: bool = False


class Mentions:
    """What the functions of a program mention, each read once."""

    def __init__(self) -> None:
        self._tops: dict[int, set[str]] = {}
        self._known: dict[int, Mentioned] = {}

    def of(self, module: Module, function: Function) -> Mentioned:
        found = self._known.get(id(function))
        if found is None:
            found = self._known[id(function)] = self._read(module, function)
        return found

    def _read(self, module: Module, function: Function) -> Mentioned:
        words = _words(function.text).union(*map(names_in, function.decorators))
        names = {word for word in words if "." not in word}
        dotted = words - names
        parts = " ".join(dotted).replace(".", " .").split()
        attributes = {part[1:] for part in parts if part[0] == "."}
        begin = names.union(part for part in parts if part[0] != ".")
        tops, stars = self._top(module), module.facts.stars
        chains = list(names if stars else names & tops)
        for word in dotted:
            # `get().session`: what the call gives may as well be what the module knows by that name.
            chain = word.strip(".")
            if chain and (stars or chain.partition(".")[0] in tops):
                chains.append(chain)
        return Mentioned(begin | attributes, attributes, chains, "ession" in " ".join(begin))

    def _top(self, module: Module) -> set[str]:
        """The names at the top level of a module, but for those that come from a star."""
        found = self._tops.get(id(module))
        if found is None:
            facts = module.facts
            found = self._tops[id(module)] = {*module.names, *facts.globals, *facts.imports}
        return found


def _words(text: str) -> set[str]:
    """Plain names in a text, and chains with dots; numbers, too."""
    blank = text.encode().translate(_BLANKS).decode() if text.isascii() else _OTHER.sub(" ", text)
    return set(blank.split())


def names_in(term: Term | None) -> list[str]:
    """All names in a declarative expression, those in its strings included."""
    if term is None:
        return []
    found = NAMES.findall(term.text) if term.kind != "value" else []
    for part in term.parts:
        found += names_in(part)
    for _, value in term.keywords:
        found += names_in(value)
    return found
