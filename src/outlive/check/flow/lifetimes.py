"""What the methods of a session do to the objects in it.

Source: SQLAlchemy 2.0 and 2.1, each row run (STATES: commit, rollback, flush, close, expunge, expire, refresh).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from outlive.check.flow.observations import Exit, Loss
from outlive.check.flow.state import LOADED, UNLOADED, VAGUE, Object, State, Status
from outlive.check.flow.values import Const, Group, Many, Ref, Spot, Value
from outlive.lifecycle.states import State as Life


def expired(obj: Object, loss: Loss, spot: Spot) -> Object:
    """Every column and relationship loses its value; what is already lost keeps its first cause."""

    def lose(name: str, status: Status) -> Status:
        if status.vague:
            relationship = obj.entity.relationships.get(name)
            unknown = obj.life is None or (relationship is not None and relationship.quiet)
            return status if unknown else Status(loss, spot)
        if status.loss is not None and status.loss is not Loss.NEVER_LOADED:
            return status
        eager = status.loss is None and name in obj.entity.relationships and _was_eager(obj, name)
        return Status(loss, spot, eager)

    attributes = {name: lose(name, status) for name, status in obj.attributes.items()}
    for name in obj.entity.relationships:
        attributes.setdefault(name, Status(loss, spot))
    unknown = obj.columns.vague and obj.life is None
    columns = obj.columns if unknown or obj.columns.loss else Status(loss, spot)
    return replace(obj, columns=columns, attributes=attributes)


def _was_eager(obj: Object, name: str) -> bool:
    return obj.load.get(name) is not None or (obj.entity.relationships[name].eager and not obj.made)


def vague(obj: Object) -> Object:
    return replace(obj, columns=VAGUE, attributes=dict.fromkeys({*obj.attributes, *obj.entity.relationships}, VAGUE))


def is_expired(obj: Object) -> bool:
    """Whether any of it has been lost, which the next query for its row brings back."""
    statuses = (obj.columns, *obj.attributes.values())
    return any(status.loss not in (None, Loss.NEVER_LOADED) for status in statuses)


def flush(state: State, sid: int, spot: Spot) -> None:
    """Pending objects become persistent; changed ones lose what the database computes at UPDATE."""
    for _, obj in state.of_session(sid):
        if obj.life is Life.PENDING or obj.changed:
            # Their foreign keys are taken from what they refer to, which is loaded for that where it has expired.
            for linked in [oid for value in obj.links.values() for oid in refs(value)]:
                other = state.object(linked)
                if other is not None and other.life is Life.PERSISTENT and other.columns.loss is not None:
                    state.objects[linked] = relieved(other)
    for oid, obj in state.of_session(sid):
        if obj.deleted:
            # A DELETE needs the row's key, and the rows that refer to it: it loads what is expired, and collections.
            state.objects[oid] = vague(obj)
        elif obj.life is Life.PENDING:
            relationships = {
                name: obj.attributes[name] if _is_filled(obj, name) else UNLOADED for name in obj.entity.relationships
            }
            columns = obj.entity.columns
            known = {n: s for n, s in obj.attributes.items() if n not in relationships and n not in columns}
            # An INSERT brings back what the database made; of what was not given, only a deferred column is missed.
            known |= {n: UNLOADED for n, c in columns.items() if c.deferred and n not in obj.attributes}
            state.objects[oid] = replace(
                obj,
                life=Life.PERSISTENT,
                columns=LOADED,
                attributes={**known, **relationships},
                changed=frozenset(),
            )
        elif obj.changed and obj.life is Life.PERSISTENT:
            # An UPDATE needs the row's key, and loads the whole row of an expired object for it.
            whole = obj
            if obj.columns.loss is not None:
                whole = reload(obj)
                spread(state, oid)
            attributes = dict(whole.attributes)
            if not obj.entity.eager_defaults:
                for name, column in obj.entity.columns.items():
                    status = whole.status(name)
                    if column.onupdate and name not in obj.changed and status.loss is None and not status.vague:
                        attributes[name] = Status(Loss.FLUSH, spot)
            state.objects[oid] = replace(whole, attributes=attributes, changed=frozenset(), written=True)


def _is_filled(obj: Object, name: str) -> bool:
    """Whether a relationship of a new object has been assigned, here or from its other side."""
    return name in obj.attributes and (name in obj.links or obj.attributes[name].vague)


def autoflush(state: State, sid: int, spot: Spot) -> None:
    """The flush before a query, unless it is turned off."""
    session = state.sessions.get(sid)
    if session is not None and session.autoflush:
        flush(state, sid, spot)


def is_clean(state: State, sid: int) -> bool:
    """Whether a flush would have nothing to do."""
    return not any(obj.changed or obj.deleted or obj.life is Life.PENDING for _, obj in state.of_session(sid))


def begin(state: State, sid: int) -> None:
    session = state.sessions.get(sid)
    if session is not None and not session.begun:
        state.sessions[sid] = replace(session, begun=True)


def commit(state: State, sid: int, spot: Spot) -> None:
    flush(state, sid, spot)
    session = state.sessions[sid]
    for oid, obj in state.of_session(sid):
        if obj.deleted:
            left = (Exit.CLOSE, spot) if session.expires else None
            life = Life.DETACHED if session.expires else Life.DELETED
            state.objects[oid] = replace(
                obj,
                life=life,
                exit=left,
                sid=None if left else sid,
                attributes={**dict.fromkeys(obj.entity.relationships, VAGUE), **obj.attributes},
            )
        elif obj.life in (Life.PERSISTENT, None):
            if session.expires is None:
                state.objects[oid] = vague(obj)
            elif session.expires:
                state.objects[oid] = expired(obj, Loss.COMMIT, spot)
    state.sessions[sid] = replace(session, begun=False)


def rollback(state: State, sid: int, spot: Spot) -> None:
    session = state.sessions[sid]
    if not session.begun:
        return  # Without a transaction there is nothing to roll back, and nothing expires.
    for oid, obj in state.of_session(sid):
        if obj.life is Life.PENDING:
            state.objects[oid] = replace(obj, life=Life.TRANSIENT, sid=None)
        elif obj.life is Life.PERSISTENT and obj.made:
            # Added in this transaction it is transient again; added before, it expires: the path does not tell.
            state.objects[oid] = vague(replace(obj, life=None))
        elif obj.life is Life.PERSISTENT:
            state.objects[oid] = replace(expired(obj, Loss.ROLLBACK, spot), changed=frozenset(), deleted=False)
    state.sessions[sid] = replace(session, begun=False)


def savepoint(state: State, sid: int, spot: Spot) -> None:
    """The beginning of a savepoint flushes; from here on it is known what is written inside."""
    begin(state, sid)
    flush(state, sid, spot)
    for oid, obj in state.of_session(sid):
        if obj.written:
            state.objects[oid] = replace(obj, written=False)


def savepoint_rollback(state: State, sid: int, spot: Spot) -> None:
    """What was changed inside expires; what was added may be transient again: the path does not tell."""
    for oid, obj in state.of_session(sid):
        if obj.made:
            state.objects[oid] = vague(replace(obj, life=None))
        elif obj.life is Life.PERSISTENT and (obj.changed or obj.written):
            kept = {name: status for name, status in obj.attributes.items() if status.loss is not Loss.FLUSH}
            state.objects[oid] = replace(
                expired(replace(obj, attributes=kept), Loss.ROLLBACK, spot), changed=frozenset()
            )


def close(state: State, sid: int, spot: Spot) -> None:
    detach(state, [oid for oid, _ in state.of_session(sid)], Exit.CLOSE, spot)
    session = state.sessions.get(sid)
    if session is not None:
        state.sessions[sid] = replace(session, begun=False, closed=spot)


def detach(state: State, oids: Iterable[int], how: Exit, spot: Spot) -> None:
    for oid in oids:
        obj = state.object(oid)
        if obj is None:
            continue
        if obj.life is Life.PERSISTENT:
            state.objects[oid] = replace(obj, life=Life.DETACHED, exit=(how, spot), sid=None)
        elif obj.life is Life.PENDING:
            state.objects[oid] = replace(obj, life=Life.TRANSIENT, sid=None)
        elif obj.life is None:
            state.objects[oid] = replace(obj, sid=None)


def add(state: State, sid: int, oid: int) -> None:
    """``add`` with its save-update cascade."""
    obj = state.object(oid)
    if obj is None or obj.life is Life.DELETED:
        return
    if obj.life is Life.TRANSIENT:
        state.objects[oid] = replace(obj, life=Life.PENDING, sid=sid)
    elif obj.life is Life.DETACHED:
        state.objects[oid] = replace(obj, life=Life.PERSISTENT, sid=sid, exit=None)
    elif obj.sid is None:
        state.objects[oid] = replace(obj, sid=sid)
    else:
        return
    for value in obj.links.values():
        for linked in refs(value):
            found = state.object(linked)
            if found is not None and found.sid is None:
                add(state, sid, linked)


def expire(state: State, oid: int, names: list[str] | None, spot: Spot) -> None:
    obj = state.object(oid)
    if obj is None or obj.life is not Life.PERSISTENT:
        return
    if names is None:
        state.objects[oid] = expired(obj, Loss.EXPIRE, spot)
        return
    for name in names:
        obj = obj.with_status(name, Status(Loss.EXPIRE, spot))
    state.objects[oid] = obj


def reload(obj: Object) -> Object:
    """What reading one expired attribute brings back: the columns, and the relationships of options and mapping."""
    attributes = {}
    for name, status in obj.attributes.items():
        if status.vague or status.loss in (None, Loss.NEVER_LOADED):
            attributes[name] = status
        elif name in obj.entity.relationships:
            attributes[name] = LOADED if _was_eager(obj, name) else UNLOADED
        else:
            attributes[name] = LOADED
    columns = obj.columns if obj.columns.vague else LOADED
    return replace(obj, columns=columns, attributes=attributes)


def spread(state: State, oid: int, name: str = "") -> None:
    """What one name of a row has loaded, every other name of that row has: all columns, or the attribute ``name``."""
    obj = state.object(oid)
    if obj is None or obj.sid is None:
        return
    relationship = obj.entity.relationships.get(name)
    if relationship is not None and relationship.target is not None:
        # The rows behind it come fresh.
        for other_id, other in state.of_session(obj.sid):
            if other_id != oid and relationship.target in other.entity.lineage and other.columns.loss is not None:
                state.objects[other_id] = relieved(other)
    for other_id, other in state.of_session(obj.sid):
        if other_id != oid and other.life is Life.PERSISTENT and _may_be_one_row(obj, other):
            if name:
                if other.status(name).loss is not None:
                    state.objects[other_id] = other.with_status(name, VAGUE)
            elif other.columns.loss is not None or any(status.loss for status in other.attributes.values()):
                state.objects[other_id] = relieved(other)


def _may_be_one_row(obj: Object, other: Object) -> bool:
    if not obj.entity.meets(other.entity):
        return False
    if obj.born == other.born and obj.path == other.path:
        return False  # Two rows of one result.
    return not are_different(obj.key, other.key)


def are_different(key: Value | None, other: Value | None) -> bool:
    """Whether two keys belong to two rows; ``1`` and ``"1"`` may be one for the database."""
    if not isinstance(key, Const) or not isinstance(other, Const):
        return False
    return type(key.value) is type(other.value) and key.value != other.value


def relieved(obj: Object) -> Object:
    """Whatever was lost may be there again."""
    attributes = {n: VAGUE if s.loss is not None else s for n, s in obj.attributes.items()}
    return replace(obj, columns=VAGUE if obj.columns.loss is not None else obj.columns, attributes=attributes)


def refresh(state: State, oid: int, names: list[str] | None, spot: Spot) -> None:
    obj = state.object(oid)
    if obj is None:
        return
    if names is not None:
        relations = [obj.entity.relationships[name] for name in names if name in obj.entity.relationships]
        if any(not relation.many for relation in relations) and is_expired(obj):
            obj = reload(obj)  # The foreign key is needed, and comes with the whole row.
        keys = [name for name, column in obj.entity.columns.items() if column.primary_key and relations]
        for name in (*names, *keys):
            obj = obj.with_status(name, LOADED)
            if name in obj.links:
                obj = replace(obj, links={k: v for k, v in obj.links.items() if k != name})
        state.objects[oid] = replace(obj, life=obj.life or Life.PERSISTENT)
        return
    attributes: dict[str, Status] = {}
    for name, status in obj.attributes.items():
        column = obj.entity.columns.get(name)
        if name in obj.entity.relationships:
            eager = _was_eager(obj, name) or obj.entity.relationships[name].eager
            attributes[name] = LOADED if eager else (status if status.vague else Status(Loss.REFRESH, spot))
        elif column is not None and column.deferred and name not in obj.load.columns:
            attributes[name] = Status(Loss.REFRESH, spot)
        elif column is not None:
            attributes[name] = LOADED
        else:
            attributes[name] = status
    for name in obj.entity.relationships:
        attributes.setdefault(name, Status(Loss.REFRESH, spot))
    state.objects[oid] = replace(
        obj, columns=LOADED, attributes=attributes, changed=frozenset(), life=obj.life or Life.PERSISTENT
    )


def refs(value: Value) -> Iterable[int]:
    """The objects in a value."""
    match value:
        case Ref(oid=oid):
            yield oid
        case Many(element=element):
            yield from refs(element)
        case Group(items=items):
            for item in items:
                yield from refs(item)
        case _:
            pass


def strings(value: Value | None) -> list[str] | None:
    """The strings of a list or tuple; ``None`` when it is absent, ``[]`` when it cannot be read."""
    match value:
        case None | Const(value=None):
            return None
        case Const(value=str() as text):
            return [text]
        case Group(items=items, names=()):
            return [item.value for item in items if isinstance(item, Const) and isinstance(item.value, str)]
        case _:
            return []
