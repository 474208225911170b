"""``outlive explain``: the text of a hazard, the list of all, or what is known at a line or of a traceback."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import indent

from outlive.check import engine
from outlive.check.config import find_project
from outlive.cli import pasted, selection, stdin, terminal
from outlive.cli.cache_folder import cache_folder
from outlive.cli.job import STDIN, files_of, folder_of
from outlive.hazards.catalog import Hazard, all_hazards
from outlive.lifecycle.errors import UsageError
from outlive.lifecycle.places import Place
from outlive.report import account
from outlive.report.pages import page

_LINE = re.compile(r"(?P<file>.+?):(?P<line>\d+)(:\d+)?")


def run(arguments: argparse.Namespace) -> int:
    """Print the hazard that is asked for, or one line for each, or what is known at a line or of a traceback."""
    hazards = all_hazards()
    handle: str | None = arguments.what
    if handle == STDIN:
        return pasted.run(stdin.text(), "standard input", arguments)
    if handle is not None and Path(handle).is_file():
        return pasted.run(Path(handle).read_text("utf-8", errors="replace"), handle, arguments)
    if handle is not None and (place := _LINE.fullmatch(handle)):
        return _look(Place(place["file"], int(place["line"])), arguments)
    if arguments.paths:
        raise UsageError("the paths of a program go with FILE:LINE and with a traceback")
    lines = listing(hazards) if handle is None else text(selection.one(hazards, handle))
    terminal.write("".join(f"{line}\n" for line in lines))
    return 0


def _look(place: Place, arguments: argparse.Namespace) -> int:
    """Print what is known at a line."""
    project = find_project(folder_of(place.filename))
    found = files_of(project, [place.filename, *(arguments.paths or ["."])])
    cache, trouble = cache_folder(project.root)
    for warning in found.warnings + trouble:
        terminal.say(f"warning: {warning}")
    file = next(file for file in found.files if file.samefile(place.filename))
    seen = engine.look(found.files, replace(place, filename=str(file)), cache=cache)
    if seen is None:
        raise UsageError(f"{place}: nothing is executed there, or later in the function around it")
    colour = terminal.wants_colour(sys.stdout)
    terminal.write(account.render(seen, place.line, width=terminal.columns(), colour=colour))
    return 0


def listing(hazards: Iterable[Hazard]) -> Iterator[str]:
    """One line per hazard: code, name, summary."""
    rows = [(hazard.code, hazard.name, _plain(hazard.summary)) for hazard in hazards]
    width = max((len(name) for _, name, _ in rows), default=0)
    for code, name, summary in rows:
        yield f"{code}  {name:{width}}  {summary}"


def text(hazard: Hazard) -> Iterator[str]:
    """Everything there is to say about a hazard, with its examples if it has any."""
    yield f"{hazard.code} {hazard.name}"
    yield ""
    yield _plain(hazard.text)
    for title, example in [(f"Bad{_raises(hazard)}", hazard.bad), ("Good", hazard.good)]:
        if example:
            yield ""
            yield title
            yield indent(example.strip("\n"), "    ")
    yield ""
    yield f"More: {page(hazard.name)}"


def _plain(text: str) -> str:
    # The docs need two backticks; a terminal reads better with one.
    return text.replace("``", "`")


def _raises(hazard: Hazard) -> str:
    if hazard.raises is None:
        return " (no error, a wrong value)"
    if hazard.raises[:1].isupper():
        return f" (raises {hazard.raises})"
    return f" (raises SQLAlchemy's error {hazard.raises}, https://sqlalche.me/e/20/{hazard.raises})"
