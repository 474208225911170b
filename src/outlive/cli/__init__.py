"""The ``outlive`` command: its arguments, one file per sub-command, and exit codes.

0 nothing found, 1 something found, 2 the command could not do its work (usage, configuration, a missing path, a bug
of ours), 130 interrupted.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import sys
import traceback
from collections.abc import Sequence

from outlive.cli import terminal
from outlive.cli.arguments import parser
from outlive.lifecycle.errors import UsageError

UNUSABLE = 2
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line (default: the process's own) and return the exit code; prints, never raises."""
    terminal.prepare()
    if argv is None:
        # Python would look through all that there is for garbage before it ends.
        atexit.register(gc.freeze)
    try:
        return _run(argv)
    except UsageError as error:
        terminal.say(f"error: {error}")
        return UNUSABLE
    except OSError as error:  # the working directory is gone, a name is too long, a device fails
        terminal.say(f"error: {error}")
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:  # noqa: BLE001 - the last line of defence; nothing is hidden
        terminal.say(traceback.format_exc().rstrip())
        terminal.say("error: this is a bug in Outlive, not in your code; please report it with the lines above")
        return UNUSABLE


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = parser().parse_args(argv)
    except SystemExit as stop:  # argparse, after an answer (0) or a complaint (2)
        terminal.write("")
        return stop.code if isinstance(stop.code, int) else UNUSABLE
    except OSError as error:  # argparse of early releases of Python 3.11 lets it out
        terminal.give_up(sys.stdout, error)
        return 0
    # Only the command that runs is imported: `outlive --help` pays for argparse alone.
    command = importlib.import_module(f"outlive.cli.{arguments.command}")
    code: int = command.run(arguments)
    return code
