"""Fields in which one method leaves an object and another one finds it, when the session of the first has closed.

A field counts if one line of its class fills it, within a method whose sessions have all closed when it ends.  It is
looked for in the methods that no other method of the class names: those that are named may be called while the
session is open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check.flow import caching
from outlive.check.flow.frames import Frame
from outlive.check.flow.state import Plain, State
from outlive.check.flow.values import Ref, Spot, Value
from outlive.check.program import ClassSymbol, FieldSymbol, FunctionSymbol

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_FILLING = r"(?:\s*:[^=\n]+)?\s*\+?=(?!=)|\[.*\]\s*=(?!=)|\.(?:add|append|appendleft|extend|insert|setdefault|update)\("
_AT_THE_ENDS = frozenset({"__aenter__", "__aexit__", "__del__", "__enter__", "__exit__", "__init__"})
_EMPTY = r"\s*(?:None\b|\[\]|\{\}|\w*[dD]ict\(|list\(\)|set\(\)|deque\(|frozenset\(\))"


def filled(run: Interpreter, state: State, frame: Frame, owner: Ref, name: str, value: Value, span: int) -> None:
    """``self.name = value``, ``self.name.append(value)``"""
    plain = state.objects.get(owner.oid)
    if run.recalled or owner.oid < 0 or not isinstance(plain, Plain) or run.key_of(owner.oid)[0] != "instance":
        return  # Within a summary it is nobody's yet; the method is walked by itself as well.
    if not caching.has_objects(state, value):
        return
    symbol = FieldSymbol(plain.symbol, name)
    for class_ in run.program.lineage(plain.symbol)[0]:
        run.program.looked_at.add(class_.module.filename)
    if symbol not in run.caching:
        place = Spot(run.frame_id(-1, 0, frame.module, -1), span)
        made = caching.Caching(len(run.caching), symbol, place, f"once `self.{name}` has it")
        run.caching[symbol] = made if _is_filled_once(run, symbol) else None
    by = run.caching[symbol]
    if by is not None:
        caching.put(run, state, by, value)


def _is_filled_once(run: Interpreter, symbol: FieldSymbol) -> bool:
    """Whether all that it has is alike, and nobody gives it a session again."""
    name = re.escape(symbol.name)
    text = "\n".join(method.facts.text for method in _methods(run, symbol.owner))
    lines = [line for line in text.splitlines() if re.search(rf"\.{name}(?:{_FILLING})(?!{_EMPTY})", line)]
    again = rf"\.(?:add|add_all|enable_relationship_loading|merge|refresh)\([^)\n]*\.{name}\b"
    return len(lines) == 1 and not re.search(again, text)


def _methods(run: Interpreter, owner: ClassSymbol) -> Iterator[FunctionSymbol]:
    for class_ in run.program.lineage(owner)[0]:
        for index in class_.facts.methods.values():
            yield FunctionSymbol(class_.module, index)


def may_find(run: Interpreter, symbol: FieldSymbol, method: FunctionSymbol) -> bool:
    """Whether a method is called when the session has gone, as far as its class tells."""
    facts = method.facts
    if facts.parent < 0 or facts.name in _AT_THE_ENDS or f".{symbol.name}" not in facts.text:
        return False
    class_ = ClassSymbol(method.module, facts.parent)
    if class_ != symbol.owner and not (
        symbol.owner in run.program.lineage(class_)[0] and _is_filled_once(run, FieldSymbol(class_, symbol.name))
    ):
        return False
    mentions = re.compile(rf"\.{re.escape(facts.name)}\b")
    return not any(mentions.search(other.facts.text) for other in _methods(run, class_) if other != method)


def recall(run: Interpreter, state: State, owner: Ref) -> None:
    """What methods that were called before have left in the fields of an instance."""
    plain = state.objects.get(owner.oid)
    lineage = run.program.lineage(plain.symbol)[0] if isinstance(plain, Plain) else []
    for symbol in run.recalled if isinstance(plain, Plain) else ():
        found = caching.hit(run, state, symbol) if isinstance(symbol, FieldSymbol) and symbol.owner in lineage else None
        if found is not None and isinstance(symbol, FieldSymbol) and isinstance(plain, Plain):
            state.objects[owner.oid] = plain = replace(plain, fields={**plain.fields, symbol.name: found})
