"""Reading and writing attributes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from outlive.check.flow import calls, children, identity_map, lifetimes, orphans
from outlive.check.flow.arguments import evaluate_term
from outlive.check.flow.frames import Frame, Pairs
from outlive.check.flow.log import Note
from outlive.check.flow.observations import Loss
from outlive.check.flow.state import LOADED, VAGUE, Object, Plain, Session, State
from outlive.check.flow.values import (
    NONE,
    UNKNOWN,
    Block,
    ClassValue,
    Const,
    Factory,
    FunctionValue,
    Group,
    Load,
    Mapped,
    MethodValue,
    Query,
    Ref,
    Rows,
    SessionRef,
    Spot,
    Value,
)
from outlive.check.program import ClassSymbol, External, FunctionSymbol, ModuleSymbol
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


_EXPECTED = frozenset({"DetachedInstanceError", "MissingGreenlet", "AttributeError", "InvalidRequestError"})
_PROPERTIES = ("property", "hybrid_property", "cached_property", "computed_field")


def read(run: Interpreter, state: State, frame: Frame, base: Value, name: str, span: int, tested: bool) -> Pairs:
    """``base.name``"""
    match base:
        case Ref(oid=oid):
            found = state.objects.get(oid)
            if isinstance(found, Object):
                return _read_mapped(run, state, frame, oid, found, name, span, tested)
            if isinstance(found, Plain):
                return _read_plain(run, state, frame, oid, found, name, span)
        case SessionRef(sid=sid):
            if name in ("sync_session", "session", "registry"):
                return [(state, base)]
            if name == "no_autoflush":
                return [(state, Block(sid, "quiet"))]
            return [(state, MethodValue(base, name))]
        case MethodValue(base=Ref(oid=oid), name="awaitable_attrs"):
            obj = state.object(oid)
            if obj is not None:
                state.objects[oid] = lifetimes.reload(obj).with_status(name, LOADED)
                _reloaded(run, state, oid, obj, name)
                return [(state, children.child(run, state, oid, name))]
        case ClassValue(symbol=symbol):
            return [(state, _class_attribute(run, frame, symbol, name, span))]
        case External() | ModuleSymbol():
            if isinstance(base, External) and base.dotted.endswith(".SQLAlchemy()") and name == "session":
                return [(state, Factory(False, True, "scoped_session", None, scoped=True))]
            return [(state, run.symbol_value(run.program.member(base, name)))]
        case Factory(scoped=True):
            return [(state, MethodValue(base, name))]
        case Group(items=items, names=names) if name in names:
            return [(state, items[names.index(name)])]
        case FunctionValue() | Query() | Rows():
            return [(state, MethodValue(base, name))]
        case _:
            pass
    return [(state, UNKNOWN)]


def _class_attribute(run: Interpreter, frame: Frame, symbol: ClassSymbol, name: str, span: int) -> Value:
    entity = run.entities.get(symbol)
    if entity is not None:
        if name in entity.columns or name in entity.relationships:
            return Mapped(symbol, name)
        if name == "query":
            return Query((ClassValue(symbol),), Load(), Spot(frame.id, span), kind="query")
    found = method(run, symbol, name)
    if found is not None:
        owner = ClassValue(symbol) if any(d.head == "classmethod" for d in found.facts.decorators) else None
        return FunctionValue(found, owner)
    inside, _, _ = run.program.lineage(symbol)
    for class_ in inside:
        for attribute in class_.facts.attributes:
            if attribute.name == name and attribute.value is not None and attribute.value.kind in ("name", "call"):
                return evaluate_term(run, class_.module, attribute.value)
    return UNKNOWN


def method(run: Interpreter, symbol: ClassSymbol, name: str) -> FunctionSymbol | None:
    inside, _, _ = run.program.lineage(symbol)
    for class_ in inside:
        index = class_.facts.methods.get(name)
        if index is not None:
            return FunctionSymbol(class_.module, index)
    return None


def bound_method(
    run: Interpreter, state: State, frame: Frame, symbol: ClassSymbol, owner: Ref, name: str, span: int
) -> Pairs | None:
    found = method(run, symbol, name)
    if found is None:
        return None
    heads = [d.head.rpartition(".")[2] for d in found.facts.decorators]
    if any(head in _PROPERTIES for head in heads):
        return calls.inline(run, FunctionValue(found, owner), [], [], False, state, frame, span, None)
    if "staticmethod" in heads:
        return [(state, FunctionValue(found))]
    return [(state, FunctionValue(found, ClassValue(symbol) if "classmethod" in heads else owner))]


def _read_plain(run: Interpreter, state: State, frame: Frame, oid: int, plain: Plain, name: str, span: int) -> Pairs:
    if name in plain.fields:
        value = plain.fields[name]
        if isinstance(value, SessionRef) and value.sid not in state.sessions:
            return [(state, UNKNOWN)]
        return [(state, value)]
    found = bound_method(run, state, frame, plain.symbol, Ref(oid), name, span)
    if found is not None:
        return found
    return [(state, _class_attribute(run, frame, plain.symbol, name, span))]


def _read_mapped(
    run: Interpreter, state: State, frame: Frame, oid: int, obj: Object, name: str, span: int, tested: bool
) -> Pairs:
    entity = obj.entity
    if name == "awaitable_attrs":
        return [(state, MethodValue(Ref(oid), name))]
    if name not in entity.columns and name not in entity.relationships:
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
        new: Value = MethodValue(Ref(oid), name) if relationship and relationship.many else UNKNOWN
        return [(state, obj.links.get(name, new))]
    status = obj.status(name)
    if status.vague or obj.life is None:
        own = _session(state, obj)
        if obj.life is Life.PERSISTENT and own is not None and (not own.is_async or own.lent):
            lifetimes.spread(state, oid)  # It may be a load.
        return [(state, children.vague_child(run, state, oid, obj, name))]
    if status.loss is None:
        run.log.fine.add(spot)
        if tested and name in entity.columns and entity.columns[name].filled:
            return [(state, Const(True))]
        return [(state, children.child(run, state, oid, name))]
    if obj.life is Life.PERSISTENT:
        session = _session(state, obj)
        if session is None:
            return [(state, UNKNOWN)]
        if identity_map.is_none(obj, name):
            state.objects[oid] = obj.with_status(name, VAGUE)
            return [(state, UNKNOWN)]
        if session.is_async and not session.lent and identity_map.answers(run, state, obj, name):
            run.log.fine.add(spot)
            state.objects[oid] = obj.with_status(name, VAGUE)
            return [(state, children.vague_child(run, state, oid, obj, name))]
        if not session.is_async or session.lent:
            run.log.fine.add(spot)
            state.objects[oid] = lifetimes.reload(obj).with_status(name, LOADED)
            _reloaded(run, state, oid, obj, name)
            children.forget_child(run, state, oid, name)  # What a lazy load brings is not expired.
            assert obj.sid is not None
            lifetimes.begin(state, obj.sid)
            return [(state, children.child(run, state, oid, name))]
        _late(run, state, frame, oid, obj, name, spot)
    elif obj.life is Life.DETACHED and obj.exit is not None:
        _late(run, state, frame, oid, obj, name, spot)
    return [(state, UNKNOWN)]


def _late(run: Interpreter, state: State, frame: Frame, oid: int, obj: Object, name: str, spot: Spot) -> None:
    if any(caught.rpartition(".")[2] in _EXPECTED for caught in frame.caught):
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
    cause = status.spot or (obj.exit[1] if obj.exit else obj.born)
    session = _session(state, obj)
    run.log.raised(Note("late", spot, name, obj, status, obj.exit, session, cause, oid), state)


def _session(state: State, obj: Object) -> Session | None:
    return state.sessions.get(obj.sid) if obj.sid is not None else None


def _reloaded(run: Interpreter, state: State, oid: int, before: Object, name: str) -> None:
    """A read has loaded: the row under its other names too, and what its options load behind it."""
    if before.status(name).loss is Loss.NEVER_LOADED:
        lifetimes.spread(state, oid, name)
        return
    lifetimes.spread(state, oid)
    for relation, relationship in before.entity.relationships.items():
        if before.load.get(relation) is not None or relationship.eager:
            children.forget_child(run, state, oid, relation)


def store(run: Interpreter, state: State, frame: Frame, base: Value, name: str, value: Value, span: int) -> None:
    """``base.name = value``"""
    if isinstance(base, SessionRef) and name == "expire_on_commit":
        session = state.sessions.get(base.sid)
        if session is not None:
            state.sessions[base.sid] = replace(
                session, expires=None if value == UNKNOWN else value != NONE and bool(getattr(value, "value", True))
            )
        return
    if isinstance(base, SessionRef) and base.sid in state.sessions:
        session = state.sessions[base.sid]
        state.sessions[base.sid] = replace(session, methods=session.methods | {name})
        return
    if not isinstance(base, Ref):
        orphans.keep(state, value)
        return
    found = state.objects.get(base.oid)
    if isinstance(found, Plain):
        state.objects[base.oid] = replace(found, fields={**found.fields, name: value})
        return
    if not isinstance(found, Object):
        return
    if found.merged is not None and not found.merged[1] and name in found.entity.columns:
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
    mapped = name in found.entity.columns or name in found.entity.relationships
    if mapped and found.life is Life.PERSISTENT and found.sid is not None:
        lifetimes.begin(state, found.sid)  # Since 2.0 a change is enough to begin a transaction.
    state.objects[base.oid] = replace(
        found,
        attributes={**found.attributes, name: LOADED} if mapped else found.attributes,
        links={**found.links, name: value},
        changed=found.changed | {name} if mapped and found.life is Life.PERSISTENT else found.changed,
    )
    if name in found.entity.relationships:
        children.fill_other_side(run, state, found.entity, value)
    if found.sid is not None and name in found.entity.relationships:
        for linked in lifetimes.refs(value):
            other = state.object(linked)
            if other is not None and other.life is Life.TRANSIENT:
                lifetimes.add(state, found.sid, linked)


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
