"""Text -> facts: ``ast`` is read, lowered and dropped; a function follows when somebody asks what it does."""

from __future__ import annotations

import ast
import warnings

from outlive.check.facts import Body, Facts, Function
from outlive.check.lower.newer import parse
from outlive.check.lower.statements import Statements
from outlive.check.remembered import digest_of
from outlive.check.source import split_lines, unpack

_EMPTY = 2_000
"""That many empty lines in front of a text cost less than moving what stands in it down."""


def read_facts(text: str) -> Facts:
    """The facts of one file; a text that does not parse gives facts with nothing but ``error``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SyntaxWarning of the user's code is not ours to print.
            tree, text = parse(text)
        facts = Facts()
        lowering = Statements(facts, split_lines(text))
        lowering.module(tree)
        facts.outline = digest_of([lowering.outline(tree), repr((facts.imports, facts.stars, facts.free))])
    except SyntaxError as error:
        message = error.msg or "invalid syntax"
        return Facts(error=(error.lineno or 1, error.offset or 1, message))
    except ValueError as error:
        return Facts(error=(1, 1, str(error)))
    except (RecursionError, MemoryError):
        return Facts(error=(1, 1, "the code is nested too deeply to be read"))
    return facts


def lower_function(facts: Facts, function: Function) -> Body:
    """What a function does, from its text; the functions in it become facts of their own."""
    line, *_ = unpack(function.span)
    indented = function.text.lstrip("\f")[:1] in (" ", "\t")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            above = min(line - 1, _EMPTY)
            head = "\n" * (above - indented) + ("if 1:\n" if indented else "")
            tree = ast.parse(head + function.text)
        node = tree.body[0]
        if isinstance(node, ast.If):
            node = node.body[0]
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if node.lineno < line:
            ast.increment_lineno(node, line - node.lineno)
        # What it says about the whole file is known.
        inside = Statements(Facts(functions=facts.functions, classes=facts.classes), split_lines(function.text), line)
        inside.prefix = function.qualname.split(".")[:-1]
        inside.lower(function, node)
    except (SyntaxError, RecursionError, MemoryError):
        return Body()  # Nested too deeply to be read by itself.
    assert function.lowered is not None
    return function.lowered
