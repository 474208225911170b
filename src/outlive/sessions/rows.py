"""Reads the rows of known objects, one statement per class and chunk.

The values are written as SQLAlchemy's loaders write those of an object that is already there, and only what was asked
for: what the query of an object has said of its other attributes stays in force.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import InstanceState, Mapper, Session
from sqlalchemy.sql.selectable import ForUpdateArg

from outlive.sessions.lookups import Key, Lookup, key_columns

State: TypeAlias = InstanceState[Any]
Wanted: TypeAlias = Mapping[State, Collection[str]]
"""Objects, each with the names of attributes."""


def load_columns(
    session: Session,
    wanted: Wanted,
    with_for_update: Mapping[str, Any] | None = None,
    *,
    replace: bool = False,
) -> list[State]:
    """Load columns of persistent objects.  Never flushes.

    Args:
        session: The session that all objects belong to.
        wanted: For each state the names of the column attributes to load; no statement is sent for an empty one.
        with_for_update: Arguments of ``Select.with_for_update``.
        replace: Load also what has a value or a pending change; otherwise that stays as it is.

    Returns:
        The states whose rows no longer exist, in the order of ``wanted``.
    """
    unmet: set[State] = set()
    doubtful = False
    with session.no_autoflush:
        for (mapper, token), states in _by_class(wanted).items():
            # Most objects share one collection of names.
            different = {id(wanted[state]): wanted[state] for state in states}.values()
            names = tuple(sorted(frozenset[str]().union(*different)))
            keys = key_columns(mapper)
            statement = select(*(getattr(mapper.entity, name) for name in names), *keys)
            if with_for_update is not None:
                statement = statement.with_for_update(**with_for_update)
            reading = _Reading(Lookup(session, mapper, token, statement, keys), names, replace)
            for chunk in reading.lookup.chunks(states):
                # The identity map is weak: an object that nobody else holds would not meet its row.
                held = [state.obj() for state in chunk]
                rest, strangers = reading.read(chunk, wanted)
                unmet.update(rest)
                doubtful = doubtful or strangers
                del held
        left = {state: names for state, names in wanted.items() if state in unmet} if unmet else {}
        return absent_rows(session, left, with_for_update, doubtful=doubtful)


def _by_class(wanted: Wanted) -> Mapping[tuple[Mapper[Any], Any], list[State]]:
    """What one statement can read: objects of one class and identity token."""
    by_class: defaultdict[tuple[Mapper[Any], Any], list[State]] = defaultdict(list)
    for state, names in wanted.items():
        if names:
            # The state's own mapper: selecting a base class would leave the columns of subclasses unloaded.
            by_class[state.mapper, state.identity_token].append(state)
    return by_class


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads some columns of one class, behind which the lookup has the primary key."""

    lookup: Lookup
    names: tuple[str, ...]
    replace: bool

    def read(self, chunk: Iterable[State], wanted: Wanted) -> tuple[Iterable[State], bool]:
        """Read the rows of some objects; those that met none, and whether there were rows that met no object."""
        states = {key_of(state): state for state in chunk}
        rows = self.lookup.rows(list(states))
        count, plain = len(self.names), self.replace and not self.lookup.mapper.class_manager.dispatch.refresh
        strangers = False
        for row in rows.all():
            state = states.pop(row[count:], None)
            if state is None:
                strangers = True
                continue
            names = wanted[state]
            usual = not (state.committed_state or state.expired_attributes or state.callables)
            if plain and usual and len(names) == count:
                # What _write() would do, in a third of the time; with strict= it would be half.
                state.dict.update(zip(self.names, row))  # noqa: B905
            else:
                self._write(state, row, names)
        return states.values(), strangers

    def _write(self, state: State, row: Iterable[Any], wanted: Collection[str]) -> None:
        values, changes = state.dict, state.committed_state
        read = dict(zip(self.names, row, strict=False))
        if len(wanted) < len(read):
            read = {name: value for name, value in read.items() if name in wanted}
        if not self.replace:
            read = {name: value for name, value in read.items() if name not in values and name not in changes}
        values.update(read)
        refresh = state.mapper.class_manager.dispatch.refresh
        if read and refresh:
            # MutableDict and composite() live by this event.  It has no context where SQLAlchemy fires it for the read
            # of a composite, either.
            refresh(state, None, list(read))
        if state.expired_attributes:
            state.expired = False
            state.expired_attributes.difference_update(read)
        if changes or state.callables:
            for name in read:
                changes.pop(name, None)
                if name in state.callables:
                    del state.callables[name]


def absent_rows(
    session: Session, unmet: Wanted, with_for_update: Mapping[str, Any] | None = None, *, doubtful: bool
) -> list[State]:
    """Which of the objects that a statement did not meet have no row; the others get these attributes now.

    Args:
        session: Their session.
        unmet: The objects, and what was to be loaded.
        with_for_update: Arguments of ``Select.with_for_update``.
        doubtful: There were rows that met no object: keys that are equal for the database are not always so for Python,
            as ``CHAR`` with and without the blanks at its end.
    """
    # A listener may have added criteria, as the recipe for soft deletion does; it leaves a refresh alone.
    if not (doubtful or session.dispatch.do_orm_execute):
        return list(unmet)
    return [state for state, names in unmet.items() if not _refreshes(session, state, names, with_for_update)]


def _refreshes(
    session: Session, state: State, names: Collection[str], with_for_update: Mapping[str, Any] | None
) -> bool:
    obj = state.obj()
    lock = None if with_for_update is None else ForUpdateArg(**with_for_update)
    try:
        if obj is not None:
            session.refresh(obj, names, lock)
    except InvalidRequestError:
        return False
    return True


def key_of(state: State) -> Key:
    """The primary key of an object that has an identity."""
    assert state.key is not None
    return state.key[1]
