"""What tests replace: a function that a test file patches does something else in its tests, and nobody sees what.

Source: ``unittest.mock.patch``, pytest's ``monkeypatch.setattr`` and pytest-mock's ``mocker.patch``, by their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from outlive.check.ir import Term
from outlive.check.program import Module, Program

_PATCHES = re.compile(r"""\b(?:patch(?:\.object)?|setattr)\(\s*(?:[\w.]+,\s*)?["'](?:[\w.]*\.)?(?P<name>\w+)["']""")
_SHARED = "conftest.py"


class Replaced:
    """The names of functions and classes that the tests of a program replace."""

    def __init__(self, program: Program) -> None:
        own = {module: frozenset(_patched(module)) for module in program.modules if is_test(module)}
        shared = (names for module, names in own.items() if PurePath(module.filename).name == _SHARED)
        everywhere = frozenset[str]().union(*shared)
        self._names = {module: everywhere | names for module, names in own.items()}

    def by(self, module: Module) -> frozenset[str]:
        """What is replaced in the tests of one file; nothing, where it has none."""
        return self._names.get(module, frozenset())

    def digest(self) -> str:
        return repr(sorted({name for names in self._names.values() for name in names}))


def is_test(module: Module) -> bool:
    name = PurePath(module.filename).name
    return name == _SHARED or name.startswith("test_") or name.endswith("_test.py")


def _patched(module: Module) -> Iterator[str]:
    for function in module.facts.functions:
        yield from (found["name"] for found in _PATCHES.finditer(function.text))
        for decorator in function.decorators:
            yield from _given(decorator)
    for class_ in module.facts.classes:
        for decorator in class_.decorators:
            yield from _given(decorator)


def _given(decorator: Term) -> Iterator[str]:
    """``@patch("shop.orders.load")``, ``@patch.object(orders, "load")``"""
    if decorator.kind == "call" and "patch" in decorator.head.split("."):
        yield from (part.text.rpartition(".")[2] for part in decorator.parts if part.kind == "text")
