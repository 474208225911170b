"""Syntax that is newer than the oldest Python which runs the check, in words that every Python reads.

A program is checked with whatever Python ``outlive`` is installed for, and what matters to it does not depend on that:
``type Session = ...`` names a type, type parameters and ``except A, B:`` say nothing about lifetimes.  So they are
written in the older way, each character where it was, so that places and edits are those of the file.
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections.abc import Iterator, Sequence

from outlive.check.lower.fstrings import with_other_quotes

OLDEST = (3, 11)
_BEGINS = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
_BETWEEN = {tokenize.NL, tokenize.COMMENT}


def parse(text: str) -> tuple[ast.Module, str]:
    """The tree of a text, and the text of which it is the tree: one that every Python reads, if there is one.

    Raises:
        SyntaxError: this Python cannot read it either way.
    """
    try:
        return ast.parse(text, feature_version=OLDEST), text
    except SyntaxError:
        older = _older(with_other_quotes(text) if sys.version_info < (3, 12) else text)
    return ast.parse(older), older


def _older(text: str) -> str:
    lines = io.StringIO(text, newline="").readlines()
    try:
        tokens = [*tokenize.generate_tokens(iter(lines).__next__)]
    except (tokenize.TokenError, SyntaxError):
        return text
    for (row, column), (end_row, end), new in _edits([each for each in tokens if each.type not in _BETWEEN]):
        for number in range(row - 1, end_row):
            line = lines[number]
            body = line.rstrip("\r\n")
            first, last = column if number == row - 1 else 0, end if number == end_row - 1 else len(body)
            filler = new or " " * (last - first)
            if number < end_row - 1:
                filler = filler[:-1] + "\\"  # What follows belongs to the same line.
            lines[number] = body[:first] + filler + body[last:] + line[len(body) :]
    return "".join(lines)


Edit = tuple[tuple[int, int], tuple[int, int], str]
"""From a row and column, to one, is written this: spaces, where it is empty."""


def _edits(tokens: Sequence[tokenize.TokenInfo]) -> Iterator[Edit]:
    begins = True
    for index, token in enumerate(tokens[:-2]):
        one, two = tokens[index + 1 : index + 3]
        if token.string in ("def", "class") and two.string == "[":
            yield two.start, _closing(tokens, index + 2), ""
        elif begins and token.string == "type" and one.type == tokenize.NAME and two.string in ("=", "["):
            room = one.end[1] - token.start[1] if one.end[0] == token.start[0] else len(one.string)
            yield token.start, one.end, one.string.ljust(room)
            if two.string == "[":
                yield two.start, _closing(tokens, index + 2), ""
        elif token.string == "except":
            yield from _in_parentheses(tokens, index)
        begins = token.type in _BEGINS or token.string in (";", ":")


def _closing(tokens: Sequence[tokenize.TokenInfo], opening: int) -> tuple[int, int]:
    """Where a bracket that is opened is closed."""
    depth = 0
    for token in tokens[opening:]:
        depth += (token.string in "([{") - (token.string in ")]}") if token.type == tokenize.OP else 0
        if depth == 0:
            return token.end
    return tokens[opening].end


def _in_parentheses(tokens: Sequence[tokenize.TokenInfo], index: int) -> Iterator[Edit]:
    """``except A, B:``, which is ``except(A, B):``"""
    index += tokens[index + 1].string == "*"
    (row, column), depth, several = tokens[index].end, 0, False
    for token in tokens[index + 1 :]:
        if token.type == tokenize.NEWLINE or (depth == 0 and token.string in (":", "as")):
            if several and token.string == ":":
                yield token.start, token.start, ")"
                yield (row, column), (row, column + 1), "("
            return
        several = several or (depth == 0 and token.string == ",")
        depth += (token.string in "([{") - (token.string in ")]}") if token.type == tokenize.OP else 0
