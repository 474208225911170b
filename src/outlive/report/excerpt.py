"""Source lines with the places in them underlined."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from outlive.lifecycle.places import Place
from outlive.report.paint import Line, Style
from outlive.report.visible import cells, visible

CUT = "..."


@dataclass(frozen=True, slots=True)
class Mark:
    """A place to underline.

    Attributes:
        label: What to say there; empty for the place that the finding is about.
        style: Of the underline and the label.
    """

    place: Place
    label: str
    style: Style

    @property
    def pen(self) -> str:
        """The character that underlines."""
        return "-" if self.label else "^"


def excerpt(marks: Sequence[Mark], lines: Sequence[str], *, gutter: int, width: int) -> Iterator[Line]:
    """The marked lines of one file in their order, ``...`` for what is left out between them.

    Args:
        marks: All in one file; those of one line are drawn in the order given.
        lines: The file's lines.
        gutter: Columns for the line numbers.
        width: Columns of the whole.
    """
    room = max(width - gutter - 3, 20)
    by_line: defaultdict[int, list[Mark]] = defaultdict(list)
    for mark in marks:
        by_line[mark.place.line].append(mark)
    previous = 0
    for number in sorted(by_line):
        if previous and number - previous == 2:
            yield from _code(number - 1, _line(lines, number - 1), [], gutter, room)
        elif previous and number - previous > 2:
            yield [(CUT, Style.FRAME)]
        yield from _code(number, _line(lines, number), by_line[number], gutter, room)
        previous = number


def frame(gutter: int, number: int | None = None) -> tuple[str, Style]:
    """The left edge of a line, with its number or without."""
    return f"{'' if number is None else number:>{gutter}} | ", Style.FRAME


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number - 1] if number <= len(lines) else ""


def _code(number: int, line: str, marks: Sequence[Mark], gutter: int, room: int) -> Iterator[Line]:
    # A mark far to the right on a line that does not fit gets a clipping of its own.
    is_short = len(line) <= room and cells(visible(line)) <= room
    for marks_at_once in [marks] if is_short or not marks else [[mark] for mark in marks]:
        spans = [_span(mark.place, line) for mark in marks_at_once]
        view = _View.of(line, *(spans[0] if spans else (0, 0)), room)
        yield [frame(gutter, number), (view.text, Style.PLAIN)]
        for mark, span in zip(marks_at_once, spans, strict=True):
            for text in _underline(mark, *view.columns(*span), room):
                yield [frame(gutter), (text, mark.style)]


def _underline(mark: Mark, start: int, length: int, room: int) -> Iterator[str]:
    pen = " " * start + mark.pen * length
    label = visible(mark.label)
    if not label or len(pen) + 1 + cells(label) <= room:
        yield f"{pen} {label}".rstrip()
        return
    yield pen
    indent = max(min(start, room - cells(label)), 0)
    for part in textwrap.wrap(label, max(room - indent, 20)):
        yield " " * indent + part


def _span(place: Place, line: str) -> tuple[int, int]:
    """The span as indexes into the line; all of the line when only that is known, the rest of it when it goes on."""
    stripped = len(line.rstrip())
    if place.end_line is None or place.end_column is None:
        return min(len(line) - len(line.lstrip()), stripped), stripped
    end = place.end_column - 1 if place.end_line == place.line else stripped
    return min(place.column - 1, len(line)), min(end, len(line))


@dataclass(frozen=True, slots=True)
class _View:
    """What is shown of a line: ``line[first:last]``."""

    line: str
    first: int
    last: int

    @classmethod
    def of(cls, line: str, start: int, end: int, room: int) -> _View:
        """The whole line if there is room, else a part with the beginning of the span in it."""
        if len(line) <= room and cells(visible(line)) <= room:
            return cls(line, 0, len(line))
        inner = room - 2 * len(CUT)
        first = 0
        if end > inner or cells(visible(line[:end])) > inner:
            first, before = start, 0
            while first and (before := before + cells(visible(line[first - 1]))) <= inner // 3:
                first -= 1
        last, shown = first, len(CUT) if first else 0
        while last < len(line) and (shown := shown + cells(visible(line[last]))) <= room - len(CUT):
            last += 1
        return cls(line, first, last)

    @property
    def text(self) -> str:
        """The part, with ``...`` where it is cut."""
        return self._before + visible(self.line[self.first : self.last]) + (CUT if self.last < len(self.line) else "")

    def columns(self, start: int, end: int) -> tuple[int, int]:
        """Where a span stands in :attr:`text`: columns before it, and its own, at least one."""
        start, end = (min(max(index, self.first), self.last) for index in (start, end))
        before = len(self._before) + cells(visible(self.line[self.first : start]))
        return before, max(cells(visible(self.line[start:end])), 1)

    @property
    def _before(self) -> str:
        return CUT if self.first else ""
