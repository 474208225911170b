"""Declarative expressions, names and conditions: what of an expression is kept as it is written."""

from __future__ import annotations

import ast

from outlive.check.ir import Term
from outlive.check.source import pack


def span_of(node: ast.expr | ast.stmt) -> int:
    return pack(node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of nested attributes, empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
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
        case ast.Name(id=name):
            return Term("name", name, span=span)
        case ast.Attribute():
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
                ("**" if key is None else str(key.value), value)
                for key, raw in zip(node.keys, node.values, strict=True)
                if (key is None or (isinstance(key, ast.Constant) and isinstance(key.value, str)))
                and (value := term(raw))
            ]
            return Term("group", "{}", keywords=pairs, span=span)
        case ast.Lambda():
            return Term("other", "lambda", [part] if (part := term(node.body)) else [], span=span)
        case _:
            return Term("other", span=span)


_SIZES: dict[tuple[type[ast.cmpop], object], bool] = {
    (ast.Eq, 0): True, (ast.Lt, 1): True, (ast.LtE, 0): True,
    (ast.Gt, 0): False, (ast.GtE, 1): False, (ast.NotEq, 0): False,
}  # fmt: skip


def emptiness(node: ast.expr) -> tuple[ast.expr, bool] | None:
    """What a condition like ``len(items) > 0`` asks about, and whether it holds where that is empty."""
    match node:
        case ast.Compare(left=ast.Call() as left, ops=[op], comparators=[ast.Constant(value=size)]):
            inner, holds = emptiness(left), _SIZES.get((type(op), size))
            return (inner[0], holds) if inner is not None and holds is not None else None
        case ast.Call(func=ast.Name(id="len"), args=[only], keywords=[]):
            return only, False
        case _:
            return None


def condition_key(node: ast.expr) -> tuple[str, bool]:
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
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        parts = [_simple(each) for each in node.elts]
        return f"({', '.join(parts)})" if parts and all(parts) else ""
    if isinstance(node, ast.Call):
        return condition_key(node)[0]
    return dotted(node)


_SAME_LENGTH = frozenset({"enumerate", "list", "range", "reversed", "set", "sorted", "tuple"})


def iteration_key(node: ast.expr) -> str:
    """A condition that is true where iterating gives anything: the name of the collection."""
    match node:
        case ast.Name() | ast.Attribute():
            return dotted(node)
        case ast.Call(func=ast.Name(id=name), args=[only]) if name in _SAME_LENGTH:
            return iteration_key(only)
        case ast.Call(func=ast.Attribute(value=value, attr="items" | "keys" | "values"), args=[]):
            return iteration_key(value)
        case _:
            return ""
