"""Reads the rows of known objects, one statement per class and chunk.

The values are written as SQLAlchemy's loaders write those of an object that is already there, and only what was asked
for: what the query of an object has said of its other attributes stays in force.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, Select, and_, or_, select, tuple_
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import InstanceState, Mapper, Session
from sqlalchemy.sql.selectable import ForUpdateArg

T = TypeVar("T")
State: TypeAlias = InstanceState[Any]
Wanted: TypeAlias = Mapping[State, Collection[str]]
"""Objects, each with the names of attributes."""
Key: TypeAlias = tuple[Any, ...]
"""A primary key, or what refers to it, in the order of its columns."""

CHUNK = 500
"""Rows per statement: below SQLite's oldest limit of 999 parameters, also for a key of two columns."""


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
            reading = _Reading(session, mapper, token, names, with_for_update, replace)
            for chunk in chunks(states):
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
    """Reads some columns of one class."""

    session: Session
    mapper: Mapper[Any]
    token: Any
    names: tuple[str, ...]
    with_for_update: Mapping[str, Any] | None
    replace: bool

    def read(self, chunk: Iterable[State], wanted: Wanted) -> tuple[Iterable[State], bool]:
        """Read the rows of some objects; those that met none, and whether there were rows that met no object."""
        states = {key_of(state): state for state in chunk}
        keys = key_columns(self.mapper)
        columns = [getattr(self.mapper.entity, name) for name in self.names]
        statement = select(*columns, *keys).where(is_one_of(self.session, self.mapper, keys, list(states)))
        if self.with_for_update is not None:
            statement = statement.with_for_update(**self.with_for_update)
        options = {} if self.token is None else {"identity_token": self.token}
        rows = self.session.execute(statement, execution_options=options, bind_arguments={"mapper": self.mapper})
        count, plain = len(columns), self.replace and not self.mapper.class_manager.dispatch.refresh
        strangers = False
        for row in rows.all():
            state = states.pop(row[count:], None)
            if state is None:
                strangers = True
                continue
            names = wanted[state]
            usual = not (state.committed_state or state.expired_attributes or state.callables)
            if plain and usual and len(names) == count:
                # What _write() would do, in a third of the time.
                state.dict.update(zip(self.names, row, strict=False))
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
        if read and self.mapper.class_manager.dispatch.refresh:
            # MutableDict and composite() live by this event.  It has no context where SQLAlchemy fires it for the read
            # of a composite, either.
            self.mapper.class_manager.dispatch.refresh(state, None, list(read))
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


def rows_of(session: Session, mapper: Mapper[Any], keys: Sequence[Key]) -> Select[Any]:
    """The statement that selects the objects with these primary keys."""
    return select(mapper.entity).where(is_one_of(session, mapper, key_columns(mapper), keys))


def key_columns(mapper: Mapper[Any]) -> list[Any]:
    """The attributes that hold the primary key, in its order."""
    return [getattr(mapper.entity, mapper.get_property_by_column(column).key) for column in mapper.primary_key]


def key_of(state: State) -> Key:
    """The primary key of an object that has an identity."""
    assert state.key is not None
    return state.key[1]


def is_one_of(
    session: Session,
    mapper: Mapper[Any],
    columns: Sequence[ColumnElement[Any]],
    rows: Sequence[Key],
) -> ColumnElement[bool]:
    """The condition that these columns have the values of one of the rows, for a statement that selects the mapper."""
    if len(columns) == 1:
        return columns[0].in_([row[0] for row in rows])
    if session.get_bind(mapper).dialect.tuple_in_values and not any(None in row for row in rows):
        return tuple_(*columns).in_(rows)
    return or_(*(and_(*(column == value for column, value in zip(columns, row, strict=True))) for row in rows))


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The items in lists of at most ``size``."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
