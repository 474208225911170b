"""``reattach``: the merge of many cached or foreign objects, which brings nothing back to life."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from copy import deepcopy
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, TypeAlias, TypeVar, cast, overload
from uuid import UUID

from sqlalchemy import Column
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Mapper, Session, undefer
from sqlalchemy.orm.attributes import instance_state

from outlive.keep.identities import check_versions, has_expired_columns, load_identities, version_of
from outlive.keep.keys import python_type
from outlive.keep.loading import ensure_loaded
from outlive.keep.merging import Graph, Key, State, check_agreement, is_equal, pruned, reached
from outlive.lifecycle.errors import MissingRowsError, ObjectStateError
from outlive.sessions.mapped import deferred_columns, once
from outlive.sessions.objects import AnySession, as_list, listed, name_of, session_of, state_of, states_of

T = TypeVar("T")
Missing: TypeAlias = Literal["raise", "insert", "skip"]


@overload
def reattach(session: AnySession, obj: T, *, missing: Literal["raise", "insert"] = "raise") -> T: ...


@overload
def reattach(session: AnySession, obj: T, *, missing: Missing) -> T | None: ...


def reattach(session: AnySession, obj: T, *, missing: Missing = "raise") -> T | None:
    """Merge one object: see ``reattach_all``; ``None`` if its row is gone and ``missing`` is ``"skip"``."""
    state_of(obj)
    return next(iter(reattach_all(session, [obj], missing=missing)), None)


def reattach_all(session: AnySession, objs: Iterable[T], *, missing: Missing = "raise") -> list[T]:
    """Merge objects that were cached, unpickled, or belong to another session.

    As ``Session.merge`` does, it copies what an object has loaded, pending changes included, to the object of that
    identity in this session, and follows relationships that are loaded and cascade a merge.  What an object has not
    loaded stays what the database has.  Unlike ``merge`` it

    - sends one SELECT per class and 1,000 objects, and one for each relationship that is followed to many;
    - raises where a row has been deleted meanwhile: ``merge`` inserts it again;
    - checks everything, version counters too, before anything is changed;
    - refuses two copies of one row that have different values, rather than let the last one win;
    - shares no list or dictionary between the object that you gave and the one that you get.

    Nothing is flushed.  The given objects stay what they are.  One that is persistent in this session comes back.

    Args:
        session: The session that the objects will belong to.
        objs: The objects, each once or more often.
        missing: What to do if a row, of a given or of a related object, is gone.  ``"raise"``; ``"insert"`` writes it
            again, with a SELECT for each; ``"skip"`` leaves the object out, of the result and of relationships.

    Returns:
        The objects of this session, in the order given.

    Raises:
        MissingRowsError: Rows are gone; ``missing`` of the exception has the objects that were given or reached.
        StaleDataError: A row has another version than its object.
        ObjectStateError: An object has no identity, is deleted, has become of another class, disagrees with another
            copy, or is to be inserted and not loaded.
        sqlalchemy.orm.exc.UnmappedInstanceError: Something that is no mapped object.
        sqlalchemy.exc.ArgumentError: Another option.

    Source: SQLAlchemy 2.0 and 2.1, "Merging" (orm/session_state_management).
    """
    if missing not in {"raise", "insert", "skip"}:
        raise ArgumentError(f"missing= is raise, insert or skip, got {missing!r}")
    session = session_of(session)
    given = cast("list[T]", as_list(objs))
    roots = states_of(given)
    for state in roots:
        _check_identity(state)
    graph = reached(session, roots)
    check_agreement(graph)
    with session.no_autoflush:
        targets = _targets(session, graph)
        lost = _lost(session, graph, targets)
        if lost and missing == "raise":
            raise _missing_rows(lost)
        if missing == "insert":
            _prepare_insert(session, lost)
        _load_relationships(session, graph, targets)
        found = _unchanged(graph, targets, lost)
        sources = pruned(graph, lost) if lost and missing == "skip" else {}
        for state in roots:
            if state not in found and (missing != "skip" or state not in lost):
                found[state] = session.merge(sources.get(state, state.obj()))
        _unshare(graph, targets)
    return [cast("T", found[state]) for state in map(instance_state, given) if state in found]


def _check_identity(state: State) -> None:
    if state.key is None:
        add = "session.add() it" if state.transient else "session.flush() first"
        raise ObjectStateError(f"{name_of(state)} has no row to reattach it to: {add}")
    if state.deleted:
        raise ObjectStateError(f"{name_of(state)} is deleted: its row goes with the commit")


def _targets(session: Session, graph: Graph) -> dict[Key, Any]:
    """The objects of the session for all that a merge will look up; ``None`` where there is no row."""
    targets: dict[Key, Any] = {}
    wanted: defaultdict[tuple[Mapper[Any], Any], dict[tuple[Any, ...], Key]] = defaultdict(dict)
    deferred: defaultdict[Mapper[Any], set[str]] = defaultdict(set)
    for state, key in graph.keyed():
        targets[key] = session.identity_map.get(key)
        if targets[key] is None or _lacks(instance_state(targets[key]), state):
            wanted[state.mapper, key[2]][key[1]] = key
            deferred[state.mapper] |= deferred_columns(state.mapper) & state.dict.keys()
    for (mapper, token), keys in wanted.items():
        options = [undefer(getattr(mapper.entity, name)) for name in deferred[mapper]]
        loaded = load_identities(session, mapper, token, keys, options)
        targets.update((key, loaded.get(identity)) for identity, key in keys.items())
    return targets


def _lacks(target: State, source: State) -> bool:
    # Setting a column that has no value makes an UPDATE of it, also where the row has that value.
    return has_expired_columns(target) or any(
        name not in target.dict and name in target.mapper.column_attrs for name in source.dict
    )


def _lost(session: Session, graph: Graph, targets: Mapping[Key, Any]) -> dict[State, Key]:
    """The copies whose rows are gone.  What they are merged into must be of their class and of their version."""
    found = [(state, instance_state(targets[key])) for state, key in graph.copies.items() if targets[key] is not None]
    for state, target in found:
        if target.mapper is not state.mapper:
            raise ObjectStateError(f"{name_of(state)} is of class {target.class_.__name__} now: load it anew")
    expected = [(target, version) for state, target in found if (version := version_of(state)) is not None]
    gone = {target.key for target in check_versions(session, expected, "the copy")}
    return {state: key for state, key in graph.copies.items() if targets[key] is None or key in gone}


def _missing_rows(lost: Iterable[State]) -> MissingRowsError:
    names = listed([name_of(state) for state in lost])
    message = f"no row for {names}: deleted meanwhile; missing='insert' writes them again, 'skip' leaves them out"
    return MissingRowsError(message, [state.obj() for state in lost])


def _prepare_insert(session: Session, lost: Mapping[State, Key]) -> None:
    for state in lost:
        _check_insertable(state)
    for state, key in lost.items():
        ghost = session.identity_map.get(key)
        if ghost is not None:
            # It makes room only when SQLAlchemy itself misses the row.
            session.expire(ghost)
            session.get(state.class_, key[1], identity_token=key[2])


def _check_insertable(state: State) -> None:
    absent = sorted(_stored(state.mapper) - state.dict.keys())
    if absent:
        names = ", ".join(f"`{name}`" for name in absent)
        raise ObjectStateError(f"{name_of(state)} cannot be inserted again: {names} of it is not loaded")


@once
def _stored(mapper: Mapper[Any]) -> frozenset[str]:
    """The names of the attributes that an INSERT writes, column by column."""
    return frozenset(attribute.key for attribute in mapper.column_attrs if isinstance(attribute.columns[0], Column))


def _load_relationships(session: Session, graph: Graph, targets: Mapping[Key, Any]) -> None:
    """Load what a merge compares: it would load the relationships of its targets object by object."""
    for relation, states in graph.followed.items():
        found = [targets[graph.copies[state]] for state in states if state in graph.copies]
        ensure_loaded(session, [obj for obj in found if obj is not None], relation.class_attribute)


def _unchanged(graph: Graph, targets: Mapping[Key, Any], lost: Collection[State]) -> dict[State, Any]:
    """The copies that have nothing new, nor lead to anything new, with the objects that a merge would return.

    That is most of a cache.
    """
    different = [
        state
        for state, key in graph.copies.items()
        if state in lost or not is_equal(graph, state, instance_state(targets[key]))
    ]
    merged = graph.leading_to([*different, *graph.new])
    return {state: targets[key] for state, key in graph.copies.items() if state not in merged}


def _unshare(graph: Graph, targets: Mapping[Key, Any]) -> None:
    """Give the objects of the session lists and dictionaries of their own: a merge hands over the very same."""
    for state, key in graph.copies.items():
        for name in _containers(state.mapper):
            value: object = state.dict.get(name)
            obj = targets[key]
            if obj is not None and isinstance(value, list | dict | set) and instance_state(obj).dict.get(name) is value:
                setattr(obj, name, deepcopy(cast("object", value)))


@once
def _containers(mapper: Mapper[Any]) -> tuple[str, ...]:
    """The names of the columns that may hold a list, a dictionary or a set."""
    plain = (str, int, float, bool, bytes, Decimal, date, time, timedelta, UUID, Enum)
    return tuple(
        attribute.key
        for attribute in mapper.column_attrs
        if not issubclass(python_type(attribute.columns[0].type) or object, plain)
    )
