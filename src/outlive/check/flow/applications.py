"""What an application holds while it runs: ``app.state.sessions``, set when it starts and read through ``request.app``.

Whoever reads such a name has seen to it that it is set.  So the functions that set it are walked first, and if all that
they put there does the same, that is what it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from outlive.check.flow import assigned, decorators, modules, wiring
from outlive.check.flow.state import State
from outlive.check.flow.values import UNKNOWN, FunctionValue, Ref, Value
from outlive.check.program import External, FunctionSymbol, Program

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

APPLICATION = External("starlette.applications.Starlette()")
STATE = External("starlette.applications.Starlette().state")
_CLASSES = frozenset({"FastAPI", "Litestar", "Starlette"})
_LIBRARIES = frozenset({"fastapi", "litestar", "starlette"})
_SET = re.compile(r"(?<!request)\.state\.(?P<name>\w+)\s*(?::[^=\n]+)?=(?!=)")


class Applications:
    """Names on ``app.state`` that hold what makes sessions.

    Attributes:
        setters: The functions that set some name there.
        held: What stands there.
    """

    def __init__(self, program: Program) -> None:
        self.setters = [
            function
            for function in program.functions()
            if ".state." in function.facts.text and _SET.search(function.facts.text)
        ]
        self.held: dict[str, Value] = {}
        self._found: dict[str, list[Value]] = {}

    def note(self, run: Interpreter, state: State, name: str, value: Value) -> None:
        """``app.state.name = value``"""
        found = self._found.setdefault(name, [])
        value = decorators.freed(value) if isinstance(value, FunctionValue) else value
        found.append(modules.kept(run, ("held", name, len(found)), value, state, modules.NESTING) or UNKNOWN)

    def digest(self, run: Interpreter) -> str:
        """Of all that is held, on which walks depend besides their own files."""
        return repr(sorted((name, wiring.told(run, value)) for name, value in self.held.items()))

    def settle(self, run: Interpreter) -> None:
        """Believe what all agree on."""
        for name, values in self._found.items():
            if all(assigned.makes_sessions(run, each) and modules.alike(run, each, values[0]) for each in values):
                self.held[name] = values[0]


def learn(run: Interpreter, walk: Callable[[FunctionSymbol], Iterable[State]]) -> None:
    """Walk the functions that set such names; what is noted on the way is told elsewhere."""
    for setter in run.applications.setters:
        wiring.walked(run, walk, setter)
    run.applications.settle(run)
    run.summaries.clear()  # They did not see it.


def made(symbol: object) -> Value | None:
    """An instance of a class, if that is one of applications."""
    is_one = isinstance(symbol, External) and symbol.last in _CLASSES and symbol.library in _LIBRARIES
    return APPLICATION if is_one else None


def read(run: Interpreter, state: State, name: str) -> Value:
    """``app.state.name``"""
    value = run.applications.held.get(name, UNKNOWN)
    if isinstance(value, Ref):
        modules.enter(run, state, value)
    return value
