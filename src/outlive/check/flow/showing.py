"""What a template shows: a walk over its tree, in which it reads from the objects that it was given.

What hangs on a condition that nothing is known about is left out, and so are files whose names are not known.

Source: Jinja 3.1, run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from outlive.check import ir
from outlive.check.flow import calls, queries, reads
from outlive.check.flow.arguments import Given
from outlive.check.flow.elements import item
from outlive.check.flow.frames import Frame, Pairs
from outlive.check.flow.pages import Library, Macro, Names, Page, page_of, plain
from outlive.check.flow.state import State
from outlive.check.flow.values import NONE, UNKNOWN, Const, Group, Many, Ref, Rows, Spot, Value

if TYPE_CHECKING:
    from jinja2 import nodes

    from outlive.check.flow.interpreter import Interpreter

_DEPTH = 8
"""How deep templates and macros are followed."""

_ELEMENTS = frozenset({"list", "reverse", "sort", "unique"})

Blocks: TypeAlias = "dict[str, list[tuple[nodes.Block, Page]]]"


class Walk:
    """One rendering, on one path."""

    def __init__(self, run: Interpreter, state: State, frame: Frame, span: int) -> None:
        from jinja2 import nodes  # noqa: PLC0415  it is installed: there is a tree

        self.run, self.state, self.frame, self.span = run, state, frame, span
        self.nodes = nodes
        self.since = len(run.log.notes)
        self.depth = 0
        self.top: Names = {}
        self.blocks: Blocks = {}
        self.above: list[tuple[nodes.Block, Page]] = []
        """The blocks that ``super()`` means."""

    def page(self, page: Page, names: Mapping[str, Value | Macro | Library]) -> None:
        """A whole template; of one that extends another, the other one with its blocks."""
        for block in page.tree.find_all(self.nodes.Block):
            self.blocks.setdefault(block.name, []).append((block, page))
        extended = page.tree.find(self.nodes.Extends)
        self.top = dict(names)
        if extended is None:
            self.body(page.tree.body, self.top, page)
            return
        base = self.named(extended.template, page) if extended in page.tree.body else None
        if base is not None and self.depth < _DEPTH:
            self.depth += 1
            self.body([node for node in page.tree.body if self.prepares(node)], self.top, page)
            self.page(base, self.top)
            self.depth -= 1

    def prepares(self, node: nodes.Node) -> bool:
        """Of a template that extends another, what does something besides its blocks."""
        n = self.nodes
        return isinstance(node, (n.Assign, n.FromImport, n.Import, n.Macro))

    def named(self, template: nodes.Expr, page: Page) -> Page | None:
        named = isinstance(template, self.nodes.Const) and isinstance(template.value, str)
        return page_of(self.run, page.module, template.value) if named else None  # type: ignore[attr-defined]

    # -- statements --------------------------------------------------------------------------------------------------

    def body(self, statements: Sequence[nodes.Node], names: Names, page: Page) -> None:
        for statement in statements:
            if self.state.failed:
                return
            self.statement(statement, names, page)

    def statement(self, node: nodes.Node, names: Names, page: Page) -> None:
        n = self.nodes
        match node:
            case n.Output():
                for part in node.nodes:
                    self.show(self.value(part, names, page))
            case n.For():
                self.loop(node, names, page)
            case n.If():
                self.branch(node, names, page)
            case n.Assign():
                self.bind(node.target, self.value(node.node, names, page), names)
            case n.With():
                inner = dict(names)
                for target, value in zip(node.targets, node.values, strict=True):
                    self.bind(target, self.value(value, names, page), inner)
                self.body(node.body, inner, page)
            case n.Block():
                self.block(node, names, page)
            case n.Include():
                included = self.named(node.template, page)
                if included is not None and self.depth < _DEPTH:
                    self.included(included, names if node.with_context else {})
            case n.Macro():
                names[node.name] = Macro(node, page)
            case n.Import():
                names[node.target] = Library(self.macros(node.template, page))
            case n.FromImport():
                macros = self.macros(node.template, page)
                for each in node.names:
                    name, alias = each if isinstance(each, tuple) else (each, each)
                    names[alias] = macros.get(name, UNKNOWN)
            case n.ExprStmt():
                self.value(node.node, names, page)
            case n.FilterBlock() | n.ScopedEvalContextModifier() | n.Scope():
                self.body(node.body, dict(names), page)
            case _:
                pass  # Whatever else there is may do anything with its body.

    def included(self, page: Page, names: Names) -> None:
        before = self.blocks, self.top
        self.blocks = {}
        self.depth += 1
        self.page(page, names)
        self.depth -= 1
        self.blocks, self.top = before

    def macros(self, template: nodes.Expr, page: Page) -> dict[str, Macro]:
        found = self.named(template, page)
        if found is None:
            return {}
        return {macro.name: Macro(macro, found) for macro in found.tree.find_all(self.nodes.Macro)}

    def block(self, node: nodes.Block, names: Names, page: Page) -> None:
        """The one that the template furthest from the base has under that name; one in a macro belongs to its file."""
        known = self.blocks.get(node.name, [])
        is_own = any(page is other for _, other in known)
        first, *rest = known if is_own else [(node, page)]
        before, self.above = self.above, rest
        # What a loop or a macro calls by a name, only a scoped block knows.
        self.body(first[0].body, dict(names) if node.scoped else dict(self.top) if is_own else {}, first[1])
        self.above = before

    def loop(self, node: nodes.For, names: Names, page: Page) -> None:
        given = plain(self.value(node.iter, names, page))
        values = queries.iterated(self.run, given, self.state, self.frame, self.span)
        inner = {**names, "loop": UNKNOWN}
        self.bind(node.target, item(values, UNKNOWN), inner)
        if isinstance(values, (Many, Group)) and not (isinstance(values, Group) and values.names) and node.test is None:
            self.body(node.body, inner, page)

    def branch(self, node: nodes.If, names: Names, page: Page) -> None:
        for test, body in ((node.test, node.body), *((each.test, each.body) for each in node.elif_)):
            truth = self.truth(test, names, page)
            if truth is None:
                return
            if truth:
                self.body(body, names, page)
                return
        self.body(node.else_, names, page)

    def bind(self, target: nodes.Node, value: Value | Macro | Library, names: Names) -> None:
        n = self.nodes
        if isinstance(target, n.Name):
            names[target.name] = value
        elif isinstance(target, n.Tuple):
            parts = value.items if isinstance(value, Group) and len(value.items) == len(target.items) else None
            for position, each in enumerate(target.items):
                self.bind(each, parts[position] if parts else UNKNOWN, names)

    def show(self, value: Value | Macro | Library) -> None:
        if isinstance(value, Ref):
            self.state = reads.shown(self.run, self.state, self.frame, value, self.span)[0]

    # -- expressions -------------------------------------------------------------------------------------------------

    def truth(self, node: nodes.Node, names: Names, page: Page) -> bool | None:
        """Whether a condition holds, where that is known; a collection has elements, as far as it has any to fail."""
        n = self.nodes
        match node:
            case n.Not():
                inner = self.truth(node.node, names, page)
                return None if inner is None else not inner
            case n.And():
                left = self.truth(node.left, names, page)
                return self.truth(node.right, names, page) if left else left
            case n.Or():
                left = self.truth(node.left, names, page)
                return self.truth(node.right, names, page) if left is False else left
            case _:
                match self.value(node, names, page):
                    case Const(value=value):
                        return bool(value)
                    case Ref() | Many() | Rows():
                        return True
                    case _:
                        return None

    def value(self, node: nodes.Node, names: Names, page: Page) -> Value | Macro | Library:
        n = self.nodes
        if self.state.failed:
            return UNKNOWN
        match node:
            case n.Name():
                return names.get(node.name, UNKNOWN)
            case n.Const():
                return Const(node.value) if isinstance(node.value, (str, int)) or node.value is None else UNKNOWN
            case n.Getattr():
                return self.read(self.value(node.node, names, page), node.attr, page.spot(node.lineno, node.attr))
            case n.Getitem(arg=n.Const(value=str() as name)):
                return self.read(self.value(node.node, names, page), name, page.spot(node.lineno, name))
            case n.Getitem():
                base = plain(self.value(node.node, names, page))
                return item(base, plain(self.value(node.arg, names, page)))
            case n.Call():
                return self.call(node, names, page)
            case n.Filter():
                value = self.value(node.node, names, page) if node.node is not None else UNKNOWN
                return self.filtered(plain(value), node.name)
            case n.CondExpr():
                truth = self.truth(node.test, names, page)
                chosen = None if truth is None else node.expr1 if truth else node.expr2
                return self.value(chosen, names, page) if chosen is not None else UNKNOWN
            case n.List() | n.Tuple():
                return Group(tuple(plain(self.value(each, names, page)) for each in node.items))
            case n.And() | n.Or() | n.Not():
                truth = self.truth(node, names, page)
                return UNKNOWN if truth is None else Const(truth)
            case n.Compare():
                self.value(node.expr, names, page)
                for operand in node.ops:
                    self.value(operand.expr, names, page)
            case n.BinExpr():
                self.value(node.left, names, page)
                self.value(node.right, names, page)
            case n.Concat():
                for each in node.nodes:
                    self.show(self.value(each, names, page))
            case n.Test(name="defined", node=n.Name(name=name)) if name in names:
                return Const(True)
            case n.Test(name="none", node=inner):
                value = self.value(inner, names, page)
                return Const(False) if isinstance(value, (Ref, Many)) else Const(True) if value == NONE else UNKNOWN
            case n.Test(node=inner) | n.UnaryExpr(node=inner):
                self.value(inner, names, page)
            case _:
                pass
        return UNKNOWN

    def read(self, base: Value | Macro | Library, name: str, use: Spot) -> Value | Macro | Library:
        if isinstance(base, Library):
            return base.macros.get(name, UNKNOWN)
        if isinstance(base, Macro):
            return UNKNOWN
        return self.noted(reads.read(self.run, self.state, self.frame, base, name, self.span, False), use)

    def noted(self, pairs: Pairs, use: Spot) -> Value:
        self.run.log.say_where(self.since, Spot(self.frame.id, self.span), use, "template")
        self.state, value = pairs[0] if pairs else (self.state, UNKNOWN)
        return value

    def call(self, node: nodes.Call, names: Names, page: Page) -> Value | Macro | Library:
        n = self.nodes
        args = [plain(self.value(each, names, page)) for each in node.args]
        words = [(each.key, plain(self.value(each.value, names, page))) for each in node.kwargs]
        starred = node.dyn_args is not None or node.dyn_kwargs is not None
        if isinstance(node.node, n.Name) and node.node.name == "super" and self.above:
            (block, above), *rest = self.above
            before, self.above = self.above, rest
            self.body(block.body, dict(names), above)
            self.above = before
            return UNKNOWN
        callee = node.node
        base = self.value(callee.node if isinstance(callee, n.Getattr) else callee, names, page)
        if isinstance(base, Library) and isinstance(callee, n.Getattr):
            base = base.macros.get(callee.attr, UNKNOWN)
        if isinstance(base, Macro):
            self.macro(base, args, dict(words))
            return UNKNOWN
        if not isinstance(callee, n.Getattr) or isinstance(base, Library) or self.state.failed:
            return UNKNOWN
        method = ir.Call("", "", callee.attr, [], [], starred, self.span, self.span, [])
        given = Given(self.state, self.frame, args, words, starred)
        return self.noted(calls.method_call(self.run, method, given, base), page.spot(node.lineno, callee.attr))

    def macro(self, macro: Macro, args: Sequence[Value], words: Mapping[str, Value]) -> None:
        if self.depth >= _DEPTH:
            return
        names: Names = {each.name: macro_ for each, macro_ in self.beside(macro)}
        defaults = macro.node.defaults
        for position, parameter in enumerate(macro.node.args):
            behind = position - len(macro.node.args) + len(defaults)
            if position < len(args):
                names[parameter.name] = args[position]
            elif parameter.name in words:
                names[parameter.name] = words[parameter.name]
            else:
                names[parameter.name] = self.value(defaults[behind], {}, macro.page) if behind >= 0 else UNKNOWN
        self.depth += 1
        self.body(macro.node.body, names, macro.page)
        self.depth -= 1

    def beside(self, macro: Macro) -> list[tuple[nodes.Macro, Macro]]:
        """The other macros of its file."""
        return [(each, Macro(each, macro.page)) for each in macro.page.tree.find_all(self.nodes.Macro)]

    def filtered(self, value: Value, name: str) -> Value:
        if name in ("first", "last", "random"):
            return item(queries.iterated(self.run, value, self.state, self.frame, self.span), UNKNOWN)
        if name in ("d", "default"):
            return value
        if name in _ELEMENTS:
            return queries.iterated(self.run, value, self.state, self.frame, self.span)
        if name not in ("count", "length"):
            self.show(value)
        return UNKNOWN
