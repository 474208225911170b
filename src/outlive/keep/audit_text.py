"""An audit for people: a table of what would fail, and below it what to do, ready to paste."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect
from sqlalchemy.orm import Mapper

from outlive.lifecycle.causes import Cause

if TYPE_CHECKING:
    from outlive.keep.audits import AuditRow

    Rows = Sequence[AuditRow]

_WIDTH = 50
"""Columns of a terminal for the names in a line, and for the key; what is longer is cut."""
_MOST_LINES = 12
_MOST_REMEDIES = 5
_FEW_COLUMNS = 3
"""Expired columns of a class that one still names one by one."""
_LEFT_OUT = frozenset({Cause.NEVER_LOADED, Cause.DEFERRED})


def table(rows: Rows, objects: int, *, is_async: bool) -> str:
    """The whole audit: a heading, the table, the remedies."""
    if not objects:
        return "There was no object to look at. A session holds only those that the program still refers to."
    if not rows:
        return f"{_counted(objects, 'object')} can be read once the session is closed: nothing would fail."
    head = ("Class", "Attributes", "Why", "Objects", "For example")
    lines = _aligned([head, *_cells(rows)])
    return "\n".join([_heading(rows), "", *lines, "", *_remedies(rows, is_async=is_async)])


def failure(rows: Rows, *, is_async: bool) -> str:
    """The message of an error: as ``table``, with a dozen lines and the shortest remedy."""
    lines = list(_aligned(list(_cells(rows))))
    remedies = list(_load_before(rows, is_async=is_async))
    return "\n".join([_heading(rows), *_first(_MOST_LINES, lines), *_first(_MOST_REMEDIES, remedies)])


def _first(most: int, lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:most]
    if len(lines) > most:
        yield f"  and {len(lines) - most} more"


def _heading(rows: Rows) -> str:
    reads = sum(len(row.identity_keys) for row in rows)
    return f"{_counted(reads, 'read')} would fail once the session is closed:"


def _cells(rows: Rows) -> Iterator[tuple[str, ...]]:
    """Attributes that the same objects lack for the same reason stand in one line."""
    lines: dict[AuditRow, list[str]] = {}
    for row in rows:
        lines.setdefault(replace(row, attribute=""), []).append(row.attribute)
    for row, names in lines.items():
        count = f"{len(row.identity_keys):,}"
        yield row.entity.__name__, _listed(names), row.cause, count, _example(row.identity_keys[0])


def _listed(names: Sequence[str]) -> str:
    for shown in range(len(names), 1, -1):
        rest = f" and {len(names) - shown} more" if shown < len(names) else ""
        text = ", ".join(names[:shown]) + rest
        if _width(text) <= _WIDTH:
            return text
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _example(identity_key: tuple[object, ...] | None) -> str:
    shown = "without a row" if identity_key is None else repr(identity_key)
    return shown if len(shown) <= _WIDTH else f"{shown[: _WIDTH - 1]}…"


def _aligned(lines: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    for entity, names, why, count, example in lines:
        left = (text + " " * (width - _width(text)) for text, width in zip((entity, names, why), widths, strict=False))
        yield "  ".join(["", *left, f"{count:>{widths[3]}}", example])


def _width(text: str) -> int:
    """Columns in a terminal: East Asian wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - only for text that needs it

    return cell_len(text)


def _remedies(rows: Rows, *, is_async: bool) -> Iterator[str]:
    yield from _load_before(rows, is_async=is_async)
    if queries := [query for mapper, its in _by_class(rows) for query in _with_query(mapper, its)]:
        yield "What no query has loaded can come with the query:"
        yield from (f"  {query}" for query in queries)
    causes = {row.cause for row in rows}
    if Cause.COMMIT in causes:
        yield "What the commit erased stays without `expire_on_commit=True`."
    if Cause.UNKNOWN in causes:
        factory = "async_sessionmaker" if is_async else "sessionmaker"
        yield "What is unknown was expired where nobody watched;"
        yield f"a session of outlive.{factory} keeps it at a commit, and names what else erases it."


def _load_before(rows: Rows, *, is_async: bool) -> Iterator[str]:
    yield "Load it while the session is open:"
    wait = "await " if is_async else ""
    for mapper, its in _by_class(rows):
        objs = _variable(mapper.class_.__name__)
        erased = {row.attribute for row in its if row.cause not in _LEFT_OUT}
        refreshes = len(erased & _plain_columns(mapper)) > _FEW_COLUMNS
        if refreshes:
            yield f"  {wait}refresh_all(session, {objs})"
        rest = [row for row in its if not (refreshes and _comes_with_refresh(mapper, row))]
        if names := _without_parts(mapper, rest):
            paths = ", ".join(f"{mapper.class_.__name__}.{name}" for name in names)
            yield f"  {wait}ensure_loaded(session, {objs}, {paths})"


def _with_query(mapper: Mapper[Any], rows: Rows) -> Iterator[str]:
    """The queries that would have loaded what was left out."""
    entity, base = mapper.class_.__name__, mapper.base_mapper
    left_out = [row.attribute for row in rows if row.cause in _LEFT_OUT and row.attribute not in mapper.composites]
    of_subclass = [name for name in left_out if name in _plain_columns(mapper) and name not in base.column_attrs]
    if of_subclass:
        yield f"select({base.class_.__name__}).options(selectin_polymorphic({base.class_.__name__}, [{entity}]))"
    options = [
        f"{'selectinload' if name in mapper.relationships else 'undefer'}({entity}.{name})"
        for name in left_out
        if name not in of_subclass
    ]
    if options:
        yield f"select({entity}).options({', '.join(options)})"


def _by_class(rows: Rows) -> Iterator[tuple[Mapper[Any], Rows]]:
    for entity in dict.fromkeys(row.entity for row in rows):
        yield inspect(entity), [row for row in rows if row.entity is entity]


def _plain_columns(mapper: Mapper[Any]) -> set[str]:
    return {column.key for column in mapper.column_attrs if not column.deferred}


def _comes_with_refresh(mapper: Mapper[Any], row: AuditRow) -> bool:
    names = _without_composites(mapper, [row.attribute])
    return row.cause not in _LEFT_OUT and names <= _plain_columns(mapper)


def _without_composites(mapper: Mapper[Any], names: Iterable[str]) -> set[str]:
    """The attributes, a composite value as those that it is made of."""
    parts = {name: [part.key for part in mapper.composites[name].props] for name in names if name in mapper.composites}
    return {part for name in names for part in parts.get(name, [name])}


def _without_parts(mapper: Mapper[Any], rows: Rows) -> list[str]:
    """The attributes, each once, a composite value in place of those that it is made of."""
    names = dict.fromkeys(row.attribute for row in rows)
    composites = [name for name in names if name in mapper.composites]
    parts = _without_composites(mapper, composites)
    return [name for name in names if name not in parts]


def _variable(entity: str) -> str:
    """``orders`` for ``Order``, as people name a list of them."""
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", entity).lower()
    if word.endswith(("s", "x", "ch", "sh")):
        return f"{word}es"
    return f"{word[:-1]}ies" if re.search(r"[^aeiou]y$", word) else f"{word}s"


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'s' if number != 1 else ''}"
