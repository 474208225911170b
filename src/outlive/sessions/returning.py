"""Lets an UPDATE of one row return what the database computed, so that nothing is left to be fetched.

SQLAlchemy's ``eager_defaults=True`` does it for a mapped class in every session, and at the price of one statement per
row.  Here it is done for one flush, and for those UPDATE statements that have a single row anyhow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Column, Connection, Table, Update, event, inspect
from sqlalchemy.orm import InstanceState, Session

from outlive.sessions.mapped import server_columns


@contextmanager
def returning_server_values(session: Session) -> Generator[None]:
    """Add RETURNING to the single-row UPDATE statements of this session within the block."""
    # A sharded session has a connection for each object, not for each class.
    off = session.expire_on_commit or session.connection_callable is not None
    wanted = {} if off else _wanted(session)
    listeners = [(connection, _adding(columns)) for connection, columns in wanted.items()]
    for connection, listener in listeners:
        event.listen(connection, "before_execute", listener, retval=True)
    try:
        yield
    finally:
        for connection, listener in listeners:
            event.remove(connection, "before_execute", listener)


def _wanted(session: Session) -> dict[Connection, dict[Table, set[Column[Any]]]]:
    """The columns that a flush would leave expired, of tables that can return them."""
    wanted: defaultdict[Connection, defaultdict[Table, set[Column[Any]]]] = defaultdict(lambda: defaultdict(set))
    for obj in session.dirty:
        state = inspect(obj)
        columns = _computed_columns(state)
        if columns and session.is_modified(obj):
            connection = session.connection(bind_arguments={"mapper": state.mapper})
            if connection.dialect.update_returning:
                for column in columns:
                    wanted[connection][column.table].add(column)
    return dict(wanted)


def _computed_columns(state: InstanceState[Any]) -> set[Column[Any]]:
    """The columns whose value after an UPDATE of this object only the database knows."""
    by_table = server_columns(state.mapper)
    computed = {column for columns in by_table.values() for column in columns}
    for name in state.committed_state:
        value = state.dict.get(name)
        if hasattr(value, "__clause_element__") and name in state.mapper.column_attrs:
            columns = state.mapper.column_attrs[name].columns
            computed.update(column for column in columns if isinstance(column, Column) and column.table in by_table)
    return computed


def _adding(wanted: Mapping[Table, set[Column[Any]]]) -> Any:
    def add_returning(
        connection: Connection,  # noqa: ARG001
        statement: Any,
        multiparams: Any,
        params: Any,
        execution_options: Any,  # noqa: ARG001
    ) -> tuple[Any, Any, Any]:
        if isinstance(statement, Update) and len(multiparams) <= 1:
            table: Any = statement.table
            if columns := wanted.get(table):
                statement = statement.return_defaults(*columns)
        return statement, multiparams, params

    return add_returning
