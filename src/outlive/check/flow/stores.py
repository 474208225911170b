"""Caches that have methods of their own, and pickle: ``cache.set(key, book)``, ``redis.set(key, pickle.dumps(book))``.

Whose cache it is cannot always be told (a parameter, a field, a name of another module), so a file is looked at by
itself: what one line of it puts into caches of one kind, under the same key or under any, its other functions take out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check.flow import caching, rows
from outlive.check.flow.arguments import Given
from outlive.check.flow.observations import Exit
from outlive.check.flow.state import State
from outlive.check.flow.values import UNKNOWN, Const, Group, Many, Ref, Spot, Value
from outlive.check.knowledge import Store
from outlive.check.program import External, GlobalSymbol, Module
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


def put(run: Interpreter, given: Given, store: Store, function: External, spot: Spot) -> None:
    """``cache.set(key, value)``"""
    value = given.argument(store.value, store.word) or UNKNOWN
    if run.recalled or not caching.has_objects(given.state, value):
        return
    module, symbol = given.frame.module, _symbol(given, function)
    place = Spot(run.frame_id(-1, 0, module, -1), spot.span)
    if symbol not in run.caching:
        made = caching.Caching(len(run.caching), symbol, place, "once it is in the cache", store.keeps)
        run.caching[symbol] = made if symbol.name.endswith("'") or _is_filled_once(module, store) else None
    by = run.caching[symbol]
    if by is not None and by.place != place:
        run.caching[symbol] = by = None
        run.keeping = [keeping for keeping in run.keeping if keeping.caching.symbol != symbol]
        run.kept.pop(symbol, None)
    if by is not None:
        caching.put(run, given.state, by, value)


def taken(run: Interpreter, given: Given, function: External) -> Value:
    """``cache.get(key)``"""
    return caching.hit(run, given.state, _symbol(given, function)) or UNKNOWN


def _symbol(given: Given, function: External) -> GlobalSymbol:
    """What caches of one kind have under a key that is spelled out, or under all others."""
    kind, key = function.dotted.rpartition(".")[0], given.args[0] if given.args else UNKNOWN
    return GlobalSymbol(given.frame.module, f"{kind} {key.value!r}" if isinstance(key, Const) else kind)


def _is_filled_once(module: Module, store: Store) -> bool:
    """Whether one line alone uses keys that are not spelled out."""
    methods = "|".join(sorted({re.escape(call.rpartition(".")[2]) for call in store.puts}))
    text = "\n".join(function.text for function in module.facts.functions)
    return len({line.strip() for line in text.splitlines() if re.search(rf"\.(?:{methods})\((?!\s*[\"'])", line)}) == 1


def pickled(run: Interpreter, state: State, value: Value, spot: Spot) -> Value:
    """``pickle.dumps(value)``: the copy that will come out of it stands for it."""
    match value:
        case Ref(oid=oid) if state.object(oid) is not None:
            made = run.identity("pickled", spot, oid)
            obj = rows.copy(run, state, oid, made)
            if obj.life is Life.PERSISTENT:
                state.objects[made] = replace(obj, life=Life.DETACHED, sid=None, exit=(Exit.COPY, spot))
            return Ref(made)
        case Many(element=element):
            return Many(pickled(run, state, element, spot))
        case Group(items=items):
            return replace(value, items=tuple(pickled(run, state, item, spot) for item in items))
        case _:
            return UNKNOWN
