"""What a commit does to the objects of a session that comes in as an argument: what it does in all of the program's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from outlive.check.flow import wiring
from outlive.check.flow.replaced import is_test
from outlive.check.flow.state import Session, State
from outlive.check.flow.values import Factory
from outlive.check.program import FunctionSymbol, Program

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_OPENS = re.compile(r"\b(?:\w*Session|\w*sessionmaker)\(")
MOST = 12
"""Functions that are walked to learn it: a program has a few that open its sessions."""


def learn(run: Interpreter, walk: Callable[[FunctionSymbol], Iterable[State]]) -> None:
    """By the factories of modules, else by the sessions that dependencies and the like open, else by those of tests."""
    made = run.log.factories
    tested = {spot for spot in made if is_test(run.frames[spot.frame][2])}
    found = _by_kind(factory for spot, factory in made.items() if spot not in tested)
    for others in (_opened(run, walk), (made[spot] for spot in tested)):
        if len(found) < 2:
            found = {**_by_kind(others), **found}
    for is_async in (False, True):
        answers = found.get(is_async, set())
        run.default_expires[is_async] = answers.pop() if len(answers) == 1 else None
    run.summaries.clear()  # They did not know.


def _by_kind(made: Iterable[Factory | Session]) -> dict[bool, set[bool | None]]:
    """Whether a commit expires what they hold: of sync ones, and of async ones."""
    found: dict[bool, set[bool | None]] = {}
    for each in made:
        found.setdefault(each.is_async, set()).add(each.expires)
    return found


def _opened(run: Interpreter, walk: Callable[[FunctionSymbol], Iterable[State]]) -> Iterator[Session]:
    for function in _openers(run.program)[:MOST]:
        for end in wiring.walked(run, walk, function):
            yield from (held for held in end.sessions.values() if held.factory is not None)


def _openers(program: Program) -> list[FunctionSymbol]:
    """The functions that open a session for somebody else."""
    return [
        function
        for function in program.functions()
        if "yield" in function.facts.text and _OPENS.search(function.facts.text) and not is_test(function.module)
    ]
