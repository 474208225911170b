"""Text edits that hazards offer: each a few characters in the original source."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

from outlive.check.findings import Edit, Fix, Safety
from outlive.check.lower.newer import parse
from outlive.check.program import Module
from outlive.check.source import Source
from outlive.lifecycle.places import Place


def insertion(place: Place, text: str) -> Edit:
    """Insert before the place."""
    return Edit(Place(place.filename, place.line, place.column, place.line, place.column), text)


def _end(source: Source, span: int) -> tuple[int, int]:
    place = source.place(span)
    assert place.end_line is not None
    assert place.end_column is not None
    return place.end_line, place.end_column


def add_argument(source: Source, span: int, argument: str) -> Edit:
    """Add an argument to the call that the span covers, before its closing parenthesis."""
    line, column = _end(source, span)
    place = Place(source.filename, line, column - 1)
    before = source.lines[line - 1][: column - 2]
    start = source.place(span).line
    # What stands before the parenthesis, over lines and without comments, decides whether a comma is due.
    while not before.strip() and line > start:
        line -= 1
        before = source.lines[line - 1].partition("#")[0]
    before = before.rstrip()
    if before.endswith("("):
        return insertion(place, argument)
    if line != place.line:
        end = Place(source.filename, line, len(before) + 1)
        return insertion(end, f" {argument}," if before.endswith(",") else f", {argument}")
    return insertion(place, f" {argument}" if before.endswith(",") else f", {argument}")


def load_with_query(
    source: Source, module: Module, span: int, chain: list[tuple[str, str]], is_relationship: bool
) -> Fix | None:
    """Add a loader option to the query that the span covers."""
    call = source.slice(span)
    function = call.partition("(")[0].rpartition(".")[2]
    *path, last = chain
    names = ["selectinload"] * len(path) + ["selectinload" if is_relationship else "undefer"]
    parts = [f"{name}({entity}.{attribute})" for name, (entity, attribute) in zip(names, [*path, last], strict=True)]
    option = ".".join(parts)
    edits: list[Edit] = []
    if function in ("select", "query"):
        line, column = _end(source, span)
        edits.append(insertion(Place(source.filename, line, column), f".options({option})"))
    elif function in ("get", "get_one") and "options" not in call:
        edits.append(add_argument(source, span, f"options=[{option}]"))
    else:
        return None
    missing = [name for name in dict.fromkeys(names[:1] if path else names) if name not in module.facts.imports]
    if missing:
        edits.append(_import(source, missing))
    return Fix(tuple(edits), Safety.REVIEW, f"load `{last[1]}` with the query")


def _import(source: Source, names: list[str]) -> Edit:
    place = Place(source.filename, _line_after_imports(source.text), 1)
    return insertion(place, f"from sqlalchemy.orm import {', '.join(sorted(names))}{source.newline}")


# Findings come file by file: a file with many of them is parsed once.
@lru_cache(maxsize=1)
def _line_after_imports(text: str) -> int:
    line = 1
    for statement in parse(text)[0].body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)) or (
            isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and line == 1
        ):
            line = (statement.end_lineno or statement.lineno) + 1
        elif line > 1:
            break
    return line


def callee(call: str) -> str:
    """``get_loop().create_task`` of ``get_loop().create_task(work())``."""
    try:
        node = ast.parse(call, mode="eval").body
    except SyntaxError:
        return call.partition("(")[0]
    return ast.unparse(node.func) if isinstance(node, ast.Call) else call


def first_argument(call: str) -> str:
    """``obj`` of ``session.merge(obj, load=False)``, where it is a plain name."""
    inside = call.partition("(")[2].rpartition(")")[0]
    return inside.partition(",")[0].strip()


def name_of(argument: str, entity: str) -> str:
    """The object in ``[order]``, ``(order, 5)`` or ``{"order": order}``; of several names, the one like the class."""
    names = [name for name in re.split(r"[^\w.]+", re.sub(r"""(["']).*?\1""", "", argument)) if name]
    alike = [name for name in names if name.rpartition(".")[2].lower() == entity.lower()]
    return (alike or names or [argument])[0]


def is_awaited(source: Source, span: int) -> bool:
    place = source.place(span)
    return source.lines[place.line - 1][: place.column - 1].rstrip().endswith("await")


def await_call(source: Source, span: int, safety: Safety) -> Fix:
    """``session.get(...)`` -> ``await session.get(...)``, in parentheses where the expression goes on."""
    place = source.place(span)
    start = Place(source.filename, place.line, place.column)
    line, column = _end(source, span)
    edits = [insertion(start, "await ")]
    rest = "".join((source.lines[line - 1][column - 1 :], *source.lines[line : line + 1])).lstrip()
    if rest.startswith((".", "[", "(")):
        before = source.lines[place.line - 1][: place.column - 1]
        if before.rstrip().endswith("await"):  # It awaits what comes last.
            at = before.rindex("await") + 1
            edits = [insertion(Place(source.filename, place.line, at), "(")]
        else:
            edits = [insertion(start, "(await ")]
        edits.append(insertion(Place(source.filename, line, column), ")"))
    return Fix(tuple(edits), safety, "await the call")


def assign_result(source: Source, span: int, name: str) -> Fix | None:
    """``session.merge(obj)`` -> ``obj = session.merge(obj)``"""
    if not name.isidentifier():
        return None
    place = source.place(span)
    line = source.lines[place.line - 1]
    start = len(line) - len(line.lstrip()) + 1
    prefix = line[start - 1 : place.column - 1].strip()
    if prefix not in ("", "await"):
        return None
    edit = insertion(Place(source.filename, place.line, start), f"{name} = ")
    return Fix((edit,), Safety.REVIEW, "use what `merge` returns")


def flush_after(source: Source, span: int, session: str, is_async: bool) -> Fix | None:
    """A flush on a line of its own after the call that the span covers."""
    place = source.place(span)
    line = source.lines[place.line - 1]
    if line[: place.column - 1].strip() or place.end_line is None:
        return None
    rest = source.lines[place.end_line - 1][(place.end_column or 1) - 1 :].strip()
    if rest and not rest.startswith("#"):
        return None
    indent = line[: len(line) - len(line.lstrip())]
    word = "await " if is_async else ""
    end = Place(source.filename, place.end_line, len(source.lines[place.end_line - 1]) + 1)
    return Fix(
        (insertion(end, f"{source.newline}{indent}{word}{session}.flush()"),), Safety.REVIEW, "flush before the read"
    )
