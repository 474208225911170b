"""``outlive run``: a program, watched from its first line to its last."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import runpy
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from outlive.lifecycle.errors import UsageError


def run(arguments: argparse.Namespace) -> int:
    """Run a script or a module as Python would, and keep what was seen if asked to.

    Returns 1 where an exception ends the program; a ``SystemExit`` is the program's own and goes through.
    """
    target: str = arguments.program
    _stand_in(target, arguments.arguments, is_module=arguments.module)
    # By name: the command line itself works without SQLAlchemy.
    outlive: Any = importlib.import_module("outlive")
    try:
        watch = outlive.watch(queries=True, redact=arguments.redact)
    except ImportError as error:
        raise UsageError(str(error)) from error
    try:
        if arguments.module:
            runpy.run_module(target, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(target, run_name="__main__")
    except Exception as error:  # noqa: BLE001  as Python does at the end of a program
        error.__traceback__ = _below_us(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    finally:
        watch.stop()
        if arguments.save:
            watch.recording.save(arguments.save)
    return 0


def _stand_in(target: str, arguments: list[str], *, is_module: bool) -> None:
    """What a program finds when Python starts it: its arguments, and the folder that it imports from.

    Raises:
        UsageError: There is no such script or module.
    """
    if is_module:
        sys.path.insert(0, str(Path.cwd()))
        try:
            found = importlib.util.find_spec(target)
        except (ImportError, ValueError) as error:
            raise UsageError(f"{target}: {error}") from error
        if found is None:
            raise UsageError(f"{target}: no module of that name")
    else:
        if not Path(target).exists():
            raise UsageError(f"{target}: no such file")
        sys.path.insert(0, str(Path(target).resolve().parent))
    sys.argv = [target, *arguments]


def _below_us(traceback: TracebackType | None) -> TracebackType | None:
    """The traceback from the program's own first line on."""
    ours = {__file__, runpy.__file__, "<frozen runpy>"}
    found = traceback
    while found is not None and found.tb_frame.f_code.co_filename in ours:
        found = found.tb_next
    return found or traceback
