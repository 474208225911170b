"""What caches keep: the results of functions, and what is put into a dict of a module.

The first call works with an object of its caller's session.  Every later one gets that object, or a copy of it, in the
state in which it was left: so each function is walked once more, with what caches have kept when it was walked before.

Source: functools, cachetools 8.0, aiocache 0.12, Flask-Caching 2.5 and dogpile.cache 1.5, run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow import calls, fields, lifetimes, orphans, summaries
from outlive.check.flow.frames import Pairs
from outlive.check.flow.log import Note
from outlive.check.flow.observations import Exit
from outlive.check.flow.relevance import walk
from outlive.check.flow.state import LOADED, Object, Plain, State
from outlive.check.flow.values import Spot, Value
from outlive.check.knowledge import Keeps
from outlive.check.program import External, FieldSymbol, FunctionSymbol, GlobalSymbol, Module
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


Symbol: TypeAlias = FunctionSymbol | GlobalSymbol | FieldSymbol

VARIANTS = 3
"""In how many states a kept object is looked at."""


class Kept(Struct, frozen=True):
    """What a cache has: a value, and the objects behind it."""

    value: Value
    objects: Mapping[int, Object | Plain]


class Caching(Struct, frozen=True):
    """What keeps objects.

    Attributes:
        symbol: A function with a decorator that keeps its results, a dict of a module, or a field of a class.
        place: That decorator, or where the dict is filled.
        since: From when on others get what is kept.
        keeps: The object, a copy, or either.
        keyed: By all the arguments of the function.
    """

    number: int
    symbol: Symbol
    place: Spot
    since: str
    keeps: Keeps = "object"
    keyed: bool = False


class Keeping(Struct, frozen=True):
    """A result on its way into a cache, with its objects as they were then."""

    caching: Caching
    value: Value
    objects: Mapping[int, Object | Plain]


def of_function(run: Interpreter, symbol: FunctionSymbol) -> Caching | None:
    found = run.caching.get(symbol)
    if found is None and symbol not in run.caching:
        for decorator in symbol.facts.decorators:
            cache = run.knowledge.caches.get(_dotted(run, symbol, decorator.head))
            if cache is not None and not any(decorator.keyword(word) for word in cache.unless):
                place = Spot(run.frame_id(-1, 0, symbol.module, -1), decorator.span)
                since = f"from the second call of `{symbol.facts.name}` on"
                keyed = decorator.keyword(cache.key or "-") is None
                found = Caching(len(run.caching), symbol, place, since, cache.keeps, keyed)
        run.caching[symbol] = found
    return found


def _dotted(run: Interpreter, symbol: FunctionSymbol, head: str) -> str:
    """``functools.cache``, ``flask_caching.Cache().memoize``"""
    found = run.program.resolve(symbol.module, head) if head else None
    if isinstance(found, External):
        return found.dotted
    owner, _, method = head.rpartition(".")
    held = run.program.resolve(symbol.module, owner) if owner else None
    if isinstance(held, GlobalSymbol):
        made = run.program.resolve(held.module, run.program.global_term(held).head)
        if isinstance(made, External):
            return f"{made.dotted}().{method}"
    return ""


def hit(run: Interpreter, state: State, symbol: Symbol) -> Value | None:
    """What a cache has of a former walk."""
    kept = run.recalled.get(symbol)
    if kept is None:
        return None
    for oid, held in kept.objects.items():
        state.objects.setdefault(oid, held)
    return kept.value


def miss(run: Interpreter, caching: Caching, bound: Mapping[str, Value], pairs: Pairs) -> None:
    """A result is kept, unless the session is part of its key: then nobody else gets it."""
    if run.recalled:
        return
    for state, value in pairs:
        given = calls.reach(state, bound.values())
        if caching.keyed and any(orphans.holds(each, sid) for each in given for sid in state.sessions):
            continue
        put(run, state, caching, value)


def has_objects(state: State, value: Value) -> bool:
    return any(state.object(oid) for oid in lifetimes.refs(value))


def put(run: Interpreter, state: State, caching: Caching, value: Value) -> None:
    """A value comes into a cache."""
    if not has_objects(state, value):
        return
    keeping = Keeping(caching, value, summaries.ending(run, state, value, {}).objects)
    if caching.keeps == "copy":
        _keep(run, keeping, {oid: _copied(caching, held) for oid, held in keeping.objects.items()})
    else:
        run.keeping.append(keeping)


def _copied(caching: Caching, held: Object | Plain) -> Object | Plain:
    if isinstance(held, Object) and held.life is Life.PERSISTENT:
        return replace(held, life=Life.DETACHED, sid=None, exit=(Exit.COPY, caching.place))
    return held


def left(run: Interpreter, ends: Iterable[State]) -> None:
    """The caller has ended, and so have its sessions: in this state the cache has its objects now."""
    keepings, run.keeping = run.keeping, []
    for state in ends:
        for keeping in keepings:
            objects: dict[int, Object | Plain] = {}
            for oid, before in keeping.objects.items():
                now = state.objects.get(oid)
                if now is None:
                    break
                if keeping.caching.keeps == "either" and isinstance(now, Object) and isinstance(before, Object):
                    now = _with_loaded_of(now, before)
                objects[oid] = now
            else:
                _keep(run, keeping, objects)


def _with_loaded_of(now: Object, before: Object) -> Object:
    """What a copy that was made at once has, too."""
    there = {name for name in (*now.attributes, *before.attributes) if before.status(name).loss is None}
    columns = LOADED if before.columns.loss is None else now.columns
    return replace(now, columns=columns, attributes={**now.attributes, **dict.fromkeys(there, LOADED)})


def _keep(run: Interpreter, keeping: Keeping, objects: Mapping[int, Object | Plain]) -> None:
    held = [objects.get(oid) for oid in lifetimes.refs(keeping.value)]
    if not all(isinstance(each, Object) and each.life is Life.DETACHED for each in held):
        return
    moved = summaries.Moved(run, -2, -2 - keeping.caching.number, {})
    kept = Kept(moved.value(keeping.value), {moved.oid(oid): moved.object(each) for oid, each in objects.items()})
    variants = run.kept.setdefault(keeping.caching.symbol, [])
    if kept not in variants and len(variants) < VARIANTS:
        variants.append(kept)


def is_called_again(run: Interpreter, symbol: FunctionSymbol) -> bool:
    """Whether one process may call a function twice: not what a module calls when it runs, nor a test."""
    name = symbol.facts.name
    if run.called_once is None:
        times = Counter(_called_by_modules(run))
        run.called_once = frozenset(each for each, count in times.items() if count == 1)
    return name != "main" and not name.startswith("test") and symbol not in run.called_once


def _called_by_modules(run: Interpreter) -> Iterator[FunctionSymbol]:
    for module in run.program.modules:
        for node in walk(module.facts.body):
            if isinstance(node, ir.Call) and isinstance(node.base, str) and not node.method:
                found = run.program.name(module, node.base)
                if isinstance(found, FunctionSymbol):
                    yield found


def readers(run: Interpreter, module: Module) -> Iterator[FunctionSymbol]:
    """The functions of a file that take something out of a cache or a field, by the names in their text."""
    words: set[str] = set()
    for symbol in run.kept:
        if isinstance(symbol, GlobalSymbol) and symbol.module is module:
            by_method = not symbol.name.isidentifier()
            words |= {f".{call.rpartition('.')[2]}(" for call in run.knowledge.takes} if by_method else {symbol.name}
        elif isinstance(symbol, FieldSymbol) and symbol.owner.module is module:
            words.add(f".{symbol.name}")
    for index, function in enumerate(module.facts.functions if words else ()):
        if not function.nested and any(word in function.text for word in words):
            yield FunctionSymbol(module, index)


def line_of(run: Interpreter, note: Note) -> object:
    """Where a note is in the source, whoever has called it."""
    return note.spot.span, run.frames[note.spot.frame][2:]


def take(run: Interpreter, since: int, known: Collection[object], reader: FunctionSymbol) -> list[Note]:
    """Of what was noted since then, the reads that fail because a cache has kept the object."""
    found = run.log.notes[since:]
    del run.log.notes[since:]
    by_number = {caching.number: caching for caching in run.caching.values() if caching is not None}
    taken: list[Note] = []
    for note in found:
        if note.kind != "late" or note.exit is None or note.shadowed or line_of(run, note) in known:
            continue
        caching = by_number.get(_number(run, note.oid))
        if caching is not None and _finds(run, caching, reader):
            taken.append(replace(note, kind="cached", use=caching.place, text=caching.since))
    return taken


def _finds(run: Interpreter, caching: Caching, reader: FunctionSymbol) -> bool:
    """Whether a function comes later: one process calls it twice, or it finds what another method has left."""
    if isinstance(caching.symbol, FieldSymbol):
        return fields.may_find(run, caching.symbol, reader)
    return is_called_again(run, reader)


_SOURCE = {"child": 1, "focus": 3, "moved": 2, "one": 2}
"""Where the key of an identity has the object that it comes from."""


def _number(run: Interpreter, oid: int) -> int:
    """Of the cache that an object comes from, through loops, relationships and summaries; -1 if from none."""
    kind = run.key_of(oid)
    while kind[0] in _SOURCE and (kind[0] != "moved" or kind[1] > -2):
        kind = run.key_of(kind[_SOURCE[kind[0]]])
    return -2 - kind[1] if kind[0] == "moved" else -1
