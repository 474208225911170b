"""Lines of styled text, and the two ways to print them: plain, or in colour for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeAlias


class Style(StrEnum):
    """What a piece of text is; the value is how rich draws it."""

    PLAIN = ""
    STRONG = "bold"
    ERROR = "bold red"
    ADVICE = "bold yellow"
    FRAME = "bold blue"
    LABEL = "bold cyan"
    FIX = "green"


Line: TypeAlias = list[tuple[str, Style]]


def paint(lines: Iterable[Line], *, colour: bool) -> str:
    """The lines as one string, each ended by a newline."""
    draw = _drawn if colour else _plain
    return "".join("".join(draw(text, style) for text, style in _trimmed(line)) + "\n" for line in lines)


def _trimmed(line: Line) -> Line:
    """The line without spaces at its end, which would show in colour and in diffs."""
    *rest, (text, style) = line or [("", Style.PLAIN)]
    text = text.rstrip()
    return [*rest, (text, style)] if text or not rest else _trimmed(rest)


def _plain(text: str, _: Style) -> str:
    return text


def _drawn(text: str, style: Style) -> str:
    from rich.color import ColorSystem  # noqa: PLC0415 - only for a terminal
    from rich.style import Style as RichStyle  # noqa: PLC0415

    return RichStyle.parse(style).render(text, color_system=ColorSystem.STANDARD) if style else text
