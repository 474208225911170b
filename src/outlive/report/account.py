"""What is known at a line, name by name."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from outlive.check.flow.known import Known, Names
from outlive.check.flow.witness import Account, View
from outlive.report.paint import Line, Style, paint
from outlive.report.visible import visible

CONTEXTS = 3
"""How many callers are shown that each bring something of their own."""


def render(account: Account, line: int, *, width: int = 120, colour: bool = False) -> str:
    """All that was seen at a line, before it and after it, for the function by itself and for its callers.

    Args:
        account: What was seen, there or at the next line at which anything happens.
        line: The line that was asked for.
        width: Columns of the terminal.
        colour: Whether to colour it for a terminal.
    """
    return paint(_lines(account, line, width), colour=colour)


def _lines(account: Account, line: int, width: int) -> Iterator[Line]:
    where = f"in {account.function}" if account.function else "at the top of the module"
    if account.place.line != line:
        where += f", the next after line {line} at which anything happens"
    yield [(f"{visible(str(account.place))}", Style.STRONG), (f" {where}", Style.PLAIN)]
    if not account.views:
        yield []
        yield [("No path was seen that leads here.", Style.PLAIN)]
    seen: set[object] = set()
    shown = 0
    for view in sorted(account.views, key=lambda view: len(view.callers)):
        if (view.before, view.after) not in seen:
            seen.add((view.before, view.after))
            shown += 1
            if shown <= CONTEXTS:
                yield from _view(view, width)
    if shown > CONTEXTS:
        yield []
        yield [(f"{shown - CONTEXTS} more callers know something else.", Style.PLAIN)]
    if account.given_up:
        yield []
        yield [("The function was left before its end, because it has too many paths.", Style.ADVICE)]


def _view(view: View, width: int) -> Iterator[Line]:
    if view.callers:
        yield []
        called = ", ".join(visible(str(place)) for place in view.callers)
        yield [(f"When it is called at {called}", Style.LABEL)]
    before = _by_name(view.before)
    yield []
    yield from _names(before, width)
    unknown = [
        name for name in dict.fromkeys(name for path in view.before for name in path.unknown) if name not in before
    ]
    if unknown:
        yield from _wrapped("  not known: ", Style.PLAIN, ", ".join(unknown), width)
    elif not before:
        yield [("  No name here stands for a session or an object of one.", Style.PLAIN)]
    changed = {name: texts for name, texts in _by_name(view.after).items() if texts != before.get(name)}
    if changed:
        yield []
        yield [("After the line", Style.LABEL)]
        yield []
        yield from _names(changed, width)


def _by_name(paths: Sequence[Names]) -> dict[str, list[Known]]:
    """What each name stands for, on any path."""
    found: dict[str, dict[Known, None]] = {}
    for path in paths:
        for known in path.known:
            found.setdefault(known.name, {})[known] = None
    return {name: list(texts) for name, texts in found.items()}


def _names(found: dict[str, list[Known]], width: int) -> Iterator[Line]:
    longest = max(map(len, found), default=0)
    for name, texts in found.items():
        for number, known in enumerate(texts):
            lead = "or" if number else visible(name)
            yield from _wrapped(f"  {lead:{longest}}  ", Style.STRONG, known.text, width)
            for status, names in known.details:
                yield from _wrapped(f"  {'':{longest}}    {visible(status)}: ", Style.FRAME, names, width)


def _wrapped(lead: str, style: Style, text: str, width: int) -> Iterator[Line]:
    first, *more = textwrap.wrap(visible(text), max(width - len(lead), 40), break_on_hyphens=False) or [""]
    yield [(lead, style), (first, Style.PLAIN)]
    for line in more:
        yield [(" " * len(lead) + line, Style.PLAIN)]
