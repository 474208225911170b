"""Statements, functions and classes: one pass over one file."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import compress

from outlive.check import ir
from outlive.check.facts import Attribute, Body, Class, Facts, Function, Mapping, Parameter
from outlive.check.ir import Statement, Term
from outlive.check.lower import counting
from outlive.check.lower.expressions import NONE, OPAQUE, Expressions, joining
from outlive.check.lower.terms import dotted, iteration_key, span_of, term

_ABOUT_THE_FILE = ("class", "global", "import", "map_imperatively(", "mapper(", "nonlocal")
"""Without one of these words a function says nothing about the file, and no class stands in it."""

_MAPPERS = ("map_imperatively", "mapper")

_ON_THE_WAY = (ast.If, ast.Try, ast.ExceptHandler, ast.With)
"""What a module may make its names in."""

_DECORATED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

_QUITTING = frozenset({"CancelledError", "GeneratorExit", "KeyboardInterrupt", "SystemExit"})
"""What is raised again where it was caught is just that, and ``except Exception`` lets it go."""

_BRANCHING = (ir.If, ir.For, ir.While, ir.Try, ir.With)


class Statements(Expressions):
    """Lowers a file into its facts.

    Of a function it keeps the text, unless classes stand in it: those can be named from outside.
    """

    def __init__(self, facts: Facts, lines: Sequence[str], first: int = 1) -> None:
        super().__init__()
        self.facts = facts
        self.lines = lines
        self.first = first
        self.inside: list[tuple[int, int]] = []
        self.prefix: list[str] = []
        self.class_index = -1
        self.in_function = False
        self.free: list[str] = []
        self.quitting = ""

    def module(self, tree: ast.Module) -> None:
        tree.body = list(_running(tree.body))
        for statement in tree.body:
            match statement:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=value)
                ) if value is not None:
                    declared = term(value)
                    if declared is not None:
                        self.facts.globals[name] = declared
                case ast.Assign(targets=[ast.Tuple(elts=[*names])], value=value):
                    self.facts.globals |= _unpacked(names, value)
                case ast.Assign(targets=[ast.Attribute(value=mapped, attr=name)], value=ast.Call()):
                    owner, given = term(mapped), term(statement.value)
                    if owner is not None and given is not None and given.head.endswith("relationship"):
                        self.facts.mappings.append(Mapping(owner, None, [(name, given)]))
                case ast.Expr() | ast.Assign():
                    self.mapping(statement.value)
                case _:
                    pass
        self.facts.body = self.block(tree.body)
        for name, value in _assigned_on_the_way(tree.body):
            known, declared = self.facts.globals.get(name), term(value)
            is_new = name not in self.facts.imports and (known is None or known.text == "None")
            if declared is not None and is_new:
                self.facts.globals[name] = declared

    def handler(self, node: ast.ExceptHandler) -> ir.Handler:
        names, outer = _exception_names(node.type), self.quitting
        self.quitting = names[0] if names and _QUITTING.issuperset(each.rpartition(".")[2] for each in names) else ""
        made = ir.Handler(names, self.name(node.name) if node.name else "", self.block(node.body))
        self.quitting = outer
        return made

    def note_empty(self, target: ast.expr, value: ast.expr) -> None:
        """``seen = set()``"""
        if isinstance(target, ast.Name):
            (self.empty.add if _is_empty(value) else self.empty.discard)(target.id)

    def mapping(self, node: ast.expr) -> None:
        """``registry.map_imperatively(Order, orders, properties={"items": relationship(Item)})``, or ``mapper(...)``"""
        if not isinstance(node, ast.Call) or dotted(node.func).rpartition(".")[2] not in _MAPPERS:
            return
        made = term(node)
        if made is not None and made.parts:
            table = made.parts[1] if len(made.parts) > 1 else made.keyword("local_table")
            properties = made.keyword("properties")
            self.facts.mappings.append(Mapping(made.parts[0], table, properties.keywords if properties else []))

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
                self.note_empty(node.targets[0], node.value)
                if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                    self.value(node.value, self.name(node.targets[0].id))
                else:
                    value = self.value(node.value)
                    for target in node.targets:
                        self.assign(target, value)
            case ast.AnnAssign():
                if node.value is not None:
                    self.note_empty(node.target, node.value)
                    self.assign(node.target, self.value(node.value))
            case ast.AugAssign():
                loaded = ast.copy_location(_as_load(node.target), node.target)
                left, right = self.value(loaded), self.value(node.value)
                joined = self.fresh()
                self.out.append(ir.Touch(joined, [left, right], joining(node.op), span_of(node)))
                self.assign(node.target, joined)
            case ast.Return():
                value = self.value(node.value) if node.value else NONE
                self.out.append(ir.Return(value, span_of(node)))
            case ast.Raise():
                for part in (node.exc, node.cause):
                    if part is not None:
                        self.value(part)
                        if isinstance(part, ast.Call) and isinstance(self.out[-1], ir.Call):
                            self.out[-1].calm = True
                what = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                self.out.append(ir.Raise(span_of(node), dotted(what) if what is not None else self.quitting))
            case ast.If():
                self.branch(node.test, node.body, node.orelse)
            case ast.While():
                head_outer, self.out = self.out, []
                test, key, negated = self.test(node.test)
                head, self.out = self.out, head_outer
                body = self.counted(counting.of_while(node), node.body)
                self.out.append(ir.While(head, test, key, negated, body, self.block(node.orelse)))
            case ast.For() | ast.AsyncFor():
                iterable = self.value(node.iter)
                element = self.fresh()
                outer, self.out = self.out, []
                self.assign(node.target, element)
                unpack, self.out = self.out, outer
                gathered = self.gathered
                self.gathered = gathered | _gathered(node.body, self.empty) if self.empty else gathered
                counted = counting.of_for(node)
                body = unpack + self.counted(counted, node.body)
                self.gathered = gathered
                orelse, span, key = self.block(node.orelse), span_of(node.iter), iteration_key(node.iter)
                last = counted.key if counted is not None else ""
                self.out.append(ir.For(iterable, element, body, orelse, span, key, last))
            case ast.Try() | ast.TryStar():
                handlers = [self.handler(each) for each in node.handlers]
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
                for listener in _listeners(node) if self.in_function else ():
                    self.value(listener)
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
                self.facts.free += node.names
            case _:
                pass  # Pass, type aliases: nothing happens to an object there.

    def counted(self, counted: counting.Counting | None, body: Sequence[ast.stmt]) -> list[Statement]:
        """The body of a loop, which may count."""
        outer = self.countings
        self.countings = outer if counted is None else [*outer, counted]
        made = self.block(body)
        self.countings = outer
        return made

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
            if default:
                orelse = body
                continue
            outer, self.out = self.out, []
            same = _comparison(node.subject, case.pattern) if case.guard is None else None
            operand, key, negated = (OPAQUE, "", False) if same is None else self.test(same)
            orelse, self.out = [*self.out, ir.If(operand, key, negated, body, orelse)], outer
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

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> int:
        name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
        made = Function(
            qualname=".".join([*self.prefix, name]),
            name=name,
            parameters=_parameters(node.args),
            returns=None if isinstance(node, ast.Lambda) else term(node.returns, annotation=True),
            decorators=[] if isinstance(node, ast.Lambda) else [d for raw in node.decorator_list if (d := term(raw))],
            is_async=isinstance(node, ast.AsyncFunctionDef),
            parent=self.class_index,
            nested=self.in_function,
            span=span_of(node),
            text="\n".join(self.lines[node.lineno - self.first : (node.end_lineno or node.lineno) - self.first + 1]),
        )
        index = len(self.facts.functions)
        self.facts.functions.append(made)
        if self.in_function or isinstance(node, ast.Lambda) or self.has_classes(node.body, made.text):
            self.lower(made, node)
        else:
            first = node.body[0]
            # A line that begins with something of the header is not inside.
            shared = bool(self.lines[first.lineno - 1].encode()[: first.col_offset].strip())
            self.inside.append((first.lineno + shared, node.end_lineno or node.lineno))
        return index

    def outline(self, tree: ast.Module) -> str:
        """The lines with statements of the file, but for those inside functions that can be lowered by themselves."""
        kept = bytearray(len(self.lines))
        for first, last in _stated(tree.body):
            kept[first - 1 : last] = b"\1" * (last - first + 1)
        for first, last in self.inside:
            kept[first - 1 : last] = bytes(max(last - first + 1, 0))
        return "\n".join(compress(self.lines, kept))

    def has_classes(self, body: Sequence[ast.stmt], text: str) -> bool:
        """Whether classes stand in a function; what it says about the whole file is noted on the way."""
        if not any(map(text.__contains__, _ABOUT_THE_FILE)):
            return False
        waiting = list(reversed(body))
        while waiting:
            node = waiting.pop()
            match node:
                case ast.ClassDef():
                    return True
                case ast.Import() | ast.ImportFrom():
                    self.imports(node)
                case ast.Global() | ast.Nonlocal():
                    self.facts.free += node.names
                case ast.Expr(value=value) | ast.Assign(value=value):
                    self.mapping(value)
                case ast.Match(cases=cases):
                    waiting += [each for case in reversed(cases) for each in reversed(case.body)]
                case (
                    ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=final)
                    | ast.TryStar(body=body, handlers=handlers, orelse=orelse, finalbody=final)
                ):
                    waiting += reversed([*(each for one in handlers for each in one.body), *body, *orelse, *final])
                case ast.If(body=body, orelse=orelse) | ast.For(body=body, orelse=orelse):
                    waiting += reversed([*body, *orelse])
                case ast.AsyncFor(body=body, orelse=orelse) | ast.While(body=body, orelse=orelse):
                    waiting += reversed([*body, *orelse])
                case ast.With(body=body) | ast.AsyncWith(body=body):
                    waiting += reversed(body)
                case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
                    waiting += reversed(body)
                case _:
                    pass
        return False

    def lower(self, made: Function, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        saved = self.prefix, self.class_index, self.in_function, self.renamed, self.yields, self.out
        counter, outer_free, outer_loads = self.counter, self.free, self.loads
        seen = self.empty, self.gathered, self.countings
        self.countings = []
        self.counter, self.free, self.loads, self.empty, self.gathered = 0, [], set(), set(), set()
        self.prefix, self.class_index, self.in_function = [*self.prefix, made.name], -1, True
        self.renamed, self.yields, self.out = {}, False, []
        if isinstance(node, ast.Lambda):
            value = self.value(node.body)
            statements = [*self.out, ir.Return(value, span_of(node.body))]
        else:
            statements = self.block(node.body)
        made.lowered = Body(statements, self.yields, self.free)
        if made.nested:
            made.lowered.loads = sorted(self.loads)
            outer_loads |= self.loads
        self.counter, self.free, self.loads = counter, outer_free, outer_loads
        self.empty, self.gathered, self.countings = seen
        self.prefix, self.class_index, self.in_function, self.renamed, self.yields, self.out = saved

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
                    before = len(self.inside)
                    number = made.methods[statement.name] = self.function(statement)
                    declared = _declared(statement, self.facts.functions[number])
                    if declared is not None:
                        del self.inside[before:]  # It says what an assignment would.
                        returns = self.facts.functions[number].returns
                        made.attributes.append(Attribute(statement.name, returns, term(declared), span_of(statement)))
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


def _running(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run: of ``if TYPE_CHECKING: ... else: ...`` what stands behind ``else``, and the imports."""
    for node in body:
        if isinstance(node, ast.If) and node.orelse and dotted(node.test).rpartition(".")[2] == "TYPE_CHECKING":
            yield from (inner for inner in node.body if isinstance(inner, (ast.Import, ast.ImportFrom)))
            yield from node.orelse
        else:
            yield node


def _unpacked(names: Sequence[ast.expr], value: ast.expr) -> dict[str, Term]:
    """``engine, Session = create_engine(url), sessionmaker()``; of one value, each name is made from all of it."""
    if isinstance(value, ast.Tuple) and len(value.elts) == len(names):
        parts = [term(each) for each in value.elts]
    else:
        whole = term(value)
        parts = [Term("other", parts=[whole], span=whole.span) if whole is not None else None] * len(names)
    return {
        name.id: part
        for name, part in zip(names, parts, strict=True)
        if isinstance(name, ast.Name) and part is not None
    }


def _assigned_on_the_way(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """What names get within the conditions and blocks of a module."""
    waiting: list[ast.AST] = [node for node in reversed(body) if isinstance(node, _ON_THE_WAY)]
    while waiting:
        match waiting.pop():
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case node if isinstance(node, _ON_THE_WAY):
                waiting += reversed([*ast.iter_child_nodes(node)])
            case _:
                pass


def _is_empty(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="set" | "dict" | "list"), args=[], keywords=[]):
            return True
        case ast.Dict(keys=[]) | ast.List(elts=[]):
            return True
        case _:
            return False


def _gathered(body: Sequence[ast.stmt], empty: Collection[str]) -> set[tuple[str, str]]:
    """What statements put into collections: ``seen.add(item.id)``, ``by_id[item.id] = item``."""
    found: set[tuple[str, str]] = set()
    for node in (inner for statement in body for inner in ast.walk(statement)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="add" | "append"), args=[given]):
                if name in empty:
                    found.add((name, ast.dump(given)))
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=given)]) if name in empty:
                found.add((name, ast.dump(given)))
            case _:
                pass
    return found


def _listeners(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    """``@event.listens_for(session, "after_commit")`` of a function as ``event.listens_for(session, …, function)``."""
    for each in node.decorator_list:
        if isinstance(each, ast.Call) and ast.unparse(each.func).endswith("listens_for"):
            function = ast.copy_location(ast.Name(node.name, ast.Load()), each)
            yield ast.copy_location(ast.Call(each.func, [*each.args, function], each.keywords), each)


def _declared(node: ast.FunctionDef | ast.AsyncFunctionDef, facts: Function) -> ast.expr | None:
    """What a ``declared_attr`` returns at its end, if it has one way."""
    if not any("declared_attr" in each.head for each in facts.decorators):
        return None
    returns = [inner for inner in ast.walk(node) if isinstance(inner, ast.Return)]
    return returns[0].value if len(returns) == 1 and returns[0] is node.body[-1] else None


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


def _comparison(subject: ast.expr, pattern: ast.pattern) -> ast.expr | None:
    """``match strategy: case "add"`` as ``strategy == "add"``; ``None`` where a pattern is more than values."""
    match pattern:
        case ast.MatchValue(value=value) if isinstance(subject, ast.Name):
            return ast.copy_location(ast.Compare(subject, [ast.Eq()], [value]), pattern)
        case ast.MatchSingleton(value=value) if isinstance(subject, ast.Name):
            constant = ast.copy_location(ast.Constant(value), pattern)
            return ast.copy_location(ast.Compare(subject, [ast.Is()], [constant]), pattern)
        case ast.MatchOr(patterns=patterns):
            parts = [part for each in patterns if (part := _comparison(subject, each)) is not None]
            return ast.copy_location(ast.BoolOp(ast.Or(), parts), pattern) if len(parts) == len(patterns) else None
        case _:
            return None


def _stated(body: Sequence[ast.stmt]) -> Iterator[tuple[int, int]]:
    """First and last lines of statements; of a class those of its header and of what stands in it."""
    for node in body:
        first = _first_line(node)
        if isinstance(node, ast.ClassDef):
            yield first, max(node.lineno, _first_line(node.body[0]) - 1)
            yield from _stated(node.body)
        else:
            yield first, node.end_lineno or node.lineno


def _first_line(node: ast.stmt) -> int:
    if isinstance(node, _DECORATED) and node.decorator_list:
        return node.decorator_list[0].lineno
    return node.lineno


def _class_statements(body: Sequence[ast.stmt]) -> Iterable[ast.stmt]:
    """The statements of a class body, those under ``if`` and ``try`` included."""
    for statement in body:
        if isinstance(statement, (ast.If, ast.Try)):
            yield from _class_statements(statement.body)
            yield from _class_statements(statement.orelse)
        else:
            yield statement
