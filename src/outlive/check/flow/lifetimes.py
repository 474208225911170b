"""What the methods of a session do to the objects in it.

Source: SQLAlchemy 2.0 and 2.1, each row run (STATES: commit, rollback, flush, close, expunge, expire, refresh).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from outlive.check.flow import loading
from outlive.check.flow.keys import are_different
from outlive.check.flow.observations import Exit, Loss
from outlive.check.flow.state import LOADED, UNLOADED, VAGUE, Object, State, Status
from outlive.check.flow.values import EVERY, NOTHING, Const, Coroutine, Group, Load, Many, Mapped, Ref, Spot, Value
from outlive.check.program import External
from outlive.lifecycle.states import State as Life


def expired(obj: Object, loss: Loss, spot: Spot) -> Object:
    """Every column and relationship loses its value; what is already lost keeps its first cause."""

    def lose(name: str, status: Status) -> Status:
        if status.vague:
            relationship = obj.entity.relationships.get(name)
            unknown = obj.life is None or (relationship is not None and relationship.quiet)
            return status if unknown else Status(loss, spot, loaded=True)
        if status.loss is not None and status.loss is not Loss.NEVER_LOADED:
            return status
        loaded = status.loss is None and name in obj.entity.relationships
        return Status(loss, spot, loaded and _was_eager(obj, name), loaded)

    attributes = {name: lose(name, status) for name, status in obj.attributes.items()}
    for name in obj.entity.relationships:
        attributes.setdefault(name, Status(loss, spot))
    unknown = obj.columns.vague and obj.life is None
    columns = obj.columns if unknown or obj.columns.loss else Status(loss, spot)
    return replace(obj, columns=columns, attributes=attributes)


def _comes_with_row(obj: Object, name: str) -> bool:
    """Whether options or the mapping load a relationship whenever the row is loaded."""
    return obj.load.get(name) is not None or obj.entity.relationships[name].eager


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
                    state.objects[linked] = reload(other)
    for _, obj in state.of_session(sid):
        if obj.deleted and obj.life is Life.PERSISTENT:
            _delete_twins(state, sid, obj)
    for oid, obj in state.of_session(sid):
        if obj.deleted and obj.life is Life.PERSISTENT:
            state.objects[oid] = _deleted(obj)
        elif obj.life is Life.PENDING:
            relationships = {
                name: obj.attributes[name] if _is_filled(obj, name) else VAGUE if relationship.quiet else UNLOADED
                for name, relationship in obj.entity.relationships.items()
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
                inserted=_depth(state, sid),
            )
        elif obj.changed and obj.life is Life.PERSISTENT:
            # An UPDATE needs the row's key, and loads the whole row of an expired object for it.
            whole = obj
            if obj.columns.loss is not None:
                whole = reload(obj)
                spread(state, oid)
            attributes = dict(whole.attributes)
            if not obj.entity.eager_defaults and any(_is_stored(obj, name) for name in obj.changed):
                for name, column in obj.entity.columns.items():
                    status = whole.status(name)
                    computed = is_sql(obj.links.get(name)) if name in obj.changed else column.onupdate
                    if computed and status.loss is None and not status.vague:
                        attributes[name] = VAGUE if keeps(state, sid) else Status(Loss.FLUSH, spot)
            state.objects[oid] = replace(whole, attributes=attributes, changed=frozenset(), written=True)


def _delete_twins(state: State, sid: int, obj: Object) -> None:
    """What another query has loaded may be the same row, and the same object: it would keep what it has."""
    for oid, other in state.of_session(sid):
        is_row = not other.deleted and other.life is Life.PERSISTENT and other.query not in (None, obj.query)
        if is_row and obj.entity.meets(other.entity) and not are_different(obj.key, other.key):
            state.objects[oid] = vague(replace(other, life=None))


def is_sql(value: Value | None) -> bool:
    """``Book.price + 1``, ``func.now()``: what the database makes of it is not known here."""
    return isinstance(value, Mapped) or (isinstance(value, External) and ".func." in value.dotted)


def _is_stored(obj: Object, name: str) -> bool:
    """Whether a change of an attribute is an UPDATE of its own row, and not of those behind a collection."""
    relationship = obj.entity.relationships.get(name)
    return relationship is None or relationship.many is False


def _deleted(obj: Object) -> Object:
    """A DELETE loads the row where it has expired, and those that refer to it: not what it refers to itself."""
    whole = reload(obj) if obj.columns.loss is not None else obj
    attributes = dict(whole.attributes)
    for name, relationship in obj.entity.relationships.items():
        if relationship.many and relationship.target is not None and whole.status(name).loss is not None:
            attributes[name] = LOADED
        elif not relationship.many and not obj.entity.refers_by(name):
            attributes[name] = VAGUE
    return replace(
        whole, life=Life.DELETED, attributes=attributes, changed=frozenset(), renewed=frozenset(), written=True
    )


def _is_filled(obj: Object, name: str) -> bool:
    """Whether a relationship of a new object has been assigned, here or from its other side."""
    return name in obj.attributes and (name in obj.links or obj.attributes[name].vague)


def doubt_flush(state: State, oid: int) -> None:
    """What a flush has taken from an object may be there all the same."""
    obj = state.object(oid)
    if obj is not None:
        flushed = {name: VAGUE for name, status in obj.attributes.items() if status.loss is Loss.FLUSH}
        state.objects[oid] = replace(obj, attributes={**obj.attributes, **flushed})


def autoflush(state: State, sid: int, spot: Spot) -> None:
    """The flush before a query, unless it is turned off."""
    session = state.sessions.get(sid)
    if not refuses(state, sid) and session is not None and session.autoflush:
        flush(state, sid, spot)


def refuses(state: State, sid: int) -> bool:
    """Something needs the transaction of a session: whether that raises, because its flush has failed.

    The path ends here then, or somebody has rolled back whom we do not see: what was lost is not reported behind it.
    """
    session = state.sessions.get(sid)
    if session is None or not session.failed:
        return False
    _forget_failure(state, sid)
    return True


def maybe_flushed(state: State, sid: int, spot: Spot) -> None:
    """The flush at ``spot`` may not have taken place: what it has expired may still be there."""
    lost = Status(Loss.FLUSH, spot)
    for oid, obj in state.of_session(sid):
        if lost in obj.attributes.values():
            attributes = {name: VAGUE if status == lost else status for name, status in obj.attributes.items()}
            state.objects[oid] = replace(obj, attributes=attributes)


def is_clean(state: State, sid: int) -> bool:
    """Whether a flush would have nothing to do."""
    return not any(
        obj.changed or obj.life is Life.PENDING or (obj.deleted and obj.life is Life.PERSISTENT)
        for _, obj in state.of_session(sid)
    )


def begin(state: State, sid: int, spot: Spot) -> None:
    session = state.sessions.get(sid)
    if session is not None and not session.connected:
        anew = session.anew or (spot if session.left and not session.begun else None)
        state.sessions[sid] = replace(session, begun=True, connected=True, anew=anew)


def change(state: State, sid: int | None, spot: Spot) -> None:
    """Something is to be written, or has been, that only a commit makes last."""
    session = state.sessions.get(sid) if sid is not None else None
    if sid is not None and session is not None and session.unsaved is None and not session.saves:
        state.sessions[sid] = replace(session, unsaved=spot)


def commit(state: State, sid: int, spot: Spot) -> None:
    if refuses(state, sid):
        return
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
            after = replace(obj, inserted=0) if obj.inserted else obj
            if session.expires is None:
                after = vague(after)
            elif session.expires:
                after = expired(after, Loss.COMMIT, spot)
            state.objects[oid] = after
    state.sessions[sid] = replace(session, begun=False, connected=False, unsaved=None, failed=False, saves=True)


def fail(state: State, sid: int, spot: Spot) -> None:
    """The flush fails, which rolls back: the session stays as it is then until somebody calls ``rollback()``.

    Source: SQLAlchemy 2.0 and 2.1, run: whatever emits SQL before that raises ``PendingRollbackError``.
    """
    for oid, obj in state.of_session(sid):
        if obj.inserted or obj.life is Life.PENDING:
            state.objects[oid] = _transient_again(obj, spot)
        elif obj.life in (Life.PERSISTENT, Life.DELETED):
            state.objects[oid] = _rolled_back(state, sid, obj, Loss.FAILED_FLUSH, spot)
    state.sessions[sid] = replace(state.sessions[sid], begun=True, connected=True, failed=True)


def forget_failure(state: State) -> None:
    """Who has handled a failed flush may have rolled back where nobody sees it, or it fails too rarely to matter."""
    for sid in [sid for sid, session in state.sessions.items() if session.failed]:
        _forget_failure(state, sid)


def _forget_failure(state: State, sid: int) -> None:
    state.sessions[sid] = replace(state.sessions[sid], failed=False, unsaved=None)
    for oid, obj in state.of_session(sid):
        state.objects[oid] = relieved(obj)


def rollback(state: State, sid: int, spot: Spot) -> None:
    session = state.sessions[sid]
    if not session.begun:
        return  # Without a transaction there is nothing to roll back, and nothing expires.
    for oid, obj in state.of_session(sid):
        if obj.life is Life.PENDING or obj.inserted:
            state.objects[oid] = _transient_again(obj, spot)
        elif obj.life in (Life.PERSISTENT, Life.DELETED):
            state.objects[oid] = _rolled_back(state, sid, _recovered(obj), Loss.ROLLBACK, spot)
    state.sessions[sid] = replace(session, begun=False, connected=False, unsaved=None, failed=False)


def _recovered(obj: Object) -> Object:
    """What a failed flush has expired is expired as if by the rollback that follows."""
    columns = LOADED if obj.columns.loss is Loss.FAILED_FLUSH else obj.columns
    attributes = {
        name: replace(status, loss=None) if status.loss is Loss.FAILED_FLUSH else status
        for name, status in obj.attributes.items()
    }
    return replace(obj, columns=columns, attributes=attributes)


def _rolled_back(state: State, sid: int, obj: Object, how: Loss, spot: Spot) -> Object:
    gone = expired(replace(obj, life=Life.PERSISTENT), how, spot)
    keys: dict[str, Status] = {}
    if keeps(state, sid):
        keys = {name: LOADED for name, column in obj.entity.columns.items() if column.primary_key}
    return replace(gone, attributes={**gone.attributes, **keys}, changed=frozenset(), deleted=False)


def keeps(state: State, sid: int) -> bool:
    """Whether a session is one of ours."""
    factory = state.sessions[sid].factory if sid in state.sessions else None
    return factory is not None and factory.keeps


def _transient_again(obj: Object, spot: Spot) -> Object:
    return replace(obj, life=Life.TRANSIENT, sid=None, inserted=0, deleted=False, exit=(Exit.ROLLBACK, spot))


def savepoint(state: State, sid: int, spot: Spot) -> None:
    """The beginning of a savepoint flushes; from here on it is known what is written inside."""
    begin(state, sid, spot)
    refuses(state, sid)
    flush(state, sid, spot)
    session = state.sessions.get(sid)
    if session is not None:
        state.sessions[sid] = replace(session, savepoints=session.savepoints + 1)
    for oid, obj in state.of_session(sid):
        if obj.written:
            state.objects[oid] = replace(obj, written=False)


def _depth(state: State, sid: int) -> int:
    """How deep in transactions and savepoints what is written now is."""
    return 1 + state.sessions[sid].savepoints


def savepoint_release(state: State, sid: int, spot: Spot) -> None:
    flush(state, sid, spot)
    depth = _depth(state, sid)
    for oid, obj in state.of_session(sid):
        if obj.inserted > depth:
            state.objects[oid] = replace(obj, inserted=depth)


def savepoint_rollback(state: State, sid: int, spot: Spot) -> None:
    """What was added inside is transient again, what was changed inside expires; what was deleted comes back as it was.

    Source: SQLAlchemy 2.0 and 2.1, ``SessionTransaction._restore_snapshot(dirty_only=True)``, each way run.
    """
    depth = _depth(state, sid)
    for oid, obj in state.of_session(sid):
        if obj.life is Life.PENDING or obj.inserted > depth:
            state.objects[oid] = _transient_again(obj, spot)
        elif obj.life is Life.DELETED and obj.written:
            state.objects[oid] = replace(obj, life=Life.PERSISTENT, deleted=False)
        elif obj.life is Life.PERSISTENT and (obj.changed or obj.written):
            kept = {name: status for name, status in obj.attributes.items() if status.loss is not Loss.FLUSH}
            state.objects[oid] = _rolled_back(state, sid, replace(obj, attributes=kept), Loss.ROLLBACK, spot)


def close(state: State, sid: int, spot: Spot, *, left: bool = False) -> None:
    """Close a session; ``left`` when its block has been left."""
    detach(state, [oid for oid, _ in state.of_session(sid)], Exit.CLOSE, spot)
    session = state.sessions.get(sid)
    if session is not None:
        state.sessions[sid] = replace(
            session,
            begun=False,
            connected=False,
            closed=spot,
            left=left or session.collected,
            anew=session.anew if session.collected else None,
            unsaved=None,
            failed=False,
        )


def detach(state: State, oids: Iterable[int], how: Exit, spot: Spot) -> None:
    for oid in oids:
        obj = state.object(oid)
        if obj is None:
            continue
        if obj.life is Life.PERSISTENT:
            state.objects[oid] = replace(obj, life=Life.DETACHED, exit=(how, spot), sid=None, inserted=0, deleted=False)
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
        state.objects[oid] = replace(obj, life=Life.PENDING, sid=sid, exit=None)
    elif obj.life is Life.DETACHED:
        state.objects[oid] = replace(obj, life=Life.PERSISTENT, sid=sid, exit=None)
    elif obj.deleted and obj.life is Life.PERSISTENT:
        state.objects[oid] = replace(obj, deleted=False)
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
        state.objects[oid] = replace(expired(obj, Loss.EXPIRE, spot), changed=frozenset())
        return
    for name in names:
        obj = obj.with_status(name, Status(Loss.EXPIRE, spot))
    state.objects[oid] = replace(obj, changed=obj.changed.difference(names))


def reload(obj: Object) -> Object:
    """What reading one expired attribute brings back: all that have expired but are deferred.

    A row that has expired as a whole comes with the relationships of options and mapping.
    """
    attributes: dict[str, Status] = {}
    renewed: set[str] = set()
    whole = obj.columns.loss is not None
    for name, status in obj.attributes.items():
        column = obj.entity.columns.get(name)
        eager = name in obj.entity.relationships and _comes_with_row(obj, name)
        # A row that the program has made comes back as any other.
        again = whole and eager and obj.made
        if status.vague or status.loss is None or (status.loss is Loss.NEVER_LOADED and not again):
            attributes[name] = status
        elif name in obj.entity.relationships:
            attributes[name] = LOADED if whole and eager else status if status.loaded or not whole else UNLOADED
            renewed |= {name} if whole and eager else set()
        elif column is not None and column.deferred:
            attributes[name] = status
        else:
            attributes[name] = LOADED
    for name, column in obj.entity.columns.items():
        if whole and column.deferred and name not in attributes:
            attributes[name] = obj.columns
    columns = obj.columns if obj.columns.vague else LOADED
    return replace(obj, columns=columns, attributes=attributes, renewed=obj.renewed | renewed)


def spread(state: State, oid: int, name: str = "") -> None:
    """What one name of a row has loaded, every other name of that row has: all columns, or the attribute ``name``."""
    obj = state.object(oid)
    if obj is None or obj.sid is None:
        return
    relationship = obj.entity.relationships.get(name)
    for other_id, other in state.of_session(obj.sid):
        if other_id == oid or other.life is not Life.PERSISTENT:
            continue
        if other.several and not obj.several:
            continue  # Some of them may be the same row; the others are not.
        if relationship is not None and relationship.target in other.entity.lineage and not is_apart(obj, other):
            # The rows behind it come fresh.
            state.objects[other_id] = maybe_populated(other, NOTHING)
        now = state.objects[other_id]
        if isinstance(now, Object) and _may_be_one_row(obj, other):
            if not name:
                state.objects[other_id] = maybe_populated(now, obj.load)
            elif now.status(name).loss is not None:
                state.objects[other_id] = now.with_status(name, VAGUE)


def is_apart(obj: Object, other: Object) -> bool:
    """Whether the other one cannot stand behind an object: the program has made its row, and given it to nobody."""
    return other.made and not any(
        name in each.links and (name not in each.entity.columns or each.entity.columns[name].foreign)
        for each in (obj, other)
        for name in (*each.entity.columns, *each.entity.relationships)
    )


def _may_be_one_row(obj: Object, other: Object) -> bool:
    """Whether what loads ``obj`` loads ``other``: one of them stands behind a relationship, or is all rows at once.

    Two rows that were asked for in two ways are two: if they are one after all, that is luck.
    """
    if not obj.entity.meets(other.entity) or (obj.born == other.born and obj.path == other.path):
        return False
    return bool(obj.path or other.path) or obj.key == EVERY


def maybe_populated(obj: Object, load: Load) -> Object:
    """Its row may be among those that a query with these options loads."""
    return _maybe_filled(obj, loading.statuses(obj.entity, load))


def maybe_merged(obj: Object, given: Object) -> Object:
    """Another object may be merged into it: what that has is loaded, and set."""
    fresh = loading.statuses(obj.entity, NOTHING)
    names = (*obj.entity.columns, *obj.entity.relationships)
    return _maybe_filled(obj, fresh | {name: LOADED for name in names if given.status(name).loss is None})


def _maybe_filled(obj: Object, fresh: Mapping[str, Status]) -> Object:
    """What it lacks may be there now, if it is loaded in ``fresh``; what that does not name is."""
    lost = {name for name in obj.entity.relationships if obj.status(name).loss is not None}
    lost |= {name for name, status in obj.attributes.items() if status.loss is not None}
    filled = {name for name in lost if fresh.get(name, LOADED).loss is None}
    columns = obj.columns
    attributes = {**obj.attributes, **dict.fromkeys(filled, VAGUE)}
    if columns.loss is not None:
        columns = VAGUE
        for name, column in obj.entity.columns.items():
            if column.deferred and name not in attributes and fresh.get(name, LOADED).loss is not None:
                attributes[name] = obj.columns
    return replace(obj, columns=columns, attributes=attributes, renewed=obj.renewed | filled)


def maybe_inserted(state: State, obj: Object) -> Object:
    """Somebody may have flushed a pending object: it has a key then, and whatever it has not been given is vague."""
    if obj.life is not Life.PENDING or obj.sid is None:
        return obj
    open_ = {name: VAGUE for name in obj.entity.relationships if not _is_filled(obj, name)}
    return replace(obj, life=Life.PERSISTENT, attributes={**obj.attributes, **open_}, inserted=_depth(state, obj.sid))


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
    renewed: set[str] = set()
    for name, status in obj.attributes.items():
        column = obj.entity.columns.get(name)
        if name in obj.entity.relationships:
            eager = _comes_with_row(obj, name)
            renewed |= {name} if eager else set()
            from_afar = obj.query is None and not obj.made
            unknown = status.vague and (from_afar or obj.load.vague)
            dropped = Status(Loss.REFRESH, spot, loaded=True)
            quiet = obj.entity.relationships[name].quiet
            attributes[name] = LOADED if eager else VAGUE if quiet else status if unknown else dropped
        elif column is not None and column.deferred and name not in obj.load.columns:
            attributes[name] = Status(Loss.REFRESH, spot)
        elif column is not None or name in obj.entity.below:
            attributes[name] = LOADED
        else:
            attributes[name] = status
    for name, relationship in obj.entity.relationships.items():
        attributes.setdefault(name, LOADED if relationship.eager else Status(Loss.REFRESH, spot))
    for name, column in obj.entity.columns.items():
        if column.deferred and name not in obj.load.columns and not obj.columns.vague and not obj.load.vague:
            attributes.setdefault(name, Status(Loss.REFRESH, spot))
    state.objects[oid] = replace(
        obj,
        columns=LOADED,
        attributes=attributes,
        changed=frozenset(),
        life=obj.life or Life.PERSISTENT,
        renewed=obj.renewed | renewed,
    )


def keep(state: State, value: Value) -> None:
    """Something that we cannot see into holds these objects from now on."""
    for oid in refs(value):
        obj = state.object(oid)
        if obj is not None:
            state.objects[oid] = replace(obj, kept=True)


def refs(value: Value) -> Iterable[int]:
    """The objects in a value."""
    match value:
        case Ref(oid=oid):
            yield oid
        case Many(element=element):
            yield from refs(element)
        case Coroutine(value=inner):
            yield from refs(inner)
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
