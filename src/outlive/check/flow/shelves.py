"""Dicts of a module in which functions keep objects: whoever comes later finds them there, without their session.

A dict counts if one line of its module fills it, so that all that is kept there is alike, and none deletes from it.
What is taken out before its session ends is not found there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from outlive.check.flow import caching, orphans
from outlive.check.flow.arguments import Given
from outlive.check.flow.state import State
from outlive.check.flow.values import UNKNOWN, Many, Shelf, Spot, Value
from outlive.check.program import External, GlobalSymbol

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_EMPTYING = frozenset({"clear", "pop", "popitem"})


def of_global(run: Interpreter, symbol: GlobalSymbol) -> Shelf | None:
    """``BOOKS = {}``, ``BOOKS = TTLCache(...)``"""
    term = run.program.global_term(symbol)
    if term.kind == "group":
        return Shelf(symbol) if (term.text, term.parts, term.keywords) == ("{}", [], []) else None
    if term.kind != "call" or (term.parts and term.head == "dict"):
        return None
    made = run.program.resolve(symbol.module, term.head) if term.head else None
    dotted = made.dotted if isinstance(made, External) else f"builtins.{term.head}" if made is None else ""
    return Shelf(symbol) if dotted in run.knowledge.shelves else None


def filled(run: Interpreter, state: State, shelf: Shelf, value: Value, spot: Spot) -> None:
    """``BOOKS[key] = book``"""
    orphans.keep(state, value)
    module = run.frames[spot.frame][2]
    if run.recalled or module is not shelf.symbol.module:
        return
    if shelf.symbol not in run.caching:
        alone = _is_filled_once(shelf.symbol)
        place = Spot(run.frame_id(-1, 0, module, -1), spot.span)
        made = caching.Caching(len(run.caching), shelf.symbol, place, f"once `{shelf.symbol.name}` has it")
        run.caching[shelf.symbol] = made if alone else None
    by = run.caching[shelf.symbol]
    if by is not None:
        caching.put(run, state, by, value)


def _is_filled_once(symbol: GlobalSymbol) -> bool:
    """Whether all that is kept is alike, and stays: one line fills it, and none deletes from it."""
    name = rf"(?<![\w.]){re.escape(symbol.name)}"
    text = "\n".join(function.text for function in symbol.module.facts.functions)
    lines = {line.strip() for line in re.findall(rf"{name}\[.*\]\s*=(?!=).*", text)}
    return len(lines) == 1 and not re.search(rf"del {name}\b|{name}\.(update|setdefault)\(", text)


def taken(run: Interpreter, state: State, shelf: Shelf) -> Value:
    """``BOOKS[key]``"""
    return caching.hit(run, state, shelf.symbol) or UNKNOWN


def method(run: Interpreter, given: Given, shelf: Shelf, name: str) -> Value:
    """``BOOKS.get(key)``"""
    for value in given.args:
        orphans.keep(given.state, value)
    if name in _EMPTYING:
        run.keeping = [keeping for keeping in run.keeping if keeping.caching.symbol != shelf.symbol]
    if name in ("get", "pop"):
        return taken(run, given.state, shelf)
    return Many(taken(run, given.state, shelf)) if name == "values" else UNKNOWN
