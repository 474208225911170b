"""Classes of tests: what runs before each of their tests, and behind it.

Source: unittest of CPython 3.11 to 3.13, ``TestCase`` and ``IsolatedAsyncioTestCase``; pytest 9, which calls
``setup_method`` of both kinds of classes first and ``teardown_method`` last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from outlive.check.entities import Entities
from outlive.check.flow import calls
from outlive.check.flow.frames import Frame, Pairs
from outlive.check.flow.state import State
from outlive.check.flow.values import FunctionValue, Ref
from outlive.check.program import ClassSymbol, FunctionSymbol, Program

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

BEFORE = ("setup_class", "setUpClass", "setup_method", "setUp", "asyncSetUp")
_BEHIND = ("asyncTearDown", "tearDown", "teardown_method")


def class_of(program: Program, entities: Entities, method: FunctionSymbol) -> ClassSymbol | None:
    """The class whose way to begin is a test's: its own, or the one below it; ``None`` if there is none, or several."""
    if method.facts.parent < 0 or not method.facts.name.startswith("test"):
        return None
    own = ClassSymbol(method.module, method.facts.parent)
    if _methods(program, own, BEFORE):
        return own
    below = [each for each in entities.heirs.get(own, ()) if _methods(program, each, BEFORE)]
    return below[0] if len({tuple(_methods(program, each, BEFORE)) for each in below}) == 1 else None


def begin(run: Interpreter, states: list[State], root: Frame, owner: ClassSymbol) -> list[State]:
    """What runs before a test leaves in its instance."""
    for method in _methods(run.program, owner, BEFORE):
        states = [after for one in states for after in _called(run, one, root, method)][:2]
    run.keeping = []  # What it keeps in fields, the test has as well.
    return states


def end(run: Interpreter, pairs: Pairs, root: Frame, owner: ClassSymbol) -> Pairs:
    """What runs behind a test."""
    for method in _methods(run.program, owner, _BEHIND):
        pairs = [(after, value) for one, value in pairs for after in _called(run, one, root, method)]
    return pairs


def _methods(program: Program, owner: ClassSymbol, names: Sequence[str]) -> list[FunctionSymbol]:
    lineage = program.lineage(owner)[0]
    found = [next((class_ for class_ in lineage if name in class_.facts.methods), None) for name in names]
    return [
        FunctionSymbol(class_.module, class_.facts.methods[name])
        for name, class_ in zip(names, found, strict=True)
        if class_ is not None
    ]


def _called(run: Interpreter, state: State, root: Frame, method: FunctionSymbol) -> list[State]:
    """The states behind it; what shows in it is told where it is walked by itself."""
    assert root.function is not None
    test = state.envs[root.id].get(root.function.parameters[0].name)
    if not isinstance(test, Ref):
        return [state]
    noted = len(run.log.notes)
    bound = FunctionValue(method, test)
    pairs = calls.inline(run, bound, [], [], False, state, root, method.facts.span, None)
    del run.log.notes[noted:]
    return [one for one, _ in pairs[:2]]
