"""``outlive explain``: the text of a hazard, or the list of all."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from textwrap import indent

from outlive.cli import selection, terminal
from outlive.hazards.catalog import Hazard, all_hazards
from outlive.report.pages import page


def run(arguments: argparse.Namespace) -> int:
    """Print the hazard that is asked for, or one line for each."""
    hazards = all_hazards()
    handle: str | None = arguments.hazard
    lines = listing(hazards) if handle is None else text(selection.one(hazards, handle))
    terminal.write("".join(f"{line}\n" for line in lines))
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
