"""Where something stands in source code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A span of source code, or just a line when the columns are not known.

    Attributes:
        filename: As the user wrote it or as the traceback has it; never resolved.
        line: 1-based.
        column: 1-based characters (not bytes); 1 when only the line is known.
        end_line: Last line of the span, inclusive; ``None`` when only the line is known.
        end_column: First column after the span, 1-based; ``None`` when only the line is known.
    """

    filename: str
    line: int
    column: int = 1
    end_line: int | None = None
    end_column: int | None = None

    def __str__(self) -> str:
        return f"{self.filename}:{self.line}"
