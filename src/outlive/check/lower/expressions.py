"""Expressions: every value gets a name, every call stands on its own, conditions become statements."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Sequence

from outlive.check import ir
from outlive.check.ir import Lit, Operand, Statement
from outlive.check.lower.counting import Counting
from outlive.check.lower.terms import condition_key, emptiness, iteration_key, span_of
from outlive.check.source import pack

NONE = Lit(None)
OPAQUE = Lit(None, opaque=True)
HANDING_OVER = frozenset({"create_task", "ensure_future", "run_coroutine_threadsafe"})
"""Calls that start a coroutine which is made in place; it does nothing before."""

FILLING = frozenset({"add", "append", "appendleft", "clear", "extend", "insert", "setdefault", "update"})
"""Methods with which a container gains a value, or loses all."""

REACH = 8
"""How far back the parts of ``self.groups[name].append`` stand."""


_OPPOSITE: dict[type[ast.cmpop], ast.cmpop] = {ast.IsNot: ast.Is(), ast.NotEq: ast.Eq(), ast.NotIn: ast.In()}


class Expressions(ABC):
    """Lowers expressions into ``out``."""

    def __init__(self) -> None:
        self.out: list[Statement] = []
        self.counter = 0
        self.renamed: dict[str, str] = {}
        self.yields: bool = False
        self.loads: set[str] = set()
        self.empty: set[str] = set()
        self.gathered: set[tuple[str, str]] = set()
        """What a loop puts into a collection that was empty before: names of collections, each with what goes in."""
        self.countings: list[Counting] = []
        """The loops around that count, from outside."""

    @abstractmethod
    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> int:
        """Lower a function; its index in the facts."""

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
                call = self.out[-1] if isinstance(node.value, ast.Call) else None
                if isinstance(call, ir.Call):
                    call.awaited = True
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
                starred: list[tuple[int, Operand]] = []
                items = [self.element(e, index, starred) for index, e in enumerate(node.elts)]
                target = target or self.fresh()
                self.out.append(ir.Pack(target, "list" if starred else kind, items, [], starred))
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
                self.out.append(ir.Touch(target, operands, _how(node), span_of(node)))
            case ast.UnaryOp():
                operand = self.tested(node.operand)
                target = target or self.fresh()
                self.out.append(ir.Touch(target, [operand], "test", span_of(node)))
            case ast.JoinedStr():
                operands = [self.value(part.value) for part in node.values if isinstance(part, ast.FormattedValue)]
                target = target or self.fresh()
                has_text = any(isinstance(part, ast.Constant) and part.value for part in node.values)
                self.out.append(ir.Touch(target, operands, "text" if has_text else "format", span_of(node)))
            case ast.BinOp():
                operands = [self.value(node.left), self.value(node.right)]
                target = target or self.fresh()
                is_format = isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant)
                self.out.append(ir.Touch(target, operands, "format" if is_format else joining(node.op), span_of(node)))
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

    def element(self, node: ast.expr, index: int, starred: list[tuple[int, Operand]]) -> Operand:
        """An element of a display; ``*xs`` gives what ``xs`` contains, and is noted."""
        if not isinstance(node, ast.Starred):
            return self.value(node)
        target, whole = self.fresh(), self.value(node.value)
        self.out.append(ir.Item(target, whole, OPAQUE, False, span_of(node)))
        starred.append((index, whole))
        return target

    def tested(self, node: ast.expr) -> Operand:
        """A value that is only compared or tested."""
        if isinstance(node, ast.Attribute):
            target = self.fresh()
            self.out.append(ir.Read(target, self.value(node.value), node.attr, span_of(node), tested=True))
            return target
        return self.value(node)

    def bool_op(self, values: Sequence[ast.expr], is_and: bool, target: str, first: int = 0) -> None:
        if first == len(values) - 1:
            self.value(values[first], target)
            return
        operand, key, negated = self.test(values[first])
        value = operand
        outer, self.out = self.out, []
        self.bool_op(values, is_and, target, first + 1)
        more, self.out = self.out, outer
        # `a and b`: where `a` is false the value is falsy whatever it is; where `a or b` stops at `a`, it is `a`.
        is_true = negated or isinstance(values[first], ast.Compare)
        stop: list[Statement] = [ir.Bind(target, Lit(False) if is_and else (Lit(True) if is_true else value))]
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
        if isinstance(node, ast.Compare) and self.is_seen(node):
            self.tested(node)
            return Lit(isinstance(node.ops[0], ast.NotIn)), "", False
        sized = emptiness(node)
        if sized is not None:
            operand, key, negated = self.test(sized[0])
            return operand, key, negated != sized[1]
        answer = next((answer for each in reversed(self.countings) if (answer := each.answer(node))), None)
        if answer is not None:
            self.tested(node)
            return OPAQUE, *answer
        key, negated = condition_key(node)
        if negated and isinstance(node, ast.Compare):
            node = ast.copy_location(ast.Compare(node.left, [_OPPOSITE[type(node.ops[0])]], node.comparators), node)
        return self.tested(node), key, negated

    def is_seen(self, node: ast.Compare) -> bool:
        """``item in seen`` where the loop itself puts each item there: what is there has had its round."""
        container = node.comparators[0]
        return (
            isinstance(node.ops[0], (ast.In, ast.NotIn))
            and isinstance(container, ast.Name)
            and (container.id, ast.dump(node.left)) in self.gathered
        )

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
        home: list[tuple[Operand, str]] = []
        if isinstance(node.func, ast.Attribute):
            base, method = self.value(node.func.value), node.func.attr
            home = self.home(base) if method in FILLING else []
            end_line, end = node.func.end_lineno or 0, node.func.end_col_offset or 0
            method_span = pack(end_line, max(end - len(method.encode()), 0), end_line, end)
        else:
            base = self.value(node.func)
        name = method or (node.func.id if isinstance(node.func, ast.Name) else "")
        starred = False
        args: list[Operand] = []
        unpacked: list[tuple[int, Operand]] = []
        mapped: list[Operand] = []
        spans: list[int] = []
        for arg in node.args:
            if isinstance(arg, ast.Starred):
                starred = True
                unpacked.append((len(args), self.value(arg.value)))
            else:
                args.append(self.argument(arg))
                spans.append(span_of(arg))
                made = self.out[-1] if isinstance(arg, ast.Call) and name in HANDING_OVER else None
                if isinstance(made, ir.Call):
                    made.handed = True
        keywords: list[tuple[str, Operand]] = []
        for word in node.keywords:
            value = self.argument(word.value)
            if word.arg is None:
                starred = True
                mapped.append(value)
            else:
                keywords.append((word.arg, value))
                spans.append(span_of(word.value))
        called = ir.Call(target, base, method, args, keywords, starred, span_of(node), method_span, spans)
        called.unpacked, called.mapped, called.home = unpacked, mapped, home
        self.out.append(called)

    def home(self, operand: Operand) -> list[tuple[Operand, str]]:
        """Where a value that was lowered just now was taken from, and where that was."""
        if not isinstance(operand, str) or not operand.startswith("%"):
            return []
        for made in reversed(self.out[-REACH:]):
            match made:
                case ir.Read(target=target, base=base, name=name) if target == operand:
                    return [(base, name), *self.home(base)]
                case ir.Item(target=target, base=base) if target == operand:
                    return [(base, "[]"), *self.home(base)]
                case ir.Call(target=target, base=base, method="setdefault") if target == operand:
                    return [(base, "[]"), *self.home(base)]
                case _:
                    pass
        return []

    def argument(self, node: ast.expr) -> Operand:
        """An argument of a call; a flag such as ``key is not None`` is what the same condition is elsewhere."""
        if isinstance(node, ast.Compare) and condition_key(node)[0].endswith(" Is None"):
            target = self.fresh()
            self.truth(node, target)
            return target
        return self.value(node)

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
        self.out.append(ir.For(iterable, element, body, [], span_of(first.iter), iteration_key(first.iter)))

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
                home = self.home(base)
                index = OPAQUE if isinstance(target.slice, ast.Slice) else self.value(target.slice)
                self.out.append(ir.Put(base, index, value, span_of(target), home))
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


def joining(operator: ast.operator) -> str:
    """How an operator between two values is called in a ``Touch``."""
    return "add" if isinstance(operator, ast.Add) else "join"


def _how(node: ast.Compare) -> str:
    """What a comparison asks."""
    match node:
        case ast.Compare(ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
            return "none"
        case ast.Compare(ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
            return "some"
        case ast.Compare(ops=[ast.Eq() | ast.Is()]):
            return "equal"
        case ast.Compare(ops=[ast.In()]):
            return "in"
        case _:
            return "compare"
