"""The place in the user's code that asked for what happens now.

Async code hides it twice: inside a greenlet the stack ends where the greenlet began, and ``async with`` closes its
session in a task of its own (SQLAlchemy 2.0 and 2.1, ``AsyncSession.__aexit__``), whose stack ends in the event loop.
"""

from __future__ import annotations

import inspect
import sys
from asyncio import Handle, Runner
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from sys import _getframe  # pyright: ignore[reportPrivateUsage]
from types import CodeType, FrameType
from typing import Any

from outlive.lifecycle.frames import At, is_library

leaving: ContextVar[At | None] = ContextVar("leaving", default=None)
"""The ``async with`` block whose end runs in a task of its own."""

_LOOP = (Handle._run.__code__, Runner.run.__code__)  # noqa: SLF001
"""Where the stack of every task ends: what stands below has only started the loop."""
_LOOP_FILES = {code.co_filename for code in _LOOP}

_libraries: set[str] = set()
"""Files of theirs.  What has none is asked for each time, but for SQLAlchemy's generated wrappers."""

_of_user: set[str] = set()
"""Files of the user's."""


def caller(above: int = 1) -> At | None:
    """Where the innermost frame of the user's is; ``None`` where a library works by itself.

    Args:
        above: How many frames from here on are known to be ours or a library's.
    """
    # Only the frame that is looked at becomes an object of Python's, which costs more than all else here.
    try:
        frame = _getframe(above + 1)
    except ValueError:  # In a greenlet there may be none.
        frame = None
    greenlets: Iterator[FrameType] | None = None
    while True:
        while frame is not None:
            code = frame.f_code
            file = code.co_filename
            if file in _of_user:
                return code, frame.f_lasti
            if file not in _libraries:
                if not _is_library(frame, file):
                    return code, frame.f_lasti
                if code in _LOOP:
                    return leaving.get()
            frame = frame.f_back
        greenlets = greenlets or _waiting()
        frame = next(greenlets, None)
        if frame is None:
            return leaving.get()


def _is_library(frame: FrameType, file: str) -> bool:
    found = is_library(frame)
    if not file.startswith("<") or file.startswith("<sqlalchemy"):
        if not found:
            _of_user.add(file)
        elif file not in _LOOP_FILES:
            _libraries.add(file)
    return found


makers: dict[CodeType, str] = {}
"""Functions that make sessions for the program: the fixtures of a test run, and how to call them; its tests."""


def maker() -> str | None:
    """Which of the ``makers`` runs now, the innermost of them; ``None`` if none does."""
    return next((makers[frame.f_code] for frame in frames() if frame.f_code in makers), None)


def frames() -> Iterator[FrameType]:
    """The stack, innermost first, through the greenlets that wait for the one that runs."""
    frame = inspect.currentframe()
    greenlets = _waiting()
    while frame is not None:
        yield frame
        frame = frame.f_back or next(greenlets, None)


def _waiting() -> Iterator[FrameType]:
    """The innermost frame of each greenlet that waits for the one that runs."""
    get_current: Callable[[], Any] | None = getattr(sys.modules.get("greenlet"), "getcurrent", None)
    greenlet = get_current() if get_current else None
    while greenlet is not None:
        greenlet = greenlet.parent
        if greenlet is not None and greenlet.gr_frame is not None:
            yield greenlet.gr_frame
