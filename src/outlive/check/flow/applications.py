"""What an application holds while it runs: ``app.state.sessions``, set when it starts and read through ``request.app``.

Whoever reads such a name has seen to it that it is set.  So the functions that set it are walked first, and if all that
they put there does the same, that is what it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from outlive.check.flow import assigned, wiring
from outlive.check.flow.state import State
from outlive.check.flow.values import UNKNOWN, Value
from outlive.check.program import External, FunctionSymbol, Program

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

APPLICATION = External("starlette.applications.Starlette()")
STATE = External("starlette.applications.Starlette().state")
_CLASSES = frozenset({"FastAPI", "Litestar", "Starlette"})
_LIBRARIES = frozenset({"fastapi", "litestar", "starlette"})
_SET = re.compile(r"(?<!request)\.state\.(\w+)\s*(?::[^=\n]+)?=(?!=)")


class Applications:
    """Names on ``app.state`` that hold what makes sessions.

    Attributes:
        setters: The functions that set such names, and the names.
        held: What stands there.
        found: What has been put there, as long as this is being learned.
    """

    def __init__(self, program: Program) -> None:
        self.setters = {
            function: names
            for function in program.functions()
            if ".state." in function.facts.text and (names := _SET.findall(function.facts.text))
        }
        self.held: dict[str, Value] = {}
        self.found: dict[str, list[Value]] | None = {}

    def note(self, run: Interpreter, state: State, name: str, value: Value) -> None:
        """``app.state.name = value``"""
        if self.found is not None:
            found = self.found.setdefault(name, [])
            found.append(wiring.outlasting(run, ("held", name, len(found)), value, state) or UNKNOWN)

    def digest(self, run: Interpreter) -> str:
        """Of all that is held, on which walks depend besides their own files."""
        return repr(sorted((name, wiring.told(run, value)) for name, value in self.held.items()))


def learn(run: Interpreter, walk: Callable[[FunctionSymbol], Iterable[State]]) -> None:
    """Walk the functions that set such names; what is noted on the way is told elsewhere."""
    applications = run.applications
    found = applications.found = applications.found or {}
    for setter, names in applications.setters.items():
        before = {name: len(found.setdefault(name, [])) for name in names}
        wiring.walked(run, walk, setter)
        for name, count in before.items():
            if len(found[name]) == count:
                found[name].append(UNKNOWN)  # A function within it sets the name, or it takes too long.
    applications.found = None
    for name, values in found.items():
        value = assigned.agreed(run, values)
        if value is not None:
            applications.held[name] = value
    run.summaries.clear()  # They did not see it.


def made(symbol: object) -> Value | None:
    """An instance of a class, if that is one of applications."""
    is_one = isinstance(symbol, External) and symbol.last in _CLASSES and symbol.library in _LIBRARIES
    return APPLICATION if is_one else None


def read(run: Interpreter, state: State, name: str) -> Value:
    """``app.state.name``"""
    return run.present(run.applications.held.get(name, UNKNOWN), state)
