"""Snapshots as JSON, and back: the values of columns as their types have them, read as data from a stranger.

A message has a table of records, which refer to each other by their places: circles close, and each stands there once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

import msgspec
from sqlalchemy.orm import Mapper
from sqlalchemy.types import TypeEngine

from outlive.keep.frozen import FrozenList, frozen, thawed
from outlive.keep.keys import Encoded, decode, encode
from outlive.keep.layouts import Absent, Layout, Part, Record, related
from outlive.keep.plans import Plan, plan_of
from outlive.keep.snapshots import Snapshot

FORMAT = 1


class _Row(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One snapshot.

    Attributes:
        class_: Module and name.
        key: The primary key, a value for each column; ``None`` if it has none yet.
        values: Of columns; the value of a JSON column or an array stands in a list of one.
        relations: Of relationships: a place in the table, ``None``, or a list of places.
        absent: Why other attributes are not there.
        lost: Columns that were expired.
    """

    class_: str = msgspec.field(name="class")
    key: list[Encoded] | None
    values: dict[str, Encoded | list[Any]]
    relations: dict[str, int | list[int] | None] = {}
    absent: Absent = Absent.UNLOADED
    lost: list[str] = []


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    snapshot: int
    rows: list[_Row]


def write_snapshot(snapshot: Record, mappers: Collection[Mapper[Any]]) -> dict[str, Any]:
    """What stands for a snapshot in a message: JSON.

    Raises:
        TypeError: It has what JSON cannot carry, or what could not be read again; names it and the remedy.
    """
    places: dict[int, tuple[int, Record]] = {}
    ahead = [snapshot]
    while ahead:
        record = ahead.pop()
        if id(record) not in places:
            places[id(record)] = len(places), record
            names = record.outlive_layout.relations
            ahead += [one for name in names for one in related(vars(record)[name])]
    try:
        rows = [_written(record, places, mappers) for _, record in places.values()]
    except ValueError as error:
        title = snapshot.outlive_layout.kind.title(snapshot.outlive_identity)
        raise TypeError(f"the snapshot of {title} cannot be sent: {error}; its to_dict() is plain data") from error
    table: dict[str, Any] = msgspec.to_builtins(_Table(FORMAT, rows))
    return table


def read_snapshot(sent: Any, mappers: Collection[Mapper[Any]]) -> Snapshot[Any]:
    """The snapshot that was written.

    Raises:
        ValueError: It is none of these mappers' classes; says what was expected.
    """
    try:
        table = msgspec.convert(sent, _Table)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
    if table.snapshot != FORMAT or not table.rows:
        raise ValueError(f"its format is {table.snapshot}, and format {FORMAT} is what this release reads")
    found = [_mapper_of(row.class_, mappers) for row in table.rows]
    records = [_read(row, mapper) for row, mapper in zip(table.rows, found, strict=True)]
    for row, mapper, record in zip(table.rows, found, records, strict=True):
        for name, place in row.relations.items():
            vars(record)[name] = _linked(mapper, name, place, found, records)
    return cast("Snapshot[Any]", records[0])


def _mapper_of(name: str, mappers: Collection[Mapper[Any]]) -> Mapper[Any]:
    found = [mapper for mapper in mappers if plan_of(mapper).kind.entity == name]
    if len(found) != 1:
        raise ValueError(f"{len(found) or 'no'} mapped class is {name!r:.200}")
    return found[0]


def _written(record: Record, places: Mapping[int, tuple[int, Record]], mappers: Collection[Mapper[Any]]) -> _Row:
    layout, values = record.outlive_layout, vars(record)
    mapper = _mapper_of(layout.kind.entity, mappers)
    key = record.outlive_identity

    def place(value: Any) -> int | list[int] | None:
        if isinstance(value, Record):
            return places[id(value)][0]
        if isinstance(value, list):
            return [places[id(member)][0] for member in cast("list[Record]", value)]
        if value is not None:
            raise ValueError(f"it has a {type(value).__name__} of objects, and lists alone are carried")
        return None

    return _Row(
        layout.kind.entity,
        None
        if key is None
        else [encode(part, column.type) for part, column in zip(key, mapper.primary_key, strict=True)],
        {name: _encoded(values[name], _type_of(mapper, name), name) for name in layout.columns},
        {name: place(values[name]) for name in layout.relations},
        layout.absent,
        list(layout.lost),
    )


def _read(row: _Row, mapper: Mapper[Any]) -> Record:
    plan = plan_of(mapper)
    _check_names(row, plan)
    types = {name: _type_of(mapper, name) for name in row.values}
    values = {name: _decoded(raw, types[name]) for name, raw in row.values.items()}
    columns = mapper.primary_key
    if row.key is not None and len(row.key) != len(columns):
        raise ValueError(f"{row.class_} has a primary key of {len(columns)}, not {len(row.key)}")
    key = row.key and tuple([decode(raw, column.type) for raw, column in zip(row.key, columns, strict=True)])
    # Made as what lets its attributes be set.
    record: Any = Record()
    record.outlive_layout = Layout(plan.kind, tuple(row.values), tuple(row.relations), row.absent, tuple(row.lost))
    record.outlive_identity = key
    record.__dict__ = values
    record.__class__ = Snapshot
    return cast("Record", record)


def _check_names(row: _Row, plan: Plan) -> None:
    parts = plan.kind.parts
    wrong = [name for name in (*row.values, *row.lost) if parts.get(name) not in {Part.COLUMN, Part.DEFERRED}]
    wrong += [name for name in row.relations if parts.get(name) is not Part.RELATIONSHIP]
    if wrong:
        raise ValueError(f"{row.class_} has no {wrong[0]!r:.200} that a snapshot could have")


def _linked(
    mapper: Mapper[Any], name: str, place: Any, mappers: list[Mapper[Any]], records: list[Record]
) -> Record | FrozenList[Record] | None:
    target = mapper.relationships[name].mapper

    def one(place: int) -> Record:
        if not 0 <= place < len(records) or not mappers[place].isa(target):
            raise ValueError(f"{mapper.class_.__name__}.{name} leads to a {target.class_.__name__}, not to {place}")
        return records[place]

    if isinstance(place, list) is not bool(mapper.relationships[name].uselist):
        raise ValueError(f"{mapper.class_.__name__}.{name} is {'a list' if isinstance(place, int) else 'no list'}")
    if isinstance(place, list):
        return FrozenList([one(member) for member in cast("list[int]", place)])
    return None if place is None else one(place)


def _type_of(mapper: Mapper[Any], name: str) -> TypeEngine[Any]:
    if name not in mapper.column_attrs:
        raise ValueError(f"{name} is no column")
    return mapper.column_attrs[name].columns[0].type


def _encoded(value: Any, type_: TypeEngine[Any], name: str) -> Encoded | list[Any]:
    try:
        if not isinstance(value, (dict, list)):
            return encode(value, type_)
        plain = thawed(value)
        if msgspec.json.decode(msgspec.json.encode(plain)) == plain:
            return [plain]
    except (ValueError, TypeError) as error:
        raise ValueError(f"{name}: {error}") from error
    raise ValueError(f"{name} would not come back the same")


def _decoded(raw: Encoded | list[Any], type_: TypeEngine[Any]) -> Any:
    if isinstance(raw, list):
        [value] = raw
        return frozen(value)
    return decode(raw, type_)
