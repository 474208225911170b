"""Templates that are rendered.

A template is rendered at the call, so with the sessions as they are there.  It is parsed by Jinja and never run.

Source: Jinja 3.1, Starlette 1.10 and Flask 3.1, run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from outlive.check import ir
from outlive.check.flow import reads
from outlive.check.flow.arguments import Given
from outlive.check.flow.frames import Pairs
from outlive.check.flow.pages import Page, page_of, parse
from outlive.check.flow.showing import Walk
from outlive.check.flow.state import Plain
from outlive.check.flow.values import UNKNOWN, Const, Group, MethodValue, Ref, Spot, Value
from outlive.check.knowledge import Template
from outlive.check.program import External

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_RENDERING = frozenset({"render", "render_async"})


def rendered(run: Interpreter, node: ir.Call, given: Given, known: Template) -> Pairs:
    """``TemplateResponse(request, "order.html", {"order": order})``, ``render_template("order.html", order=order)``"""
    return _walked(run, node, given, _page(run, node, given, known), _context(given, known))


def _walked(run: Interpreter, node: ir.Call, given: Given, page: Page | None, names: Mapping[str, Value]) -> Pairs:
    state, frame = given.state, given.frame
    if page is not None and not state.failed:
        spot = Spot(frame.id, node.span)
        was_fine = spot in run.log.fine
        walk = Walk(run, state, frame, node.span)
        walk.page(page, names)
        state = walk.state
        if state.failed and not was_fine:
            run.log.fine.discard(spot)  # Other reads of the same call have been all right.
    return [(state, UNKNOWN)]


def call(run: Interpreter, node: ir.Call, given: Given, base: Value) -> Pairs | None:
    """``templates.TemplateResponse(...)`` of a class of the program, ``environment.get_template(...).render(...)``"""
    match base:
        case Ref(oid=oid) if isinstance(plain := given.state.objects.get(oid), Plain):
            _, outside, _ = run.program.lineage(plain.symbol)
            named = (f"{each.dotted}().{node.method}" for each in outside if isinstance(each, External))
            known = next(filter(None, map(run.knowledge.templates.get, named)), None)
            if known is None or reads.method(run, plain.symbol, node.method) is not None:
                return None
            return rendered(run, node, given, known)
        case MethodValue(base=Const(value=str() as name), name="get_template") if node.method in _RENDERING:
            page = page_of(run, given.frame.module, name)
            return _walked(run, node, given, page, _names(given))
        case _:
            return None


def _names(given: Given) -> dict[str, Value]:
    """What ``render`` is given: a dict, keywords, or both."""
    held = next((value for value in given.args if isinstance(value, Group) and value.names), Group(()))
    return {**dict(zip(held.names, held.items, strict=False)), **dict(given.keywords)}


def _page(run: Interpreter, node: ir.Call, given: Given, known: Template) -> Page | None:
    """The template of a call: a text in the program, or a file."""
    module = given.frame.module
    named = [value for value in given.args[:2] if isinstance(value, Const) and isinstance(value.value, str)]
    value = named[0] if named else given.keyword(known.name or known.text)
    if not isinstance(value, Const) or not isinstance(value.value, str):
        return None
    if known.text:
        tree = parse(value.value)
        return Page(tree, module, None, given.frame.id, node.span) if tree is not None else None
    return page_of(run, module, value.value)


def _context(given: Given, known: Template) -> dict[str, Value]:
    """The names that a template is given."""
    if not known.context:
        return dict(given.keywords)
    held = given.keyword(known.context)
    return _names(Given(given.state, given.frame, [*given.args, held] if held is not None else given.args, [], False))
