"""Calls of a session's methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.entities import Entity
from outlive.check.flow import calls, children, factories, keys, lifetimes, listeners, loading, ownership, results, rows
from outlive.check.flow.arguments import Given
from outlive.check.flow.frames import Frame, Pairs
from outlive.check.flow.log import Note
from outlive.check.flow.observations import Exit
from outlive.check.flow.state import LOADED, VAGUE, Object, Session, State
from outlive.check.flow.values import (
    EVERY,
    NONE,
    UNKNOWN,
    Block,
    ClassValue,
    Const,
    Factory,
    Group,
    Load,
    Query,
    Ref,
    SessionRef,
    Spot,
    Value,
)
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


_SYNC = """
add add_all begin begin_nested bind_mapper bind_table bulk_insert_mappings bulk_save_objects bulk_update_mappings close
close_all commit connection delete delete_all enable_relationship_loading execute expire expire_all expunge expunge_all
flush get get_bind get_nested_transaction get_one get_transaction identity_key in_nested_transaction in_transaction
invalidate is_modified merge merge_all object_session prepare query refresh reset rollback scalar scalars
bind dialect dirty new deleted identity_map info is_active autoflush no_autoflush expire_on_commit twophase hash_key
dispatch sync_session
"""
_ASYNC = """
add add_all aclose begin begin_nested close close_all commit connection delete delete_all execute expire expire_all
expunge expunge_all flush get get_bind get_nested_transaction get_one get_transaction identity_key
in_nested_transaction in_transaction invalidate is_modified merge merge_all object_session refresh reset rollback
run_sync scalar scalars stream stream_scalars sync_session sync_session_class bind binds dialect dirty new deleted
identity_map info is_active autoflush no_autoflush dispatch
"""
SESSION_METHODS = {
    "Session": frozenset(_SYNC.split()),
    "AsyncSession": frozenset(_ASYNC.split()),
}
"""What SQLAlchemy's sessions have, 2.0 and 2.1 together; a test compares it with the installed SQLAlchemy."""

INSTEAD = {
    "clear": "expunge_all",
    "save": "add",
    "save_or_update": "add",
    "persist": "add",
    "update": "add",
    "detach": "expunge",
    "evict": "expunge",
    "find": "get",
    "load": "get",
}
_NEEDING_SQL = frozenset({"execute", "flush", "get", "get_one", "refresh", "scalar", "scalars", "exec", "stream"})
_REFUSED = frozenset(
    {
        "add", "add_all", "begin", "begin_nested", "commit", "connection", "delete", "exec", "execute", "get",
        "get_one", "merge", "scalar", "scalars", "stream", "stream_scalars",
    }
)  # fmt: skip
"""What a session refuses that was made with ``close_resets_only=False``, once it is closed."""


def call(run: Interpreter, node: ir.Call, given: Given, sid: int, name: str) -> Pairs:
    """``session.name(...)``"""
    state, frame = given.state, given.frame
    session = state.sessions.get(sid)
    spot = Spot(frame.id, node.span)
    if session is None:
        return [(state, UNKNOWN)]
    known = SESSION_METHODS.get("Session" if session.lent and session.name == "AsyncSession" else session.name)
    if known is not None and name not in known and not name.startswith("_"):
        asked = any(key[1].startswith("hasattr(") and f"'{name}'" in key[1] for key in state.assumed)
        expected = any(caught.rpartition(".")[2] == "AttributeError" for caught in frame.caught)
        # Where only an annotation says what it is, a subclass may have the method, unless it is a name for another one.
        sure = session.factory is not None or name in INSTEAD or name == "query"
        if sure and not expected and not asked and name not in session.methods:
            method = Note("method", Spot(frame.id, node.method_span), name, session=session, text=session.name)
            run.log.raised(method, state)
        return [(state, UNKNOWN)]
    first = given.args[0] if given.args else UNKNOWN
    if name in ("commit", "rollback") and session.blocks:
        state.sessions[sid] = session = replace(session, ended=True)
    elif session.ended and name in _NEEDING_SQL:
        state.failed = True  # "Can't operate on closed transaction inside context manager."
    if session.final and session.closed is not None and name in _REFUSED:
        run.log.raised(Note("reopened", spot, name, session=session, cause=session.closed), state)
        return [(state, UNKNOWN)]
    match name:
        case "commit":
            listeners.commit(run, state, sid, spot)
        case "rollback":
            listeners.rollback(run, state, sid, spot)
        case "in_transaction" if session.factory is not None and session.connected:
            return [(state, Const(True))]
        case "close" | "aclose" | "remove" | "reset" | "invalidate":
            lifetimes.close(state, sid, spot)
            if name == "reset":
                state.sessions[sid] = replace(state.sessions[sid], closed=None)
        case "flush":
            if not lifetimes.is_clean(state, sid):
                lifetimes.begin(state, sid, spot)
                lifetimes.refuses(state, sid)
            lifetimes.flush(state, sid, spot)
        case "add" | "add_all":
            if ownership.refused(run, state, frame, sid, [(first, "")], spot):
                return [(state, UNKNOWN)]
            _forget_merge(state, first)
            if not all(_is_persistent(state, oid) for oid in lifetimes.refs(first)) or not any(lifetimes.refs(first)):
                lifetimes.change(state, sid, spot)
            for oid in lifetimes.refs(first):
                _refuse_twin(run, state, sid, oid)
                lifetimes.add(state, sid, oid)
                run.added_at[oid] = (spot, node.span)
            lifetimes.begin(state, sid, spot)
        case "delete":
            _refuse_foreign(run, given, sid, name, first, spot)
            lifetimes.begin(state, sid, spot)
            for oid in lifetimes.refs(first):
                _refuse_twin(run, state, sid, oid)
                children.materialise(run, state, oid)  # They stay where they are.
                obj = state.object(oid)
                if obj is not None:
                    # It loads what its cascades lead to, and the object for that.
                    held = lifetimes.relieved(obj) if obj.entity.cascades else obj
                    state.objects[oid] = replace(held, deleted=True, life=Life.PERSISTENT, sid=sid, exit=None)
                    children.materialise(run, state, oid)
            lifetimes.change(state, sid, spot)
        case "expunge_all":
            lifetimes.detach(state, [oid for oid, _ in state.of_session(sid)], Exit.EXPUNGE, spot)
        case "expunge" | "expire" | "refresh":
            _of_object(run, given, sid, name, first, spot)
        case "expire_all":
            for oid, _ in state.of_session(sid):
                lifetimes.expire(state, oid, None, spot)
        case "merge":
            return [(state, _merge(run, node, given, sid, first, spot))]
        case "get" | "get_one":
            return [(state, _get(run, given, sid, first, spot))]
        case "query":
            entities = tuple(given.args)
            return [(state, Query(entities, Load(), spot, sid, "query", EVERY))]
        case "execute" | "scalars" | "scalar" | "stream" | "stream_scalars" | "exec":
            return [(state, results.execute(run, given, sid, name, first, spot))]
        case "begin":
            lifetimes.begin(state, sid, spot)
            lifetimes.refuses(state, sid)
            return [(state, Block(sid, "begin"))]
        case "get_transaction" if session.connected:
            return [(state, Block(sid, "begin"))]
        case "get_nested_transaction" if session.savepoints:
            return [(state, Block(sid, "nested"))]
        case "begin_nested":
            lifetimes.savepoint(state, sid, spot)
            return [(state, Block(sid, "nested"))]
        case "run_sync":
            return _run_sync(run, given, sid, first, node.span)
        case "connection":
            lifetimes.begin(state, sid, spot)
            lifetimes.refuses(state, sid)
        case "bulk_save_objects" | "bulk_insert_mappings" | "bulk_update_mappings":
            lifetimes.begin(state, sid, spot)
            lifetimes.refuses(state, sid)
            lifetimes.change(state, sid, spot)
        case _:
            pass
    return [(state, UNKNOWN)]


def _is_persistent(state: State, oid: int) -> bool:
    obj = state.object(oid)
    return obj is not None and obj.life is Life.PERSISTENT


def _forget_merge(state: State, value: Value) -> None:
    for oid in lifetimes.refs(value):
        obj = state.object(oid)
        if obj is not None and obj.merged is not None:
            state.objects[oid] = replace(obj, merged=None)


def _of_object(run: Interpreter, given: Given, sid: int, name: str, value: Value, spot: Spot) -> None:
    state = given.state
    names = lifetimes.strings(given.argument(1, "attribute_names"))
    for oid in list(lifetimes.refs(value)):
        obj = state.object(oid)
        if obj is None:
            continue
        if _refused(run, given, sid, name, oid, obj, spot):
            continue
        run.log.fine.add(spot)
        if obj.sid is None and obj.life is None:
            state.objects[oid] = obj = replace(obj, sid=sid, life=Life.PERSISTENT)
        if names == []:
            state.objects[oid] = lifetimes.vague(obj)
        elif name == "refresh":
            lifetimes.begin(state, sid, spot)
            own = state.sessions.get(sid)
            if obj.changed and obj.columns.loss is not None and own is not None and own.autoflush:
                obj = lifetimes.reload(obj)  # Flushed first, for which the whole row is loaded.
            # What is refreshed is expired first, so the flush does not see its change.
            state.objects[oid] = replace(obj, changed=obj.changed.difference(names or obj.changed))
            lifetimes.autoflush(state, sid, spot)
            lifetimes.refresh(state, oid, names, spot)
            if names is None:
                lifetimes.spread(state, oid)
            for attribute in names or ():
                lifetimes.spread(state, oid, attribute)
            for relation in names or ():
                children.forget_child(run, state, oid, relation)
        elif name == "expire":
            lifetimes.expire(state, oid, names, spot)
        else:
            children.materialise(run, state, oid)
            lifetimes.detach(state, [oid], Exit.EXPUNGE, spot)


def _refuse_foreign(run: Interpreter, given: Given, sid: int, name: str, value: Value, spot: Spot) -> None:
    """``delete``: a detached object is welcome, one that has no row or another session is not."""
    for oid in list(lifetimes.refs(value)):
        obj = given.state.object(oid)
        if obj is not None and obj.life is not Life.DETACHED:
            _refused(run, given, sid, name, oid, obj, spot)


def holds(state: State, sid: int, value: Value) -> Value:
    """``book in session``"""
    obj = state.object(value.oid) if isinstance(value, Ref) else None
    if obj is None or obj.life is None:
        return UNKNOWN
    return Const(obj.sid == sid and obj.life in (Life.PENDING, Life.PERSISTENT))


def session_of(state: State, value: Value, *, inner: bool) -> Value:
    """``object_session(book)``: ``inner`` for the sync session of an async one."""
    obj = state.object(value.oid) if isinstance(value, Ref) else None
    if obj is None or obj.life is None:
        return UNKNOWN
    if obj.life in (Life.TRANSIENT, Life.DETACHED):
        return NONE
    return SessionRef(obj.sid, inner) if obj.sid is not None and obj.sid in state.sessions else UNKNOWN


def _refuse_twin(run: Interpreter, state: State, sid: int, oid: int) -> None:
    """A detached object whose row the session has under another name is refused: "another instance with key ..."."""
    obj = state.object(oid)
    if obj is not None and obj.life is Life.DETACHED:
        twins = (rows.held(run, state, sid, obj.entity, key) for key in (obj.key, EVERY))
        state.failed = state.failed or any(twin is not None for twin in twins)


def _refused(run: Interpreter, given: Given, sid: int, name: str, oid: int, obj: Object, spot: Spot) -> bool:
    state = given.state
    why = _foreign(state, obj, sid)
    if obj.exit == (Exit.EXPUNGE, spot) and _is_one_of_many(run, oid, obj):
        why = ""  # In an earlier round of a loop: another one of those that it stands for.
    if why == "never added" and obj.born is not None and obj.born.frame != spot.frame:
        why = ""  # Whether a function has added what it is given often hangs on a flag that says so.
    if not why:
        # An object that a rollback has made transient is refused too, and whoever rolls back may well expect that.
        is_refused = obj.life is Life.TRANSIENT and obj.made and obj.exit is not None
        state.failed = state.failed or is_refused
        return is_refused
    if not any(c.rpartition(".")[2] in ("InvalidRequestError", "SQLAlchemyError") for c in given.frame.caught):
        session = state.sessions.get(sid)
        kind, at = ("merge", obj.merged[0]) if obj.merged is not None else ("foreign", spot)
        cause = at if obj.merged is not None else obj.exit[1] if obj.exit else obj.born
        text = name if obj.merged is not None else why
        run.log.raised(Note(kind, at, name, obj, None, obj.exit, session, cause, oid, text, spot), state)
    state.objects[oid] = lifetimes.vague(replace(obj, life=None))
    return True


def _is_one_of_many(run: Interpreter, oid: int, obj: Object) -> bool:
    key = run.key_of(oid)
    return obj.several or key[0] == "focus" or str(key[-1]).endswith("[]")


def _foreign(state: State, obj: Object, sid: int) -> str:
    match obj.life:
        case Life.DETACHED if obj.exit is not None:
            return "detached"
        case Life.TRANSIENT if obj.made and (obj.exit is None or obj.exit[0] is not Exit.ROLLBACK):
            return "never added"
        case Life.PERSISTENT if obj.sid is not None and obj.sid != sid:
            own, other = state.sessions.get(obj.sid), state.sessions.get(sid)
            if own is not None and other is not None and own.factory is not None and other.factory is not None:
                return "of another session"
        case None if obj.merged is not None:
            return "merged"  # Who merges an object knows that it need not be in the session.
        case _:
            pass
    return ""


def _merge(run: Interpreter, node: ir.Call, given: Given, sid: int, value: Value, spot: Spot) -> Value:
    state = given.state
    lifetimes.autoflush(state, sid, spot)
    obj = state.object(value.oid) if isinstance(value, Ref) else None
    if obj is not None and obj.life is Life.PERSISTENT and obj.sid == sid:
        return value  # Nothing to look up, so no transaction begins.
    lifetimes.begin(state, sid, spot)
    if obj is None or not isinstance(value, Ref):
        return UNKNOWN
    if node.dropped and obj.life in (Life.DETACHED, Life.TRANSIENT, None):
        state.objects[value.oid] = replace(obj, merged=(spot, False))
    oid = run.identity("object", spot)
    attributes = loading.statuses(obj.entity, Load())
    for name in obj.entity.relationships:
        if obj.life is None or obj.status(name).loss is None:
            attributes[name] = VAGUE
    for other_id, other in state.of_session(sid):
        if other.life is Life.PERSISTENT and other.entity is obj.entity and not keys.are_different(other.key, obj.key):
            # It may be the one that is merged into, which gets what the other one has.
            state.objects[other_id] = lifetimes.maybe_merged(other, obj)
    state.objects[oid] = merged = Object(
        obj.entity,
        sid,
        Life.PERSISTENT,
        LOADED,
        attributes,
        born=spot,
        links={k: v for k, v in obj.links.items() if k in obj.entity.columns},
        load=obj.load,
        made=obj.life is Life.TRANSIENT,
        key=obj.key,
    )
    if obj.made:
        # Whether there is a row for it cannot be seen; if not, the result is a new object.
        state.objects[oid] = lifetimes.vague(replace(merged, life=None))
    return Ref(oid)


def _get(run: Interpreter, given: Given, sid: int, value: Value, spot: Spot) -> Value:
    state = given.state
    lifetimes.refuses(state, sid)
    key = given.argument(1, "ident")
    entity = run.entities.get(value.symbol) if isinstance(value, ClassValue) else None
    found = rows.held(run, state, sid, entity, key) if entity is not None else None
    if found is not None:
        children.come_back(state, sid, found, spot)
        return Ref(found)
    oid = run.identity("object", spot, entity.symbol) if entity is not None else 0
    taken = rows.take_from_every(run, state, sid, entity, oid) if entity is not None else None
    if taken is not None:
        state.objects[oid] = replace(taken, key=key, optioned=True)
        children.come_back(state, sid, oid, spot)
        return Ref(oid)
    lifetimes.begin(state, sid, spot)
    load = Load()
    options = given.keyword("options")
    if isinstance(options, Group):
        load = loading.with_options(load, list(options.items), False)
    elif options is not None:
        load = Load(vague=True)
    if given.starred:
        load = Load(vague=True)
    held = _may_be_held(run, state, sid, value, key)
    if held:
        # Without SQL there is no flush either.
        for oid, obj in state.of_session(sid):
            if obj.life is Life.PENDING:
                state.objects[oid] = lifetimes.vague(replace(obj, life=None))
    else:
        changed = [oid for oid, obj in state.of_session(sid) if obj.changed]
        lifetimes.autoflush(state, sid, spot)
        if entity is not None and _may_be_behind(state, sid, entity):
            # `get` flushes only if it needs SQL: it may find a row that was loaded behind another.
            for oid in changed:
                lifetimes.doubt_flush(state, oid)
    loaded = results.load_entity(run, state, sid, value, load, spot, spot, key)
    made = state.object(loaded.oid) if held and isinstance(loaded, Ref) else None
    if isinstance(loaded, Ref) and made is not None:
        state.objects[loaded.oid] = replace(made, optioned=True)  # Options do nothing to a row that is held already.
    return loaded


def _may_be_behind(state: State, sid: int, entity: Entity) -> bool:
    """Whether an object of a class may have been loaded behind another one that the session has."""
    return any(
        relationship.target in entity.lineage and obj.status(name).loss is None
        for _, obj in state.of_session(sid)
        for name, relationship in obj.entity.relationships.items()
    )


def _may_be_held(run: Interpreter, state: State, sid: int, entity: Value, key: Value | None) -> bool:
    """Whether ``get`` may find the object in the identity map."""
    return isinstance(entity, ClassValue) and any(
        entity.symbol in obj.entity.lineage and not keys.are_different(key, obj.key) and rows.is_held(run, state, oid)
        for oid, obj in state.of_session(sid)
        if obj.life is Life.PERSISTENT
    )


def _run_sync(run: Interpreter, given: Given, sid: int, function: Value, span: int) -> Pairs:
    state = given.state
    session = state.sessions[sid]
    state.sessions[sid] = replace(session, lent=session.lent + 1)
    pairs = calls.apply(run, function, [SessionRef(sid), *given.args[1:]], given.keywords, given, span)
    for one, _ in pairs:
        lent = one.sessions[sid]
        one.sessions[sid] = replace(lent, lent=max(lent.lent - 1, 0))
    return pairs


def _given(run: Interpreter, state: State) -> int | None:
    """The session that a function is given: with Flask-SQLAlchemy it is ``db.session``, or a test has put it there."""
    return next((sid for sid in state.sessions if run.key_of(sid)[0] == "parameter"), None)


def open_session(run: Interpreter, state: State, frame: Frame, factory: Factory, span: int) -> SessionRef:
    """A new session of a factory; a scoped one is always the same."""
    spot = Spot(frame.id, span)
    if factory.scoped:
        given = _given(run, state) if factory == factories.EXTENSION else None
        sid = run.identity("scoped", factory.spot, factory.name) if given is None else given
        if sid not in state.sessions:
            state.sessions[sid] = Session(
                factory.is_async, factory.expires, "", factory, spot, begun=True, connected=True
            )
        return SessionRef(sid)
    sid = run.identity("session", spot)
    if sid in state.sessions:
        # The same line once more, in a loop: what belonged to the former session stays with it.
        for oid, obj in state.of_session(sid):
            state.objects[oid] = lifetimes.vague(replace(obj, sid=None, life=None))
        state.pending = {
            handle: replace(work, uses=tuple(use for use in work.uses if use.sid != sid))
            for handle, work in state.pending.items()
            if work.sid != sid
        }
    state.sessions[sid] = Session(
        factory.is_async,
        factory.expires,
        factory.name,
        factory,
        spot,
        autoflush=factory.autoflush,
        final=factory.final,
    )
    return SessionRef(sid)


def configured(run: Interpreter, state: State, frame: Frame, factory: Factory, span: int) -> None:
    """What a registry is told of the sessions that it makes from then on: here they are all the same."""
    sid = open_session(run, state, frame, factory, span).sid
    state.sessions[sid] = replace(state.sessions[sid], expires=factory.expires)
