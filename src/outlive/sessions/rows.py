"""Reads the rows of known objects, one statement per class and chunk.

SQLAlchemy's own loaders write the values, so its ``refresh`` event fires (``MutableDict`` and its like live by it), and
only into attributes that have none: loaded values and pending changes stay what they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, inspect, or_, select, tuple_
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import InstanceState, Mapper, Session, defer, lazyload, undefer
from sqlalchemy.orm.interfaces import ORMOption

from outlive.sessions.expiry import expired_by_user

T = TypeVar("T")
EAGER = frozenset({"immediate", "joined", "selectin", "subquery", False})
"""What ``RelationshipProperty.lazy`` says of relationships that load with their object."""

CHUNK = 500
"""Rows per statement: below SQLite's oldest limit of 999 parameters, also for a key of two columns."""


def load_columns(
    session: Session,
    wanted: Mapping[InstanceState[Any], Collection[str]],
    with_for_update: Mapping[str, Any] | None = None,
) -> list[InstanceState[Any]]:
    """Load columns of persistent objects that have no value for them.

    A column that is loaded, or has a pending change, keeps it.  What another object of the same class wants may be
    loaded too, unless the user has expired it.  Never flushes.

    Args:
        session: The session that all objects belong to.
        wanted: For each state the names of the column attributes to load; no statement is sent for an empty one.
        with_for_update: Arguments of ``Select.with_for_update``.

    Returns:
        The states whose rows no longer exist, in the order of ``wanted``.
    """
    found: set[InstanceState[Any]] = set()
    with session.no_autoflush:
        for (mapper, token, names), states in _groups(wanted).items():
            options = column_options(mapper, names)
            for chunk in chunks(states):
                # The identity map is weak: an object that nobody else holds would not meet its row.
                held = [state.obj() for state in chunk]
                statement = rows_of(session, mapper, [state.key[1] for state in chunk if state.key]).options(*options)
                if with_for_update is not None:
                    statement = statement.with_for_update(**with_for_update)
                tokens = {} if token is None else {"identity_token": token}
                with keeping_callables(chunk):
                    found.update(inspect(obj) for obj in session.scalars(statement, execution_options=tokens))
                del held
        return absent_rows(session, {state: names for state, names in wanted.items() if names and state not in found})


def absent_rows(session: Session, unmet: Mapping[InstanceState[Any], Collection[str]]) -> list[InstanceState[Any]]:
    """Which of the objects that a statement did not meet have no row; the others get these attributes now.

    A listener may have added criteria, as the recipe for soft deletion does; it leaves a refresh alone.
    """
    if not session.dispatch.do_orm_execute:
        return list(unmet)
    return [state for state, names in unmet.items() if not _refreshes(session, state, names)]


@contextmanager
def keeping_callables(states: Iterable[InstanceState[Any]]) -> Generator[None]:
    """Keep how the attributes of these objects load that get no value within the block.

    ``defer`` would make each of them load on its own from now on: no more what the query of the object has said of it,
    ``defer(..., raiseload=True)``, and an attribute that was never set would no longer be ``None`` once it is detached.
    SQLAlchemy has no public access to it.
    """
    before = [(state, dict(state.callables)) for state in states]
    try:
        yield
    finally:
        for state, callables in before:
            kept = {name: loader for name, loader in callables.items() if name not in state.dict}
            if kept or state.callables:
                state.callables = kept


def rows_of(session: Session, mapper: Mapper[Any], identities: Sequence[tuple[Any, ...]]) -> Select[Any]:
    """The statement that selects the objects with these primary keys."""
    keys = [getattr(mapper.entity, mapper.get_property_by_column(column).key) for column in mapper.primary_key]
    return select(mapper.entity).where(is_one_of(session, mapper, keys, identities))


def is_one_of(
    session: Session,
    mapper: Mapper[Any],
    columns: Sequence[ColumnElement[Any]],
    rows: Sequence[tuple[Any, ...]],
) -> ColumnElement[bool]:
    """The condition that these columns have the values of one of the rows, for a statement that selects the mapper."""
    if len(columns) == 1:
        return columns[0].in_([row[0] for row in rows])
    if session.get_bind(mapper).dialect.tuple_in_values and not any(None in row for row in rows):
        return tuple_(*columns).in_(rows)
    return or_(*(and_(*(column == value for column, value in zip(columns, row, strict=True))) for row in rows))


def column_options(mapper: Mapper[Any], names: Collection[str]) -> Iterator[ORMOption]:
    """Loader options with which a statement loads these columns and no others, and no relationship but those named.

    ``load_only`` and ``lazyload("*")`` would be shorter, and would take from the objects the protection of
    ``deferred_raiseload`` and ``lazy="raise"`` for good.
    """
    needed = {mapper.get_property_by_column(column).key for column in mapper.primary_key}
    for column in mapper.column_attrs:
        if column.key in names:
            if column.deferred:
                yield undefer(getattr(mapper.entity, column.key))
        elif not column.deferred and column.key not in needed:
            yield defer(getattr(mapper.entity, column.key))
    for relation in mapper.relationships:
        if relation.lazy in EAGER and relation.key not in names:
            yield lazyload(getattr(mapper.entity, relation.key))


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The items in lists of at most ``size``."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk


def _groups(
    wanted: Mapping[InstanceState[Any], Collection[str]],
) -> dict[tuple[Mapper[Any], Any, frozenset[str]], list[InstanceState[Any]]]:
    """What one statement can load: a mapper, an identity token, the names, and the states."""
    by_class: defaultdict[tuple[Mapper[Any], Any], list[InstanceState[Any]]] = defaultdict(list)
    for state, names in wanted.items():
        if names:
            # The state's own mapper: selecting a base class would leave the columns of subclasses unloaded.
            by_class[state.mapper, state.identity_token].append(state)
    groups: defaultdict[tuple[Mapper[Any], Any, frozenset[str]], list[InstanceState[Any]]] = defaultdict(list)
    for (mapper, token), states in by_class.items():
        union = frozenset[str]().union(*(wanted[state] for state in states))
        for state in states:
            spared = expired_by_user(state).intersection(union).difference(wanted[state])
            groups[mapper, token, union - spared].append(state)
    return groups


def _refreshes(session: Session, state: InstanceState[Any], names: Collection[str]) -> bool:
    try:
        session.refresh(state.obj(), names)
    except InvalidRequestError:
        return False
    return True
