"""Queries, their results, and collections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow import lifetimes, loading, results
from outlive.check.flow.arguments import Given
from outlive.check.flow.elements import is_none, item, join
from outlive.check.flow.frames import Frame
from outlive.check.flow.log import Note
from outlive.check.flow.observations import Exit
from outlive.check.flow.state import VAGUE, State
from outlive.check.flow.values import (
    SOME,
    UNKNOWN,
    ClassValue,
    Const,
    Every,
    Group,
    Load,
    Many,
    Mapped,
    Member,
    Query,
    Ref,
    Rows,
    Spot,
    Value,
)

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


_HARMLESS = frozenset(
    {
        "all", "execution_options", "from_statement", "options", "order_by", "populate_existing", "unique",
        "with_for_update", "yield_per",
    }
)  # fmt: skip
"""Methods after which a query asks for the same rows, or for what only the database can tell."""

_ONLY = frozenset({"one", "one_or_none", "scalar_one", "scalar_one_or_none"})
"""They raise if there is more than one row."""

_OTHER_COLUMNS = frozenset(
    {
        "add_columns", "alias", "cte", "exists", "scalar_subquery", "subquery", "union", "union_all",
        "values", "with_entities", "with_only_columns",
    }
)  # fmt: skip


def iterated(run: Interpreter, value: Value, state: State, frame: Frame, span: int) -> Value:
    """What iterating over a value gives: a legacy query runs, a result yields its rows."""
    if isinstance(value, Query) and value.kind == "query":
        rows = run_query(run, value, state, frame, span)
        return results.all_of(state, rows.scalar if len(value.entities) == 1 else rows.row)
    if isinstance(value, Rows):
        _note_spent(run, value, state, Spot(frame.id, span))
        return results.all_of(state, value.row)
    return value


def _note_spent(run: Interpreter, rows: Rows, state: State, spot: Spot) -> None:
    """The session of a result is closed: what it makes of a row has no place any more."""
    obj = state.object(rows.row.oid) if isinstance(rows.row, Ref) else None
    if obj is not None and isinstance(rows.row, Ref) and obj.exit is not None and obj.exit[0] is Exit.CLOSE:
        run.log.raised(Note("spent", spot, "", obj, exit=obj.exit, cause=obj.exit[1], oid=rows.row.oid), state)


def run_query(run: Interpreter, query: Query, state: State, frame: Frame, span: int) -> Rows:
    spot = Spot(frame.id, span)
    if query.sid is not None:
        lifetimes.begin(state, query.sid, spot)
        lifetimes.autoflush(state, query.sid, spot)
    return results.rows_of(run, state, query.sid, query, spot)


def condition(values: Sequence[Value], how: str) -> Value:
    """``Author.id == key``, ``Author.id < key``, ``Book.price + 1``: the column, and what it is to be equal to.

    Of literals and members of enumerations, whether they are equal, or in a list; of a dict whether it has a key.
    """
    if how in ("none", "some"):
        known = is_none(values[0])
        return UNKNOWN if known is None else Const(known == (how == "none"))
    if how == "in":
        return _is_in(values[0], values[1])
    if how == "equal" and len(values) == 2 and all(isinstance(value, (Const, Member)) for value in values):
        return Const(values[0] == values[1]) if type(values[0]) is type(values[1]) else UNKNOWN
    column = next((value for value in values if isinstance(value, Mapped)), None)
    if column is None or how not in ("add", "compare", "equal", "join"):
        return UNKNOWN
    if how in ("add", "join"):
        return replace(column, equals=None)
    other = values[1] if values[0] is column else values[0]
    if isinstance(other, Mapped):
        return column
    return replace(column, equals=other if how == "equal" else SOME)


def _is_in(value: Value, container: Value) -> Value:
    if not isinstance(value, (Const, Member)) or not isinstance(container, Group):
        return UNKNOWN
    if container.names:
        return Const(True) if isinstance(value, Const) and value.value in container.names else UNKNOWN
    return Const(value in container.items) if all(type(item) is type(value) for item in container.items) else UNKNOWN


def narrowed(run: Interpreter, query: Query, name: str, given: Given) -> Query:
    """What ``where``, ``filter_by``, a join or a limit leave of the rows that a query asks for."""
    first = query.entities[0] if query.entities else UNKNOWN
    entity = run.entities.get(first.symbol) if isinstance(first, ClassValue) else None
    if entity is None or name in _HARMLESS:
        return query
    key: Value | None = None if isinstance(query.key, Every) else query.key
    asked: list[Value | None] = []
    if name == "filter_by":
        asked = [] if query.joined else [value for word, value in given.keywords if word == entity.key]
    elif name in ("where", "filter"):
        own = [each for each in given.args if isinstance(each, Mapped) and each.name == entity.key]
        asked = [each.equals for each in own if each.owner in entity.lineage]
    equal = [value for value in asked if value is not None and value != SOME]
    if equal:
        key = equal[0]
    elif isinstance(query.key, Every) and asked == [SOME] * len(given.args) and asked and not given.starred:
        key = SOME
    return replace(query, key=key, joined=query.joined or "join" in name)


def _restricted(values: Sequence[Value]) -> Iterator[str]:
    """The columns in conditions."""
    for value in values:
        if isinstance(value, Mapped):
            yield value.name
        elif isinstance(value, Group):
            yield from _restricted(value.items)


def query_method(run: Interpreter, node: ir.Call, given: Given, query: Query) -> Value:
    state, name = given.state, node.method
    query = narrowed(run, query, name, given)
    if name == "options":
        return replace(query, load=loading.with_options(query.load, given.args, given.starred))
    if name in ("where", "filter", "filter_by"):
        names = {word for word, _ in given.keywords} if name == "filter_by" else set(_restricted(given.args))
        return replace(query, load=query.load.merged(Load(keyed=frozenset(names))))
    if query.kind == "change":
        return replace(query, returning=query.returning + tuple(given.args)) if name == "returning" else query
    if name in ("with_entities", "with_only_columns") and given.args and not given.starred:
        if query.entities[:1] != (given.args[0],):
            # What was said so far is about other rows.
            query = replace(query, load=Load(), key=None, spot=Spot(given.frame.id, node.span))
        return replace(query, entities=tuple(given.args))
    if name in _OTHER_COLUMNS:
        return replace(query, entities=(UNKNOWN,))
    if name in ("execution_options", "populate_existing", "from_statement"):
        return query
    if query.kind != "query":
        return query
    if name in ("update", "delete", "count"):
        if query.sid is not None:
            lifetimes.refuses(state, query.sid)
            if name == "delete":
                results.delete_rows(state, query.sid, query)
            for oid, obj in state.of_session(query.sid):
                if obj.columns.loss is None:
                    state.objects[oid] = replace(obj, columns=VAGUE)
            if name != "count":
                lifetimes.change(state, query.sid, Spot(given.frame.id, node.span))
        return UNKNOWN
    if name in ("get", "get_or_404") and given.args:
        query = replace(query, key=given.args[0])
    rows = None
    if name in (
        "all",
        "first",
        "one",
        "one_or_none",
        "get",
        "scalar",
        "get_or_404",
        "first_or_404",
        "one_or_404",
        "paginate",
        "yield_per",
    ):
        rows = run_query(run, query, state, given.frame, node.span)
        one = rows.scalar if len(query.entities) == 1 or name == "scalar" else rows.row
        if name in ("all", "yield_per"):
            return results.all_of(state, one)
        spot = Spot(given.frame.id, node.span)
        return UNKNOWN if name == "paginate" else results.one_of(run, state, one, spot, name in _ONLY)
    return query


def rows_method(run: Interpreter, rows: Rows, name: str, given: Given, span: int) -> Value:
    spot = Spot(given.frame.id, span)
    if name == "scalars":
        return Rows(rows.scalar, rows.scalar)
    if name in ("scalar", "scalar_one", "scalar_one_or_none"):
        return results.one_of(run, given.state, rows.scalar, spot, name in _ONLY)
    if name in ("all", "fetchall", "partitions"):
        return results.all_of(given.state, rows.row)
    if name in ("one", "first", "one_or_none", "fetchone"):
        return results.one_of(run, given.state, rows.row, spot, name in _ONLY)
    if name in ("unique", "tuples", "yield_per", "freeze"):
        return rows
    return UNKNOWN


def collection_method(base: Many | Group, name: str, given: Given) -> Value:
    if name in ("pop", "popleft"):
        return item(base, given.args[0] if given.args else UNKNOWN)
    if name in ("copy", "values", "union", "keys"):
        return base if name != "values" else Many(item(base, UNKNOWN))
    if name == "get":
        return item(base, given.args[0]) if given.args else UNKNOWN
    if name == "items":
        return Many(Group((UNKNOWN, item(base, UNKNOWN))))
    if name == "setdefault" and len(given.args) == 2:
        return join(item(base, given.args[0]), given.args[1])
    return UNKNOWN
