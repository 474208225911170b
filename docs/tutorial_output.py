"""Do what the tutorial says, and put what its commands really print below them.

Run it from the root of a checkout after the output or the tutorial has changed: ``python docs/tutorial_output.py``.
An output that is right with ``...`` for anything stays as it is.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

TUTORIAL = Path(__file__).parent / "tutorial" / "first-check.md"
PROGRAMS = {"python": [sys.executable], "outlive": [sys.executable, "-m", "outlive"]}
FENCE = re.compile(
    r"^```(?P<language>\S+)(?: python\n:caption: (?P<file>\S+)\n)?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


def main() -> None:
    """Rewrite the tutorial."""
    with TemporaryDirectory() as folder:
        TUTORIAL.write_text(retold(TUTORIAL.read_text("utf-8"), Path(folder)), "utf-8")


def retold(page: str, folder: Path) -> str:
    """The page after writing its files and running its commands in a folder, one after the other."""

    def block(fence: re.Match[str]) -> str:
        if fence["file"]:
            (folder / fence["file"]).write_text(fence["text"].lstrip("\n"), "utf-8")
        if fence["language"] != "console":
            return fence[0]
        steps = [step.partition("\n") for step in re.split(r"^\$ ", fence["text"], flags=re.MULTILINE)[1:]]
        told = [f"$ {command}\n{shown_or_printed(shown, run(command, folder))}" for command, _, shown in steps]
        return "".join(["```console\n", *told, "```"])

    return FENCE.sub(block, page)


def run(command: str, folder: Path) -> str:
    """What a command prints on a terminal with 100 columns, errors included."""
    program, *arguments = shlex.split(command)
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "OUTLIVE_CACHE_DIR": str(folder / ".cache")}
    done = subprocess.run(
        [*PROGRAMS[program], *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def shown_or_printed(shown: str, printed: str) -> str:
    """What the page shows if that is what was printed, else what was printed."""
    printed = "".join(f"{line.rstrip()}\n" for line in printed.strip().splitlines())
    return shown if doctest.OutputChecker().check_output(shown, printed, doctest.ELLIPSIS) else printed


if __name__ == "__main__":
    main()
