"""Lets an UPDATE of one row return what the database computed, so that nothing is left to be fetched.

SQLAlchemy's ``eager_defaults=True`` does it for a mapped class in every session, and at the price of one statement per
row.  Here it is done for one flush, and for those UPDATE statements that have a single row anyhow.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, TypeAlias
from weakref import WeakSet

from sqlalchemy import Column, Connection, Engine, Table, Update, event
from sqlalchemy.orm import InstanceState, Session
from sqlalchemy.orm.attributes import get_history
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE

from outlive.sessions.mapped import server_columns

Wanted: TypeAlias = dict[Connection, dict[Table, set[Column[Any]]]]

_flushing: Wanted = {}
"""What the statements of a connection are to return, while a session flushes on it."""
_listening: WeakSet[Engine] = WeakSet()


def columns_to_return(session: Session, changed: Iterable[InstanceState[Any]]) -> Wanted:
    """The columns that a flush of these objects would leave expired, of tables that can return them."""
    wanted: Wanted = {}
    # A sharded session has a connection for each object, not for each class.
    if session.connection_callable is None:
        for state in changed:
            columns = _computed_columns(state)
            if columns and _has_changes(state):
                connection = session.connection(bind_arguments={"mapper": state.mapper})
                if connection.dialect.update_returning:
                    tables = wanted.setdefault(connection, {})
                    for column in columns:
                        tables.setdefault(column.table, set()).add(column)
    return wanted


@contextmanager
def returning(wanted: Wanted) -> Generator[None]:
    """Add RETURNING to the single-row UPDATE statements of these tables within the block."""
    for connection in wanted:
        # One listener for the life of the engine: to add and to remove one costs more than the statement.
        if connection.engine not in _listening:
            event.listen(connection.engine, "before_execute", _add_returning, retval=True)
            _listening.add(connection.engine)
    _flushing.update(wanted)
    try:
        yield
    finally:
        for connection in wanted:
            del _flushing[connection]


def _has_changes(state: InstanceState[Any]) -> bool:
    # Session.is_modified() would load the deferred columns of a composite(), and so begin another flush.
    return any(get_history(state.obj(), name, PASSIVE_NO_INITIALIZE).has_changes() for name in state.committed_state)


def _computed_columns(state: InstanceState[Any]) -> set[Column[Any]]:
    """The columns whose value after an UPDATE of this object only the database knows."""
    by_table = server_columns(state.mapper)
    computed = set[Column[Any]]().union(*by_table.values())
    for name in state.committed_state:
        if hasattr(state.dict.get(name), "__clause_element__") and name in state.mapper.column_attrs:
            columns = state.mapper.column_attrs[name].columns
            computed.update(column for column in columns if isinstance(column, Column) and column.table in by_table)
    return computed


def _add_returning(
    connection: Connection,
    statement: Any,
    multiparams: Any,
    params: Any,
    execution_options: Any,  # noqa: ARG001
) -> tuple[Any, Any, Any]:
    wanted = _flushing.get(connection)
    if wanted and isinstance(statement, Update) and len(multiparams) <= 1:
        table: Any = statement.table
        if columns := wanted.get(table):
            statement = statement.return_defaults(*columns)
    return statement, multiparams, params
