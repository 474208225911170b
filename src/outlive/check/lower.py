"""Text -> facts: ``ast`` is read once, lowered and dropped."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Sequence

from outlive.check import ir
from outlive.check.facts import Attribute, Class, Facts, Function, Parameter
from outlive.check.ir import Lit, Operand, Statement, Term
from outlive.check.source import pack, suppressions

NONE = Lit(None)
OPAQUE = Lit(None, opaque=True)


def read_facts(text: str) -> Facts:
    """The facts of one file; a text that does not parse gives facts with nothing but ``error``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SyntaxWarning of the user's code is not ours to print.
            tree = ast.parse(text)
        facts = Facts(suppressed=suppressions(text))
        _Lowering(facts).module(tree)
    except SyntaxError as error:
        message = error.msg or "invalid syntax"
        return Facts(error=(error.lineno or 1, error.offset or 1, message), suppressed=suppressions(text))
    except ValueError as error:
        return Facts(error=(1, 1, str(error)))
    except (RecursionError, MemoryError):
        return Facts(error=(1, 1, "the code is nested too deeply to be read"))
    return facts


def span_of(node: ast.expr | ast.stmt) -> int:
    return pack(node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of nested attributes, empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def term(node: ast.expr | None, *, annotation: bool = False) -> Term | None:
    """A declarative expression as data; in an annotation, strings are parsed as the annotations that they are."""
    if node is None:
        return None
    span = span_of(node)
    match node:
        case ast.Name() | ast.Attribute():
            return Term("name", dotted(node), span=span)
        case ast.Call():
            parts = [part for arg in node.args if (part := term(arg))]
            keywords = [(word.arg or "**", value) for word in node.keywords if (value := term(word.value))]
            return Term("call", dotted(node.func), parts, keywords, span)
        case ast.Subscript():
            inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            # No part of Literal is an annotation.
            nested = annotation and not dotted(node.value).endswith("Literal")
            parts = [part for arg in inner if (part := term(arg, annotation=nested))]
            return Term("item", dotted(node.value), parts, span=span)
        case ast.Constant(value=str() as text):
            if annotation:
                try:
                    parsed = term(ast.parse(text.strip(), mode="eval").body, annotation=True)
                except (SyntaxError, ValueError):
                    return Term("other", span=span)
                if parsed is not None:
                    parsed.span = span
                return parsed
            return Term("text", text, span=span)
        case ast.Constant():
            return Term("value", repr(node.value), span=span)
        case ast.BinOp(op=ast.BitOr()):
            sides = [part for side in (node.left, node.right) if (part := term(side, annotation=annotation))]
            return Term("group", "|", sides, span=span)
        case ast.Tuple() | ast.List() | ast.Set():
            return Term("group", "", [part for e in node.elts if (part := term(e, annotation=annotation))], span=span)
        case ast.Dict():
            pairs = [
                (key.value, value)
                for key, raw in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and (value := term(raw))
            ]
            return Term("group", "{}", keywords=pairs, span=span)
        case ast.Lambda():
            return Term("other", "lambda", [part] if (part := term(node.body)) else [], span=span)
        case _:
            return Term("other", span=span)


_BRANCHING = (ir.If, ir.For, ir.While, ir.Try, ir.With)


class _Lowering:
    """One pass over one file."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.out: list[Statement] = []
        self.counter = 0
        self.prefix: list[str] = []
        self.class_index = -1
        self.in_function = False
        self.renamed: dict[str, str] = {}
        self.yields: bool = False
        self.free: list[str] = []
        self.loads: set[str] = set()

    def module(self, tree: ast.Module) -> None:
        for statement in tree.body:
            match statement:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=value)
                ) if value is not None:
                    declared = term(value)
                    if declared is not None:
                        self.facts.globals[name] = declared
                case _:
                    pass
        self.facts.body = self.block(tree.body)

    def imports(self, node: ast.Import | ast.ImportFrom) -> None:
        # Imports inside functions count for the whole file: that is where people put them to avoid cycles.
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.name if alias.asname else alias.name.partition(".")[0]
                self.facts.imports[alias.asname or name] = name
        else:
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                if alias.name == "*":
                    self.facts.stars.append(base)
                else:
                    joint = "" if base.endswith(".") or not base else "."
                    self.facts.imports[alias.asname or alias.name] = f"{base}{joint}{alias.name}"

    # -- statements -------------------------------------------------------------------------------------------

    def block(self, statements: Iterable[ast.stmt]) -> list[Statement]:
        outer, self.out = self.out, []
        base = self.counter
        for statement in statements:
            start = len(self.out)
            self.statement(statement)
            if self.counter > base and any(isinstance(made, _BRANCHING) for made in self.out[start:]):
                self.out.append(ir.Forget([], base))
            self.counter = base
        done, self.out = self.out, outer
        return done

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Constant()):
                pass
            case ast.Expr():
                before = len(self.out)
                self.value(node.value)
                for made in reversed(self.out[before:]):
                    if isinstance(made, ir.Call):
                        made.dropped = True
                        break
                    if not isinstance(made, ir.Await):
                        break
            case ast.Assign():
                if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                    self.value(node.value, self.name(node.targets[0].id))
                else:
                    value = self.value(node.value)
                    for target in node.targets:
                        self.assign(target, value)
            case ast.AnnAssign():
                if node.value is not None:
                    self.assign(node.target, self.value(node.value))
            case ast.AugAssign():
                loaded = ast.copy_location(_as_load(node.target), node.target)
                left, right = self.value(loaded), self.value(node.value)
                joined = self.fresh()
                self.out.append(ir.Touch(joined, [left, right], "join", span_of(node)))
                self.assign(node.target, joined)
            case ast.Return():
                value = self.value(node.value) if node.value else NONE
                self.out.append(ir.Return(value, span_of(node)))
            case ast.Raise():
                for part in (node.exc, node.cause):
                    if part is not None:
                        self.value(part)
                self.out.append(ir.Raise(span_of(node)))
            case ast.If():
                self.branch(node.test, node.body, node.orelse)
            case ast.While():
                head_outer, self.out = self.out, []
                test, key, negated = self.test(node.test)
                head, self.out = self.out, head_outer
                self.out.append(ir.While(head, test, key, negated, self.block(node.body), self.block(node.orelse)))
            case ast.For() | ast.AsyncFor():
                iterable = self.value(node.iter)
                element = self.fresh()
                outer, self.out = self.out, []
                self.assign(node.target, element)
                unpack, self.out = self.out, outer
                body = unpack + self.block(node.body)
                span = span_of(node.iter)
                self.out.append(ir.For(iterable, element, body, self.block(node.orelse), span))
            case ast.Try() | ast.TryStar():
                handlers = [
                    ir.Handler(
                        _exception_names(handler.type),
                        self.name(handler.name) if handler.name else "",
                        self.block(handler.body),
                    )
                    for handler in node.handlers
                ]
                body = self.block(node.body)
                self.out.append(ir.Try(body, handlers, self.block(node.orelse), self.block(node.finalbody)))
            case ast.With() | ast.AsyncWith():
                self.with_items(node.items, node.body)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                for default in [*node.args.defaults, *node.args.kw_defaults]:
                    if default is not None and not isinstance(default, (ast.Constant, ast.Name, ast.Call)):
                        self.value(default)
                index = self.function(node)
                self.out.append(ir.MakeFunction(self.name(node.name), index))
            case ast.ClassDef():
                self.out.append(ir.MakeClass(self.name(node.name), self.class_(node)))
            case ast.Break():
                self.out.append(ir.Break())
            case ast.Continue():
                self.out.append(ir.Continue())
            case ast.Delete():
                self.out.append(ir.Forget([self.name(t.id) for t in node.targets if isinstance(t, ast.Name)]))
            case ast.Assert():
                test, key, negated = self.test(node.test)
                outer, self.out = self.out, []
                if node.msg is not None:
                    self.value(node.msg)
                failing, self.out = [*self.out, ir.Raise(span_of(node))], outer
                self.out.append(ir.If(test, key, negated, [], failing))
            case ast.Match():
                self.match(node)
            case ast.Import() | ast.ImportFrom():
                self.imports(node)
            case ast.Global() | ast.Nonlocal():
                self.free += node.names
            case _:
                pass  # Pass, type aliases: nothing happens to an object there.

    def branch(self, test: ast.expr, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt]) -> None:
        operand, key, negated = self.test(test)
        self.out.append(ir.If(operand, key, negated, self.block(body), self.block(orelse)))

    def match(self, node: ast.Match) -> None:
        subject = self.value(node.subject)
        orelse: list[Statement] = []
        for case in reversed(node.cases):
            outer, self.out = self.out, []
            names = [n.name for n in ast.walk(case.pattern) if isinstance(n, (ast.MatchAs, ast.MatchStar)) and n.name]
            if isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and names:
                self.out.append(ir.Bind(self.name(names[0]), subject))
            elif names:
                self.out.append(ir.Forget([self.name(name) for name in names]))
            body, self.out = self.out + self.block(case.body), outer
            default = isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None
            orelse = body if default else [ir.If(OPAQUE, "", False, body, orelse)]
        self.out.extend(orelse)

    def with_items(self, items: Sequence[ast.withitem], body: Sequence[ast.stmt]) -> None:
        first, *rest = items
        context = self.value(first.context_expr)
        target = self.fresh()
        outer, self.out = self.out, []
        if first.optional_vars is not None:
            self.assign(first.optional_vars, target)
        if rest:
            self.with_items(rest, body)
        else:
            self.out.extend(self.block(body))
        inner, self.out = self.out, outer
        self.out.append(ir.With(context, target, inner, span_of(first.context_expr)))

    # -- functions and classes --------------------------------------------------------------------------------

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> int:
        name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
        made = Function(
            qualname=".".join([*self.prefix, name]),
            name=name,
            parameters=_parameters(node.args),
            returns=None if isinstance(node, ast.Lambda) else term(node.returns, annotation=True),
            decorators=[] if isinstance(node, ast.Lambda) else [d for raw in node.decorator_list if (d := term(raw))],
            is_async=isinstance(node, ast.AsyncFunctionDef),
            is_generator=False,
            parent=self.class_index,
            nested=self.in_function,
            free=[],
            loads=[],
            body=[],
            span=span_of(node),
        )
        index = len(self.facts.functions)
        self.facts.functions.append(made)
        saved = self.prefix, self.class_index, self.in_function, self.renamed, self.yields, self.out
        counter, outer_free, outer_loads = self.counter, self.free, self.loads
        self.counter, self.free, self.loads = 0, [], set()
        self.prefix, self.class_index, self.in_function = [*self.prefix, name], -1, True
        self.renamed, self.yields, self.out = {}, False, []
        if isinstance(node, ast.Lambda):
            value = self.value(node.body)
            made.body = [*self.out, ir.Return(value, span_of(node.body))]
        else:
            made.body = self.block(node.body)
        made.is_generator, made.free = self.yields, self.free
        if made.nested:
            made.loads = sorted(self.loads)
            outer_loads |= self.loads
        self.counter, self.free, self.loads = counter, outer_free, outer_loads
        self.prefix, self.class_index, self.in_function, self.renamed, self.yields, self.out = saved
        return index

    def class_(self, node: ast.ClassDef) -> int:
        made = Class(
            qualname=".".join([*self.prefix, node.name]),
            name=node.name,
            bases=[base for raw in node.bases if (base := term(raw))],
            keywords=[(word.arg, value) for word in node.keywords if word.arg and (value := term(word.value))],
            decorators=[d for raw in node.decorator_list if (d := term(raw))],
            attributes=[],
            methods={},
            span=span_of(node),
        )
        index = len(self.facts.classes)
        self.facts.classes.append(made)
        saved = self.prefix, self.class_index, self.in_function, self.out
        self.prefix, self.class_index, self.out = [*self.prefix, node.name], index, []
        for statement in _class_statements(node.body):
            match statement:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    made.methods[statement.name] = self.function(statement)
                case ast.ClassDef():
                    self.class_(statement)
                case ast.Import() | ast.ImportFrom():
                    self.imports(statement)
                case ast.AnnAssign(target=ast.Name(id=name)):
                    made.attributes.append(
                        Attribute(
                            name,
                            term(statement.annotation, annotation=True),
                            term(statement.value),
                            span_of(statement),
                        )
                    )
                case ast.Assign():
                    for target in statement.targets:
                        if isinstance(target, ast.Name):
                            made.attributes.append(
                                Attribute(target.id, None, term(statement.value), span_of(statement))
                            )
                case _:
                    pass
        self.prefix, self.class_index, self.in_function, self.out = saved
        return index

    # -- expressions ------------------------------------------------------------------------------------------

    def fresh(self) -> str:
        self.counter += 1
        return f"%{self.counter}"

    def name(self, name: str) -> str:
        return self.renamed.get(name, name)

    def value(self, node: ast.expr, target: str = "") -> Operand:
        """Lower an expression; its value lands in ``target`` if that is given, else where it is cheapest."""
        match node:
            case ast.Constant(value=constant):
                literal = Lit(constant) if isinstance(constant, (str, bool, int)) or constant is None else OPAQUE
                return self.bind(target, literal)
            case ast.Name(id=name):
                name = self.name(name)
                self.loads.add(name)
                return self.bind(target, name)
            case ast.Attribute():
                base = self.value(node.value)
                target = target or self.fresh()
                self.out.append(ir.Read(target, base, node.attr, span_of(node)))
            case ast.Call():
                target = target or self.fresh()
                self.call(node, target)
            case ast.Await():
                value = self.value(node.value)
                target = target or self.fresh()
                self.out.append(ir.Await(target, value))
            case ast.BoolOp():
                target = target or self.fresh()
                self.bool_op(node.values, isinstance(node.op, ast.And), target)
            case ast.IfExp():
                target = target or self.fresh()
                operand, key, negated = self.test(node.test)
                ways: list[list[Statement]] = []
                for way in (node.body, node.orelse):
                    outer, self.out = self.out, []
                    self.value(way, target)
                    made, self.out = self.out, outer
                    ways.append(made)
                self.out.append(ir.If(operand, key, negated, ways[0], ways[1]))
            case ast.NamedExpr():
                value = self.value(node.value)
                self.assign(node.target, value)
                return self.bind(target, value)
            case ast.Tuple() | ast.List() | ast.Set():
                kind = type(node).__name__.lower()
                items = [self.element(e) for e in node.elts]
                target = target or self.fresh()
                starred = any(isinstance(e, ast.Starred) for e in node.elts)
                self.out.append(ir.Pack(target, "list" if starred else kind, items, []))
            case ast.Dict():
                keys = [self.value(k) if k is not None else Lit("**", opaque=True) for k in node.keys]
                items = [self.value(v) for v in node.values]
                target = target or self.fresh()
                self.out.append(ir.Pack(target, "dict", items, keys))
            case ast.Subscript():
                base = self.value(node.value)
                sliced = isinstance(node.slice, ast.Slice)
                index = OPAQUE if sliced else self.value(node.slice)
                target = target or self.fresh()
                self.out.append(ir.Item(target, base, index, sliced, span_of(node)))
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                target = target or self.fresh()
                self.comprehension(node.generators, None, node.elt, target)
            case ast.DictComp():
                target = target or self.fresh()
                self.comprehension(node.generators, node.key, node.value, target)
            case ast.Lambda():
                target = target or self.fresh()
                self.out.append(ir.MakeFunction(target, self.function(node)))
            case ast.Yield() | ast.YieldFrom():
                self.yields = True
                value = self.value(node.value) if node.value is not None else NONE
                target = target or self.fresh()
                self.out.append(ir.Yield(target, value, isinstance(node, ast.YieldFrom), span_of(node)))
            case ast.Compare():
                operands = [self.tested(part) for part in (node.left, *node.comparators)]
                target = target or self.fresh()
                self.out.append(ir.Touch(target, operands, "compare", span_of(node)))
            case ast.UnaryOp():
                operand = self.tested(node.operand)
                target = target or self.fresh()
                self.out.append(ir.Touch(target, [operand], "test", span_of(node)))
            case ast.JoinedStr():
                operands = [self.value(part.value) for part in node.values if isinstance(part, ast.FormattedValue)]
                target = target or self.fresh()
                self.out.append(ir.Touch(target, operands, "format", span_of(node)))
            case ast.BinOp():
                operands = [self.value(node.left), self.value(node.right)]
                target = target or self.fresh()
                how = "format" if isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant) else "join"
                self.out.append(ir.Touch(target, operands, how, span_of(node)))
            case ast.Starred():
                return self.bind(target, self.value(node.value))
            case _:
                operands = [self.value(c) for c in ast.iter_child_nodes(node) if isinstance(c, ast.expr)]
                target = target or self.fresh()
                self.out.append(ir.Touch(target, operands, "other", span_of(node)))
        return target

    def bind(self, target: str, value: Operand) -> Operand:
        if not target:
            return value
        self.out.append(ir.Bind(target, value))
        return target

    def element(self, node: ast.expr) -> Operand:
        """An element of a display; ``*xs`` gives what ``xs`` contains."""
        if not isinstance(node, ast.Starred):
            return self.value(node)
        target = self.fresh()
        self.out.append(ir.Item(target, self.value(node.value), OPAQUE, False, span_of(node)))
        return target

    def tested(self, node: ast.expr) -> Operand:
        """A value that is only compared or tested."""
        if isinstance(node, ast.Attribute):
            target = self.fresh()
            self.out.append(ir.Read(target, self.value(node.value), node.attr, span_of(node), tested=True))
            return target
        return self.value(node)

    def bool_op(self, values: Sequence[ast.expr], is_and: bool, target: str) -> None:
        first, *rest = values
        if not rest:
            self.value(first, target)
            return
        operand, key, negated = self.test(first)
        value = operand
        outer, self.out = self.out, []
        self.bool_op(rest, is_and, target)
        more, self.out = self.out, outer
        # `a and b`: where `a` is false the value is falsy whatever it is; where `a or b` stops at `a`, it is `a`.
        stop: list[Statement] = [ir.Bind(target, Lit(False) if is_and else (Lit(True) if negated else value))]
        body, orelse = (more, stop) if is_and else (stop, more)
        self.out.append(ir.If(operand, key, negated, body, orelse))

    def test(self, node: ast.expr) -> tuple[Operand, str, bool]:
        """Lower a condition: the operand to test, its key (empty when it is opaque) and whether it is negated."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            operand, key, negated = self.test(node.operand)
            return operand, key, not negated
        if isinstance(node, ast.BoolOp):
            target = self.fresh()
            self.truth(node, target)
            # Without a key: its value is known on every path.
            return target, "", False
        key, negated = _key(node)
        return self.tested(node), key, negated

    def truth(self, node: ast.expr, target: str) -> None:
        """Put ``True`` or ``False`` into ``target``, a way for each."""
        if isinstance(node, ast.BoolOp):
            is_and = isinstance(node.op, ast.And)
            self.truth(node.values[0], target)
            for value in node.values[1:]:
                outer, self.out = self.out, []
                self.truth(value, target)
                more, self.out = self.out, outer
                self.out.append(ir.If(target, target, False, more if is_and else [], [] if is_and else more))
            return
        operand, key, negated = self.test(node)
        self.out.append(ir.If(operand, key, negated, [ir.Bind(target, Lit(True))], [ir.Bind(target, Lit(False))]))

    def call(self, node: ast.Call, target: str) -> None:
        method, method_span = "", 0
        if isinstance(node.func, ast.Attribute):
            base, method = self.value(node.func.value), node.func.attr
            end_line, end = node.func.end_lineno or 0, node.func.end_col_offset or 0
            method_span = pack(end_line, max(end - len(method.encode()), 0), end_line, end)
        else:
            base = self.value(node.func)
        starred = False
        args: list[Operand] = []
        spans: list[int] = []
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                starred = True
                self.value(arg.value)
            else:
                args.append(self.value(arg))
                spans.append(span_of(arg))
        keywords: list[tuple[str, Operand]] = []
        for word in node.keywords:
            value = self.value(word.value)
            if word.arg is None:
                starred = True
            else:
                keywords.append((word.arg, value))
                spans.append(span_of(word.value))
        self.out.append(ir.Call(target, base, method, args, keywords, starred, span_of(node), method_span, spans))

    def comprehension(
        self, generators: Sequence[ast.comprehension], key: ast.expr | None, value: ast.expr, target: str
    ) -> None:
        self.out.append(ir.Pack(target, "list" if key is None else "dict", [], []))
        outer_renamed = self.renamed
        self.renamed = dict(outer_renamed)
        self.generators(list(generators), key, value, target)
        self.renamed = outer_renamed

    def generators(
        self, generators: list[ast.comprehension], key: ast.expr | None, value: ast.expr, target: str
    ) -> None:
        if not generators:
            key_operand = OPAQUE if key is None else self.value(key)
            self.out.append(ir.Put(target, key_operand, self.value(value)))
            return
        first = generators.pop(0)
        iterable = self.value(first.iter)
        for bound in ast.walk(first.target):
            if isinstance(bound, ast.Name):
                self.renamed[bound.id] = f"{bound.id}'"  # A comprehension has a scope of its own.
        element = self.fresh()
        outer, self.out = self.out, []
        self.assign(first.target, element)
        self.conditions(list(first.ifs), generators, key, value, target)
        body, self.out = self.out, outer
        self.out.append(ir.For(iterable, element, body, [], span_of(first.iter)))

    def conditions(
        self,
        tests: list[ast.expr],
        generators: list[ast.comprehension],
        key: ast.expr | None,
        value: ast.expr,
        target: str,
    ) -> None:
        if not tests:
            self.generators(generators, key, value, target)
            return
        operand, test_key, negated = self.test(tests.pop(0))
        outer, self.out = self.out, []
        self.conditions(tests, generators, key, value, target)
        body, self.out = self.out, outer
        self.out.append(ir.If(operand, test_key, negated, body, []))

    def assign(self, target: ast.expr, value: Operand) -> None:
        match target:
            case ast.Name(id=name):
                self.out.append(ir.Bind(self.name(name), value))
            case ast.Attribute():
                self.out.append(ir.Store(self.value(target.value), target.attr, value, span_of(target)))
            case ast.Subscript():
                base = self.value(target.value)
                index = OPAQUE if isinstance(target.slice, ast.Slice) else self.value(target.slice)
                self.out.append(ir.Put(base, index, value))
            case ast.Tuple() | ast.List():
                names: list[str] = []
                later: list[tuple[ast.expr, str]] = []
                star = -1
                for position, element in enumerate(target.elts):
                    part = element
                    if isinstance(element, ast.Starred):
                        part, star = element.value, position
                    if isinstance(part, ast.Name):
                        names.append(self.name(part.id))
                    else:
                        names.append(self.fresh())
                        later.append((part, names[-1]))
                self.out.append(ir.Unpack(names, value, star))
                for part, name in later:
                    self.assign(part, name)
            case ast.Starred():
                self.assign(target.value, value)
            case _:
                pass


def _as_load(node: ast.expr) -> ast.expr:
    match node:
        case ast.Name(id=name):
            return ast.Name(name, ast.Load(), **_position(node))
        case ast.Attribute(value=value, attr=attr):
            return ast.Attribute(value, attr, ast.Load(), **_position(node))
        case ast.Subscript(value=value, slice=index):
            return ast.Subscript(value, index, ast.Load(), **_position(node))
        case _:
            return node


def _position(node: ast.expr) -> dict[str, int]:
    return {
        "lineno": node.lineno,
        "col_offset": node.col_offset,
        "end_lineno": node.end_lineno or node.lineno,
        "end_col_offset": node.end_col_offset or node.col_offset,
    }


def _exception_names(node: ast.expr | None) -> list[str]:
    if node is None:
        return []
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return [dotted(part) or "?" for part in parts]


def _parameters(arguments: ast.arguments) -> list[Parameter]:
    def parameter(arg: ast.arg, kind: str, default: ast.expr | None) -> Parameter:
        return Parameter(arg.arg, kind, term(arg.annotation, annotation=True), term(default))

    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults.extend(arguments.defaults)
    made = [parameter(arg, "", default) for arg, default in zip(positional, defaults, strict=True)]
    if arguments.vararg:
        made.append(parameter(arguments.vararg, "*", None))
    made += [parameter(a, "k", d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    if arguments.kwarg:
        made.append(parameter(arguments.kwarg, "**", None))
    return made


def _class_statements(body: Sequence[ast.stmt]) -> Iterable[ast.stmt]:
    """The statements of a class body, those under ``if`` and ``try`` included."""
    for statement in body:
        if isinstance(statement, (ast.If, ast.Try)):
            yield from _class_statements(statement.body)
            yield from _class_statements(statement.orelse)
        else:
            yield statement


def _key(node: ast.expr) -> tuple[str, bool]:
    """A text that is equal for conditions that have equal answers, and whether this one is its negation."""
    match node:
        case ast.Name() | ast.Attribute():
            return dotted(node), False
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            sides = _simple(left), _simple(right)
            if all(sides):
                negated = isinstance(op, (ast.IsNot, ast.NotEq, ast.NotIn))
                words: dict[type[ast.cmpop], str] = {ast.IsNot: "Is", ast.NotEq: "Eq", ast.NotIn: "In"}
                return f"{sides[0]} {words.get(type(op), type(op).__name__)} {sides[1]}", negated
        case ast.Call(func=ast.Name(id="isinstance" | "len" | "hasattr" as name), args=args, keywords=[]):
            parts = [_simple(arg) for arg in args]
            if all(parts):
                return f"{name}({', '.join(parts)})", False
        case _:
            pass
    return "", False


def _simple(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return repr(node.value)
    if isinstance(node, ast.Call):
        return _key(node)[0]
    return dotted(node)
