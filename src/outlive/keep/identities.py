"""Objects by their primary keys: one SELECT per class and chunk, and the versions that they must have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.orm.interfaces import ORMOption

from outlive.keep.by_key import objects_by_key
from outlive.keep.refreshing import refresh_all
from outlive.sessions.lookups import Key
from outlive.sessions.mapped import deferred_columns, once
from outlive.sessions.objects import listed, name_of
from outlive.sessions.rows import State, load_columns


def load_identities(
    session: Session,
    mapper: Mapper[Any],
    token: Any,
    identities: Iterable[Key],
    options: Sequence[ORMOption] = (),
) -> dict[Key, Any]:
    """The objects with these primary keys, loaded as ``Session.get`` does; those without a row are absent.

    An object that the session has already gets what it has no value for.  The caller must hold what it gets: the
    identity map does not.
    """
    found = objects_by_key(session, mapper, identities, identity_token=token, options=options)
    _complete(session, mapper, found.values())
    return found


def find(session: Session, mapper: Mapper[Any], token: Any, identities: Iterable[Key]) -> dict[Key, Any]:
    """The objects with these primary keys, ``None`` for one without a row; what the session has costs no SELECT."""
    if not session.identity_map:
        identities = list(identities)
        return {**dict.fromkeys(identities), **load_identities(session, mapper, token, identities)}
    held: dict[Key, Any] = {
        identity: session.identity_map.get(mapper.identity_key_from_primary_key(identity, token))
        for identity in identities
    }
    absent = [identity for identity, obj in held.items() if obj is None or has_expired_columns(instance_state(obj))]
    there = {identity: obj for identity, obj in held.items() if isinstance(obj, mapper.class_)}
    loaded = load_identities(session, mapper, token, absent)
    return {**there, **dict.fromkeys(absent), **loaded}


def has_expired_columns(state: State) -> bool:
    """Whether reading a column would load the row anew; deferred columns do not count."""
    return any(
        name in state.mapper.column_attrs and name not in deferred_columns(state.mapper)
        for name in state.expired_attributes
    )


def version_of(state: State) -> Any:
    """The value of the version counter; ``None`` if there is none or it is not loaded."""
    name = _version_name(state.mapper)
    return None if name is None else state.dict.get(name)


def check_versions(session: Session, expected: Sequence[tuple[State, Any]], holder: str) -> list[State]:
    """Compare the version counters of persistent objects with those that are expected of them.

    What the session has may be out of date itself: an object that differs is read anew, unless it has pending changes.

    Args:
        session: The session of the objects.
        expected: The objects with their versions.
        holder: Who expects them, for the message.

    Returns:
        The objects whose rows turned out to be gone.

    Raises:
        StaleDataError: A row has another version; names both.
    """
    managers = {state.manager for state, _ in expected}
    names: dict[Any, Any] = {manager: _version_name(manager.mapper) for manager in managers}

    def held(state: State) -> Any:
        return state.dict.get(names[state.manager])

    suspected = [(state, version) for state, version in expected if held(state) != version]
    if not suspected:
        return []
    unread = {state: [name] for state, _ in suspected if (name := names[state.manager]) and name not in state.dict}
    gone = load_columns(session, unread)
    gone += _read_anew(session, [state for state, _ in suspected if state not in unread and not state.modified])
    stale = [
        f"{name_of(state)} has version {held(state)!r}, {holder} has version {version!r}"
        for state, version in suspected
        if state not in gone and held(state) != version
    ]
    if stale:
        raise StaleDataError(listed(stale))
    return gone


def _complete(session: Session, mapper: Mapper[Any], objs: Iterable[Any]) -> None:
    """Load the columns of subclasses, which a SELECT of their base leaves out."""
    if mapper.polymorphic_on is not None:
        states = [instance_state(obj) for obj in objs]
        load_columns(
            session,
            {
                state: {
                    column.key
                    for column in state.mapper.column_attrs
                    if not column.deferred and column.key not in mapper.column_attrs and column.key not in state.dict
                }
                for state in states
                if state.mapper is not mapper
            },
        )


def _read_anew(session: Session, states: Sequence[State]) -> list[State]:
    """Read objects anew; those whose rows are gone."""
    there = refresh_all(session, [state.obj() for state in states], missing="skip")
    return list(set(states).difference(map(instance_state, there)))


@once
def _version_name(mapper: Mapper[Any]) -> str | None:
    column = mapper.version_id_col
    return None if column is None else mapper.get_property_by_column(column).key
