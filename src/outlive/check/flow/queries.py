"""Queries, their results, and collections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from outlive.check import ir
from outlive.check.flow import lifetimes, loading, results
from outlive.check.flow.arguments import Given
from outlive.check.flow.elements import item
from outlive.check.flow.frames import Frame
from outlive.check.flow.state import VAGUE, State
from outlive.check.flow.values import UNKNOWN, Group, Load, Many, Mapped, Query, Rows, Spot, Value

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


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
        return Many(rows.scalar if len(value.entities) == 1 else rows.row)
    if isinstance(value, Rows):
        return Many(value.row)
    return value


def run_query(run: Interpreter, query: Query, state: State, frame: Frame, span: int) -> Rows:
    spot = Spot(frame.id, span)
    if query.sid is not None:
        lifetimes.begin(state, query.sid)
        lifetimes.autoflush(state, query.sid, spot)
    return results.rows_of(run, state, query.sid, query, spot)


def _restricted(values: Sequence[Value]) -> Iterator[str]:
    """The columns in conditions."""
    for value in values:
        if isinstance(value, Mapped):
            yield value.name
        elif isinstance(value, Group):
            yield from _restricted(value.items)


def query_method(run: Interpreter, node: ir.Call, given: Given, query: Query) -> Value:
    state, name = given.state, node.method
    if name == "options":
        return replace(query, load=loading.with_options(query.load, given.args, given.starred))
    if name in ("where", "filter", "filter_by"):
        names = {word for word, _ in given.keywords} if name == "filter_by" else set(_restricted(given.args))
        return replace(query, load=query.load.merged(Load(keyed=frozenset(names))))
    if name in _OTHER_COLUMNS:
        return replace(query, entities=(UNKNOWN,))
    if name in ("execution_options", "populate_existing", "from_statement"):
        return query
    if query.kind != "query":
        return query
    if name in ("update", "delete", "count"):
        if query.sid is not None:
            for oid, obj in state.of_session(query.sid):
                if obj.columns.loss is None:
                    state.objects[oid] = replace(obj, columns=VAGUE)
        return UNKNOWN
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
        if name == "all":
            return Many(one)
        return UNKNOWN if name == "paginate" else Many(one) if name == "yield_per" else one
    return query


def rows_method(rows: Rows, name: str) -> Value:
    if name == "scalars":
        return Rows(rows.scalar, rows.scalar)
    if name in ("scalar", "scalar_one", "scalar_one_or_none"):
        return rows.scalar
    if name in ("all", "fetchall", "partitions"):
        return Many(rows.row)
    if name in ("one", "first", "one_or_none", "fetchone"):
        return rows.row
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
    return UNKNOWN
