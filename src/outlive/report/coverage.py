"""How much of a program a check has understood, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from outlive.report.paint import Line, Style, paint
from outlive.report.visible import visible

if TYPE_CHECKING:
    from outlive.check.flow.census import Coverage, Share

SHOWN = 10
"""How many functions are named that were given up."""

_ROWS = (
    ("functions", "that work with sessions, followed to the end"),
    ("sessions", "uses, of a session whose expire_on_commit is known"),
    ("queries", "that run, where it is known what they load"),
    ("objects", "reads of mapped attributes, where it is known whether there is a value"),
    ("calls", "where it is known what is called"),
)


def render(coverage: Coverage, *, colour: bool = False) -> str:
    """What was understood, and the functions that were given up."""
    return paint(_lines(coverage), colour=colour)


def _lines(coverage: Coverage) -> Iterator[Line]:
    yield [("What was understood", Style.STRONG)]
    yield []
    for name, meaning in _ROWS:
        share: Share = getattr(coverage, name)
        counts = f"{share.known:,} of {share.all:,}"
        yield [(f"  {name:9}  {_percent(share):>5}  {counts:>18}  ", Style.PLAIN), (meaning, Style.FRAME)]
    if coverage.given_up:
        yield []
        yield [("Left before their end, because they have too many paths:", Style.PLAIN)]
        for filename, function in coverage.given_up[:SHOWN]:
            yield [(f"  {visible(filename)}: {visible(function)}", Style.PLAIN)]
        if len(coverage.given_up) > SHOWN:
            yield [(f"  and {len(coverage.given_up) - SHOWN} more", Style.PLAIN)]


def _percent(share: Share) -> str:
    """Rounded down: what is not complete is never said to be."""
    return f"{100 * share.known // share.all} %" if share.all else "-"
