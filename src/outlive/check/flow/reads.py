"""Reading and writing attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check.entities import Guard
from outlive.check.flow import (
    applications,
    background,
    calls,
    children,
    coroutines,
    factories,
    fields,
    graphql,
    guards,
    identity_map,
    lifetimes,
    orphans,
    overwritten,
    ownership,
    requests,
    results,
    sessions,
)
from outlive.check.flow.arguments import evaluate_term
from outlive.check.flow.frames import Frame, Pairs
from outlive.check.flow.log import Note
from outlive.check.flow.state import LOADED, VAGUE, Object, Plain, Session, State
from outlive.check.flow.values import (
    EVERY,
    NONE,
    UNKNOWN,
    Block,
    ClassValue,
    Const,
    Coroutine,
    Factory,
    FunctionValue,
    Group,
    Handle,
    Load,
    Many,
    Mapped,
    Member,
    MethodValue,
    Query,
    Ref,
    Rows,
    SessionRef,
    Spot,
    Super,
    Unknown,
    Value,
)
from outlive.check.program import ClassSymbol, External, FunctionSymbol, ModuleSymbol
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


_EXPECTED = frozenset({"DetachedInstanceError", "MissingGreenlet", "InvalidRequestError"})
_PROPERTIES = ("property", "hybrid_property", "cached_property", "computed_field")


_ENUMS = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum"})

SOMEWHERE = "*"
"""Among what has changed of an object: one of its columns, whichever."""


def read(run: Interpreter, state: State, frame: Frame, base: Value, name: str, span: int, tested: bool) -> Pairs:
    """``base.name``"""
    if isinstance(base, Unknown):
        return [(state, UNKNOWN)]
    match base:
        case Ref(oid=oid):
            found = state.objects.get(oid)
            if isinstance(found, Object):
                return _read_mapped(run, state, frame, oid, found, name, span, tested)
            if isinstance(found, Plain):
                return _read_plain(run, state, frame, oid, found, name, span)
        case SessionRef(sid=sid):
            if name in ("sync_session", "session", "registry"):
                return [(state, replace(base, inner=base.inner or name == "sync_session"))]
            if name == "no_autoflush":
                return [(state, Block(sid, "quiet"))]
            if name == "is_active" and sid in state.sessions and state.sessions[sid].failed:
                return [(state, Const(False))]
            return [(state, MethodValue(base, name))]
        case MethodValue(base=Ref(oid=oid), name="awaitable_attrs"):
            obj = state.object(oid)
            if obj is not None and (obj.life is Life.DETACHED or guards.of(obj, name) == "raise"):
                return _read_mapped(run, state, frame, oid, obj, name, span, tested)
            if obj is not None and obj.life is Life.PERSISTENT and obj.status(name).loss is not None:
                return [(state, _loaded(run, state, oid, obj, name, Spot(frame.id, span)))]
            if obj is not None:
                _load(state, oid, name)
                return [(state, children.child(run, state, oid, name))]
        case ClassValue(symbol=symbol):
            if name == "query" and run.entities.get(symbol) is not None:
                return [(state, _query_of(run, state, frame, symbol, span))]
            return [(state, _class_attribute(run, symbol, name))]
        case External() if base == requests.REQUEST:
            parts: dict[str, Value] = {"state": requests.STATE, "app": applications.APPLICATION}
            return [(state, parts.get(name, UNKNOWN))]
        case External() if base == applications.APPLICATION and name == "state":
            return [(state, applications.STATE)]
        case External() if base == applications.STATE:
            return [(state, applications.read(run, state, name))]
        case External() if base == graphql.INFO:
            return [(state, graphql.context(run, state, frame) if name == "context" else UNKNOWN)]
        case External() if base == requests.STATE:
            return [(state, requests.read(run, state, frame, name))]
        case External(dotted=dotted) if dotted.endswith("()") and dotted[:-2] in run.knowledge.leavers:
            return [(state, _leaving(run, dotted, name))]
        case External() | ModuleSymbol():
            if name == "session" and factories.is_extension(run, base):
                return [(state, factories.EXTENSION)]
            return [(state, run.present(run.symbol_value(run.program.member(base, name)), state))]
        case Super(owner=owner, behind=behind):
            return _read_super(run, state, frame, owner, behind, name, span)
        case Factory(scoped=True):
            return [(state, MethodValue(base, name))]
        case Group(items=items, names=names) if name in names:
            return [(state, items[names.index(name)])]
        case Group(items=items, names=()):
            return [(state, _of_row(state, items, name))]
        case FunctionValue() | Query() | Rows():
            return [(state, MethodValue(base, name))]
        case Handle():
            background.attribute(state, base, name)
        case Coroutine(value=inner, sid=None):
            return read(run, state, frame, inner, name, span, tested)
        case Coroutine():
            return [(state, coroutines.used(run, state, frame, base, name, span))]
        case _:
            pass
    return [(state, UNKNOWN)]


def _of_row(state: State, columns: Sequence[Value], name: str) -> Value:
    """``row.Author``: a row has a mapped object under the name of its class."""
    for value in columns:
        obj = state.object(value.oid) if isinstance(value, Ref) else None
        if obj is not None and obj.entity.name == name:
            return value
    return UNKNOWN


def _query_of(run: Interpreter, state: State, frame: Frame, symbol: ClassSymbol, span: int) -> Value:
    """``Author.query``: with Flask-SQLAlchemy, of the session that its extension has."""
    flask = factories.of_model(run, symbol)
    sid = sessions.open_session(run, state, frame, flask, span).sid if flask is not None else None
    return Query((ClassValue(symbol),), Load(), Spot(frame.id, span), sid, "query", EVERY)


def _class_attribute(run: Interpreter, symbol: ClassSymbol, name: str) -> Value:
    entity = run.entities.get(symbol)
    if entity is not None and (name in entity.columns or name in entity.relationships):
        return Mapped(symbol, name)
    found = method(run, symbol, name)
    if found is not None:
        owner = ClassValue(symbol) if any(d.head == "classmethod" for d in found.facts.decorators) else None
        return FunctionValue(found, owner)
    inside, outside, _ = run.program.lineage(symbol)
    is_enum = any(isinstance(base, External) and base.dotted in _ENUMS for base in outside)
    for class_ in inside:
        for attribute in class_.facts.attributes:
            if is_enum and attribute.name == name:
                return Member(symbol, name)
            if attribute.name == name and attribute.value is not None and attribute.value.kind in ("name", "call"):
                return evaluate_term(run, class_.module, attribute.value)
    return UNKNOWN


def method(
    run: Interpreter, symbol: ClassSymbol, name: str, behind: ClassSymbol | None = None
) -> FunctionSymbol | None:
    """The method that a class has under a name, of its own or inherited; only of those ``behind`` an ancestor."""
    inside, _, _ = run.program.lineage(symbol)
    if behind is not None:
        inside = inside[inside.index(behind) + 1 :] if behind in inside else []
    for class_ in inside:
        index = class_.facts.methods.get(name)
        if index is not None:
            return FunctionSymbol(class_.module, index)
    return None


def lacks(run: Interpreter, state: State, base: Value, name: str) -> bool:
    """Whether a mapped object has no attribute of a name, as far as its class and what it was given can tell."""
    obj = state.object(base.oid) if isinstance(base, Ref) else None
    if obj is None or not obj.entity.known or name in obj.links or name in obj.attributes:
        return False
    entity = obj.entity
    if any(name in mapped for mapped in (entity.columns, entity.relationships, entity.proxies, entity.below)):
        return False
    if any(method(run, entity.symbol, asked) is not None for asked in (name, "__getattr__", "__getattribute__")):
        return False
    return all(name != attribute.name for class_ in entity.lineage for attribute in class_.facts.attributes)


def _read_super(
    run: Interpreter, state: State, frame: Frame, owner: Value, behind: ClassSymbol, name: str, span: int
) -> Pairs:
    """``super().name``"""
    match owner:
        case Ref(oid=oid) if oid in state.objects:
            held = state.objects[oid]
            symbol = held.entity.symbol if isinstance(held, Object) else held.symbol
            return bound_method(run, state, frame, symbol, owner, name, span, behind) or [(state, UNKNOWN)]
        case ClassValue(symbol=symbol):
            found = method(run, symbol, name, behind)
            return [(state, FunctionValue(found, owner) if found is not None else UNKNOWN)]
        case _:
            return [(state, UNKNOWN)]


def bound_method(
    run: Interpreter,
    state: State,
    frame: Frame,
    symbol: ClassSymbol,
    owner: Ref,
    name: str,
    span: int,
    behind: ClassSymbol | None = None,
) -> Pairs | None:
    found = method(run, symbol, name, behind)
    if found is None:
        return None
    heads = [d.head.rpartition(".")[2] for d in found.facts.decorators]
    if any(head in _PROPERTIES for head in heads):
        return calls.inline(run, FunctionValue(found, owner), [], [], False, state, frame, span, None)
    if "staticmethod" in heads:
        return [(state, FunctionValue(found))]
    return [(state, FunctionValue(found, ClassValue(symbol) if "classmethod" in heads else owner))]


def item_of_instance(run: Interpreter, state: State, frame: Frame, base: Ref, index: Value, span: int) -> Pairs:
    """``base[index]``: what ``__getitem__`` gives; an object itself where it may stand for a collection."""
    held = state.objects.get(base.oid)
    if held is None:
        return [(state, UNKNOWN)]
    symbol = held.entity.symbol if isinstance(held, Object) else held.symbol
    special = method(run, symbol, "__getitem__")
    if special is not None:
        return calls.inline(run, FunctionValue(special, base), [index], [], False, state, frame, span, None)
    return [(state, base if run.key_of(base.oid)[0] == "child" else UNKNOWN)]


def _read_plain(run: Interpreter, state: State, frame: Frame, oid: int, plain: Plain, name: str, span: int) -> Pairs:
    value = plain.fields.get(name)
    if isinstance(value, SessionRef) and value.sid not in state.sessions:
        return [(state, UNKNOWN)]
    if value is not None and not isinstance(value, Unknown):
        return [(state, value)]
    wired = run.wiring.of(run, plain.symbol, name)
    if wired is not None:
        return [(state, run.present(wired, state))]
    if value is not None:
        return [(state, value)]
    found = bound_method(run, state, frame, plain.symbol, Ref(oid), name, span)
    if found is not None:
        return found
    value = _class_attribute(run, plain.symbol, name)
    return [(state, _inherited(run, plain.symbol, name) if isinstance(value, Unknown) else value)]


def _inherited(run: Interpreter, symbol: ClassSymbol, name: str) -> Value:
    """What a class has from one of a library, of those that matter."""
    extension = factories.extension_above(run, symbol)
    if extension is not None and name != "session":  # A session of which nothing is known may do anything.
        return External(f"{extension.dotted}().{name}")
    _, outside, _ = run.program.lineage(symbol)
    found = [_leaving(run, f"{base.dotted}()", name) for base in outside if isinstance(base, External)]
    return next((each for each in found if not isinstance(each, Unknown)), UNKNOWN)


def _leaving(run: Interpreter, owner: str, name: str) -> Value:
    """A method of what a library has made, if it never returns: of the others nothing is known."""
    dotted = f"{owner}.{name}"
    return External(dotted) if dotted in run.knowledge.noreturns else UNKNOWN


def _read_mapped(
    run: Interpreter, state: State, frame: Frame, oid: int, obj: Object, name: str, span: int, tested: bool
) -> Pairs:
    entity = obj.entity
    if name == "awaitable_attrs":
        return [(state, MethodValue(Ref(oid), name))]
    if name in entity.proxies:
        return _read_through(run, state, frame, oid, *entity.proxies[name], span)
    if name == "__dict__":
        state.objects[oid] = guards.looked_through(obj)
    is_below = name in entity.below and name in obj.attributes
    if name not in entity.columns and name not in entity.relationships and not is_below:
        if name in obj.links:
            return [(state, obj.links[name])]
        return bound_method(run, state, frame, entity.symbol, Ref(oid), name, span) or [(state, UNKNOWN)]
    spot = Spot(frame.id, span)
    if obj.life in (Life.TRANSIENT, Life.PENDING):
        column = entity.columns.get(name)
        known = name in obj.links or name in obj.attributes
        unset = column is not None and column.primary_key and not known and not column.factory
        if unset and tested:
            return [(state, NONE)]
        if unset and obj.life is Life.PENDING:
            run.log.add(Note("key", spot, name, obj, cause=obj.born, oid=oid, session=_session(state, obj)))
        if unset and obj.merged is not None:
            run.log.add(Note("merge", obj.merged[0], name, obj, cause=obj.merged[0], oid=oid, text="read", use=spot))
        relationship = entity.relationships.get(name)
        status = obj.status(name)
        if status.vague:
            return [(state, UNKNOWN)]
        if status.loss is not None and relationship is None:  # Expired before a rollback took its row.
            _late(run, state, frame, oid, obj, name, spot)
            return [(state, UNKNOWN)]
        run.log.fine.add(spot)
        if relationship is not None and relationship.many and (status.loss is not None or name not in obj.links):
            return [(state, MethodValue(Ref(oid), name))]
        if unset and obj.life is Life.PENDING:
            return [(state, overwritten.unset_key(run, oid, spot))]
        return [(state, NONE if status.loss is not None else obj.links.get(name, UNKNOWN))]
    status = obj.status(name)
    if guards.may_be_loaded(obj, name):
        run.log.unguarded.add((spot, name))
    if status.vague or obj.life is None or guards.is_unsure(obj, name):
        own = _session(state, obj)
        if obj.life is Life.PERSISTENT and own is not None and (not own.is_async or own.lent):
            lifetimes.spread(state, oid)  # It may be a load.
        return [(state, children.vague_child(run, state, oid, obj, name))]
    if status.loss is None:
        run.log.fine.add(spot)
        if tested and name in entity.columns and entity.columns[name].filled:
            return [(state, Const(True))]
        return [(state, children.child(run, state, oid, name))]
    guard = guards.refusing(run, state, obj, name)
    if guard:
        _late(run, state, frame, oid, obj, name, spot, guard)
        return [(state, UNKNOWN)]
    if obj.life in (Life.PERSISTENT, Life.DELETED):
        return _read_in_session(run, state, frame, oid, obj, name, spot)
    if obj.exit is not None:
        _late(run, state, frame, oid, obj, name, spot)
    return [(state, UNKNOWN)]


def _read_through(
    run: Interpreter, state: State, frame: Frame, oid: int, relationship: str, name: str, span: int
) -> Pairs:
    """An association proxy reads a relationship, and an attribute of what stands behind it."""
    done: Pairs = []
    for one, value in read(run, state, frame, Ref(oid), relationship, span, False):
        target = value.element if isinstance(value, Many) else value
        for two, found in read(run, one, frame, target, name, span, False):
            done.append((two, Many(found) if isinstance(value, Many) else found))
    return done


def _read_in_session(
    run: Interpreter, state: State, frame: Frame, oid: int, obj: Object, name: str, spot: Spot
) -> Pairs:
    """An attribute without a value, of an object that has a session: it is loaded, found, or out of reach."""
    session = _session(state, obj)
    if session is None or obj.sid is None:
        return [(state, UNKNOWN)]
    if session.failed and not identity_map.answers(run, state, obj, name):
        _late(run, state, frame, oid, obj, name, spot)
        return [(state, UNKNOWN)]
    awaits = session.is_async and not session.lent
    if obj.life is Life.DELETED and not awaits:
        return [(state, UNKNOWN)]  # The row is gone, but a relationship can be loaded.
    if identity_map.is_none(run, obj, name):
        state.objects[oid] = obj.with_status(name, VAGUE)
        return [(state, UNKNOWN)]
    if not awaits:
        run.log.fine.add(spot)
        return [(state, _loaded(run, state, oid, obj, name, spot))]
    if identity_map.answers(run, state, obj, name):
        run.log.fine.add(spot)
        state.objects[oid] = obj.with_status(name, VAGUE)
        return [(state, children.found_child(run, state, oid, obj, name))]
    _late(run, state, frame, oid, obj, name, spot)
    relationship = obj.entity.relationships.get(name)
    if relationship is not None and not relationship.many:
        state.objects[oid] = obj.with_status(name, VAGUE)  # Where it does not raise, it has found that there is none.
    return [(state, UNKNOWN)]


def _loaded(run: Interpreter, state: State, oid: int, obj: Object, name: str, spot: Spot) -> Value:
    """What a lazy load brings."""
    if obj.sid is not None:
        lifetimes.begin(state, obj.sid, spot)
        lifetimes.autoflush(state, obj.sid, spot)
        if identity_map.answers(run, state, obj, name):
            lifetimes.maybe_flushed(state, obj.sid, spot)  # The identity map may have it: then nothing is flushed.
    _load(state, oid, name)
    if obj.sid is not None and obj.columns.loss is not None:
        results.fill_behind(run, state, obj.sid, obj.entity, obj.load)  # The options of its query hold for its row.
    children.forget_child(run, state, oid, name)  # It is not expired.
    for assigned in lifetimes.refs(obj.links.get(name, UNKNOWN)):
        held = state.object(assigned)
        if held is not None and held.life is Life.PERSISTENT:
            state.objects[assigned] = lifetimes.reload(held)  # Its row has come with the others.
    return children.child(run, state, oid, name)


def _late(
    run: Interpreter, state: State, frame: Frame, oid: int, obj: Object, name: str, spot: Spot, guard: Guard = ""
) -> None:
    if any(caught.rpartition(".")[2] in _EXPECTED for caught in frame.caught):
        state.objects[oid] = obj.with_status(name, VAGUE)  # Where it does not raise, there is a value.
        return
    status = obj.status(name)
    if obj.merged is not None:
        run.log.raised(
            Note(
                "merge",
                obj.merged[0],
                name,
                obj,
                cause=obj.merged[0],
                oid=oid,
                text="read",
                use=spot,
                exit=obj.exit,
                session=_session(state, obj),
            ),
            state,
        )
        return
    left = None if guard else obj.exit
    cause = status.spot or (left[1] if left else obj.born)
    session = _session(state, obj)
    if run.is_partial:
        run.log.fine.add(spot)  # It may be, on a path that was left out.
        run.log.unguarded.add((spot, name))
    run.log.raised(Note("late", spot, name, obj, status, left, session, cause, oid, guard=guard), state)


def _session(state: State, obj: Object) -> Session | None:
    return state.sessions.get(obj.sid) if obj.sid is not None else None


def _load(state: State, oid: int, name: str) -> None:
    """A read loads: the attribute alone, or all that has expired; the row under its other names too."""
    obj = state.object(oid)
    assert obj is not None
    column = obj.entity.columns.get(name)
    deferred = column is not None and column.deferred
    alone = deferred or (name in obj.entity.relationships and obj.columns.loss is None)
    loaded = obj if alone else lifetimes.reload(obj)
    names = obj.entity.below if name in obj.entity.below else (name,)
    state.objects[oid] = replace(loaded, attributes={**loaded.attributes, **dict.fromkeys(names, LOADED)})
    if not alone:
        lifetimes.spread(state, oid)
    if alone or name in obj.entity.relationships:
        lifetimes.spread(state, oid, name)


def store(run: Interpreter, state: State, frame: Frame, base: Value, name: str, value: Value, span: int) -> None:
    """``base.name = value``"""
    if isinstance(base, SessionRef) and name == "expire_on_commit":
        session = state.sessions.get(base.sid)
        if session is not None:
            known = value != NONE and bool(getattr(value, "value", True))
            state.sessions[base.sid] = replace(session, expires=None if isinstance(value, Unknown) else known)
        return
    coroutines.used(run, state, frame, base, name, span)
    if isinstance(base, SessionRef) and base.sid in state.sessions:
        session = state.sessions[base.sid]
        state.sessions[base.sid] = replace(session, methods=session.methods | {name})
        lifetimes.keep(state, value)
        return
    if not isinstance(base, Ref):
        orphans.keep(state, value)
        lifetimes.keep(state, value)
        if base == requests.STATE:
            requests.store(run, state, frame, name, value, span)
        elif base == applications.STATE:
            run.applications.note(run, state, name, value)
        return
    found = state.objects.get(base.oid)
    if isinstance(found, Plain):
        state.objects[base.oid] = replace(found, fields={**found.fields, name: value})
        fields.filled(run, state, frame, base, name, value, span)
        return
    if not isinstance(found, Object):
        return
    known = found.life is not None
    if known and found.merged is not None and not found.merged[1] and name in found.entity.columns:
        run.log.add(
            Note(
                "merge",
                found.merged[0],
                name,
                found,
                cause=found.merged[0],
                oid=base.oid,
                text="changed",
                use=Spot(frame.id, span),
                exit=found.exit,
            )
        )
    if ownership.assigned(run, state, frame, base.oid, name, value, Spot(frame.id, span)):
        return
    mapped = name in found.entity.columns or name in found.entity.relationships
    if mapped and found.life is Life.PERSISTENT and found.sid is not None:
        lifetimes.begin(state, found.sid, Spot(frame.id, span))  # Since 2.0 a change is enough to begin a transaction.
        lifetimes.change(state, found.sid, Spot(frame.id, span))
    state.objects[base.oid] = replace(
        found,
        attributes={**found.attributes, name: LOADED} if mapped else found.attributes,
        links={**found.links, name: value},
        changed=found.changed | {name} if mapped and found.life is Life.PERSISTENT else found.changed,
    )
    relationship = found.entity.relationships.get(name)
    if relationship is None:
        return
    overwritten.related(run, state, base.oid, name, value)
    children.fill_other_side(run, state, found.entity, value)
    if found.sid is not None and relationship.saves:
        for linked in lifetimes.refs(value):
            other = state.object(linked)
            if other is not None and other.life in (Life.TRANSIENT, Life.DETACHED):
                lifetimes.add(state, found.sid, linked)


def store_somewhere(state: State, base: Value, spot: Spot) -> None:
    """``setattr(base, name, value)``, and nobody knows which name: of a new object, any attribute may be set."""
    found = state.object(base.oid) if isinstance(base, Ref) else None
    if not isinstance(base, Ref) or found is None:
        return
    if found.made and found.life in (Life.TRANSIENT, Life.PENDING):
        names = (*found.entity.columns, *found.entity.relationships)
        maybe = {name: VAGUE for name in names if name not in found.links}
        state.objects[base.oid] = replace(found, attributes={**found.attributes, **maybe})
    elif found.life is Life.PERSISTENT and found.sid is not None:
        lifetimes.begin(state, found.sid, spot)
        lifetimes.change(state, found.sid, spot)
        state.objects[base.oid] = replace(found, changed=found.changed | {SOMEWHERE})


def shown(
    run: Interpreter,
    state: State,
    frame: Frame,
    value: Value,
    span: int,
    names: Sequence[str] = ("__str__", "__repr__"),
) -> list[State]:
    """``str(value)``: a ``__str__`` or ``__repr__`` of the program reads what it reads."""
    if isinstance(value, Ref):
        found = state.objects.get(value.oid)
        if found is not None:
            symbol = found.entity.symbol if isinstance(found, Object) else found.symbol
            for name in names:
                special = method(run, symbol, name)
                if special is not None:
                    bound = FunctionValue(special, value)
                    return [s for s, _ in calls.inline(run, bound, [], [], False, state, frame, span, None)]
    return [state]
