"""Templates as Jinja parses them, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from outlive.check.flow.values import UNKNOWN, Spot, Value
from outlive.check.program import Module
from outlive.check.source import Source, pack

if TYPE_CHECKING:
    from jinja2 import nodes

    from outlive.check.flow.interpreter import Interpreter

_EXTENSIONS = ("jinja2.ext.do", "jinja2.ext.i18n", "jinja2.ext.loopcontrols")


@cache
def parse(text: str) -> nodes.Template | None:
    """The tree of a template; ``None`` if Jinja cannot parse it as it comes, or is not installed."""
    try:
        from jinja2 import Environment, TemplateError  # noqa: PLC0415  who has no templates needs none
    except ImportError:
        return None
    try:
        return Environment(extensions=_EXTENSIONS).parse(text)  # noqa: S701  nothing is rendered
    except (TemplateError, RecursionError):
        return None


def page_of(run: Interpreter, module: Module, name: str) -> Page | None:
    source = run.templates.find(module.filename, name)
    tree = parse(source.text) if source is not None else None
    if source is None or tree is None:
        return None
    return Page(tree, module, source, run.frame_id(-1, 0, run.templates.modules[source.filename], -1), 0)


class Page(Struct, frozen=True, eq=False):
    """A parsed template.

    Attributes:
        module: The module that renders it, from which other templates are looked for.
        source: Its file; ``None`` for a text in the program.
        frame: Of the file that it stands in.
        span: Of the text in the program.
    """

    tree: nodes.Template
    module: Module
    source: Source | None
    frame: int
    span: int

    def spot(self, line: int, name: str) -> Spot:
        """Where a name is read."""
        if self.source is None:
            return Spot(self.frame, self.span)
        text = self.source.lines[line - 1] if line <= len(self.source.lines) else ""
        found = re.search(rf"\b{re.escape(name)}\b", text)
        first, last = found.span() if found else (0, len(text))
        return Spot(self.frame, pack(line, len(text[:first].encode()), line, len(text[:last].encode())))


class Macro(Struct, frozen=True, eq=False):
    """``{% macro show(order) %}``"""

    node: nodes.Macro
    page: Page


class Library(Struct, frozen=True, eq=False):
    """``{% import "macros.html" as macros %}``"""

    macros: Mapping[str, Macro]


Names: TypeAlias = "dict[str, Value | Macro | Library]"


def plain(value: Value | Macro | Library) -> Value:
    return UNKNOWN if isinstance(value, (Macro, Library)) else value
