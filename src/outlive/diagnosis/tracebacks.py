"""A traceback, cut wherever the user's code calls into a library."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from inspect import CO_OPTIMIZED
from types import FrameType, TracebackType

from outlive.lifecycle.frames import is_library, shown
from outlive.lifecycle.places import Place


@dataclass(frozen=True, slots=True)
class Call:
    """One frame of the user's code and the library frames that it called.

    Attributes:
        user: The user's frame; ``None`` where the traceback begins inside a library.
        line: 1-based line at which the user's frame stood; 0 without one.
        library: The frames below it, outermost first.
    """

    user: FrameType | None
    line: int
    library: tuple[FrameType, ...]

    @property
    def place(self) -> Place | None:
        """Where the user's frame stood; relative to the working directory when below it."""
        return None if self.user is None else Place(shown(self.user.f_code.co_filename), self.line)


def calls_in(traceback: TracebackType | None) -> tuple[Call, ...]:
    """The calls of a traceback, innermost first."""
    calls: list[Call] = []
    user: FrameType | None = None
    line = 0
    library: list[FrameType] = []
    while traceback is not None:
        frame = traceback.tb_frame
        if is_library(frame):
            library.append(frame)
        else:
            if user or library:
                calls.append(Call(user, line, tuple(library)))
            user, line, library = frame, traceback.tb_lineno or frame.f_code.co_firstlineno, []
        traceback = traceback.tb_next
    if user or library:
        calls.append(Call(user, line, tuple(library)))
    return tuple(reversed(calls))


def calls_on(frames: Iterable[FrameType]) -> tuple[Call, ...]:
    """The calls of a stack, from its frames, innermost first."""
    calls: list[Call] = []
    library: list[FrameType] = []
    for frame in frames:
        if is_library(frame):
            library.append(frame)
        else:
            calls.append(Call(frame, frame.f_lineno, tuple(reversed(library))))
            library = []
    if library:
        calls.append(Call(None, 0, tuple(reversed(library))))
    return tuple(calls)


def place_in(calls: Iterable[Call]) -> Place | None:
    """The innermost place in the user's code."""
    return next((call.place for call in calls if call.place), None)


def module_of(frame: FrameType) -> str:
    """Dotted name of the frame's module."""
    return str(frame.f_globals.get("__name__", ""))


def local(frame: FrameType, name: str) -> object:
    """A local variable of the frame; ``None`` if it has none of that name or was cleared."""
    return variables_of(frame).get(name)


def variables_of(frame: FrameType) -> dict[str, object]:
    """The frame's variables by name, copied.

    Before Python 3.13 a frame keeps what ``f_locals`` once showed: objects that the program has let go since, and the
    caught exception, which holds the frame.  So it is emptied here, unless somebody else uses it, or may use it: a
    debugger writes it back.
    """
    shown_variables = frame.f_locals
    variables = dict(shown_variables)
    is_snapshot = sys.version_info < (3, 13) and frame.f_code.co_flags & CO_OPTIMIZED
    # Three: that of the frame, and those of this name and of this call.
    if is_snapshot and sys.getrefcount(shown_variables) == 3 and sys.gettrace() is None:
        shown_variables.clear()
    return variables


def orm_frames(calls: Iterable[Call]) -> Iterator[FrameType]:
    """The frames of SQLAlchemy's ORM: those of the innermost call first, and within a call outermost first."""
    for call in calls:
        for frame in call.library:
            if module_of(frame).startswith("sqlalchemy.orm."):
                yield frame
