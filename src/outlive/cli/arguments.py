"""What can be written on the command line."""

from __future__ import annotations

import argparse
import platform

from outlive.cli import terminal

EXIT_CODES = """\
exit codes:
  0  nothing found
  1  something found
  2  wrong usage or configuration, a missing path, or an internal error
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line; ``command`` names the module that runs it."""
    outlive = argparse.ArgumentParser(
        prog="outlive",
        allow_abbrev=False,
        description="Find, explain and end SQLAlchemy's object lifetime errors.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    outlive.add_argument("-V", "--version", action=_Version, nargs=0, help="print the versions of outlive and Python")
    commands = outlive.add_subparsers(dest="command", metavar="COMMAND", required=True, title="commands")
    check = commands.add_parser(
        "check",
        allow_abbrev=False,
        help="find lifetime errors without running the program",
        description="Find lifetime errors without running the program.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_check_arguments(check)
    explain = commands.add_parser(
        "explain",
        allow_abbrev=False,
        help="what a hazard is and what to do, what is known at a line, or what led to a traceback",
        description="Print what a hazard is, why it matters and what to do, or the list of all hazards; what is known "
        "of every session and object at a line; or, for each lifetime error in a traceback or a log, what leads to it "
        "in the source.",
    )
    what = (
        "code (OL201) or name of a hazard, a line (shop/orders.py:41), or a file with tracebacks (-: standard input); "
        "without it, the list of hazards"
    )
    explain.add_argument("what", nargs="?", metavar="HAZARD|FILE:LINE|TRACEBACK", help=what)
    paths = "with a line or a traceback: files and folders of the program (default: the working directory)"
    explain.add_argument("paths", nargs="*", metavar="PATH", help=paths)
    review = commands.add_parser(
        "review",
        allow_abbrev=False,
        help="import a FastAPI application and say what will fail in it",
        description="Import a FastAPI application and say what will fail in it: its routes, the scopes of their "
        "dependencies, their response models, and the source behind them. The only command that imports your code.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    review.add_argument("application", metavar="MODULE:APP", help="as for uvicorn: app.main:app")
    review.add_argument(
        "--factory", action="store_true", help="APP is a function that makes the application: it is called"
    )
    review.add_argument("--output-format", choices=["full", "json"], default="full", help="default: full")
    review.add_argument("--exit-zero", action="store_true", help="exit with 0 also when something was found")
    run = commands.add_parser(
        "run",
        allow_abbrev=False,
        help="run a program, whose lifetime errors then say who expired the value and who closed the session",
        description="Run a script or a module as Python would. Its lifetime errors then say who expired the value and "
        "who closed the session.",
        usage="outlive run [-h] [--save FILE] [--redact] (SCRIPT | -m MODULE) [ARGUMENTS ...]",
    )
    run.add_argument("-m", dest="module", action="store_true", help="run a module, as `python -m` does")
    run.add_argument("--save", metavar="FILE", help="write what was seen to a JSON file")
    run.add_argument("--redact", action="store_true", help="leave primary keys out of what is said and saved")
    run.add_argument("program", metavar="SCRIPT|MODULE", help="what to run")
    run.add_argument("arguments", metavar="ARGUMENTS", nargs=argparse.REMAINDER, help="what it is given")
    return outlive


def _add_check_arguments(check: argparse.ArgumentParser) -> None:
    paths = "files and folders; - is standard input (default: the working directory)"
    check.add_argument("paths", nargs="*", metavar="PATH", help=paths)

    what = check.add_argument_group("what to look for")
    add = what.add_argument
    codes = "codes (OL201), beginnings of codes (OL2) or names, separated by commas; can be repeated"
    add("--select", type=_items, action="extend", metavar="CODES", help=f"report these only: {codes}")
    add("--ignore", type=_items, action="extend", metavar="CODES", help="do not report these: the same")
    exclude = "do not read what matches these gitignore patterns, relative to the working directory"
    add("--exclude", type=_items, action="extend", metavar="PATTERNS", default=[], help=exclude)

    fixes = check.add_argument_group("fixes")
    add = fixes.add_argument
    add("--fix", action="store_true", help="apply fixes that keep the program's behaviour")
    add("--diff", action="store_true", help="print what --fix would change, and change nothing")
    review = "with --fix or --diff: also fixes that a person should review"
    add("--unsafe-fixes", action="store_true", help=review)

    output = check.add_argument_group("input and output")
    add = output.add_argument
    add("--output-format", choices=["full", "concise", "json"], default="full", help="default: full")
    add("--coverage", action="store_true", help="say how much of the program was understood")
    add("--exit-zero", action="store_true", help="exit with 0 whatever is found")
    add("--stdin-filename", metavar="FILE", help="name of what is read from standard input")
    add("--no-cache", action="store_true", help="neither read nor write the cache")
    jobs = "how many processes look (default: one for each core, if the program is large)"
    add("-j", "--jobs", type=_count, metavar="N", help=jobs)


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a number from 1 on, got {text!r}")
    return int(text)


def _items(text: str) -> list[str]:
    items = [item.strip() for item in text.split(",") if item.strip()]
    if not items:
        raise argparse.ArgumentTypeError(f"expected something between the commas of {text!r}")
    return items


class _Version(argparse.Action):
    """Prints the versions; looked up when asked, because that searches the installed packages."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

        try:
            number = version("outlive")
        except PackageNotFoundError:
            number = "(not installed)"
        terminal.write(f"outlive {number}, Python {platform.python_version()}\n")
        parser.exit()
