"""What a function does is lowered late, and comes out as if it had been lowered with its file."""

from __future__ import annotations

import argparse
import asyncio.base_events
import dataclasses
import pathlib
import re
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from outlive.check import engine, program
from outlive.check.facts import Facts, Function
from outlive.check.lower import lower_function, read_facts
from outlive.check.lower.statements import Statements
from outlive.check.program import Program
from outlive.hazards.catalog import all_hazards

TEXTS = {
    "method": "class A:\n    @d(lambda: 1)\n    async def f(self, x=1):\n        await x\n        [y.z for y in x]\n",
    "tabs": "class A:\n\tdef f(self):\n\t\treturn self.é.x\n",
    "form feed": "\f\ndef f(x):\n\f    return x.y\n\f\nclass A:\n\f    def g(self): return self.x\n",
    "one line": "if 1:\n  def f(x): import q as b; yield x.y\n",
    "windows": "class A:\r\n    def f(self):\r\n        '''a\r\nb'''\r\n        return self.x\r\n",
    "nested": "def f(x):\n    global g\n    def h(y):\n        nonlocal x\n        return lambda: x.a(y)\n",
    "string": "def f():\n    s = '''\nleft\n'''\n    return s.x\n",
    "after the end": "def f(x): return (x.\n  y); # comment\nz = 1\n",
    "far down": "\n" * 5_000 + "class A:\n    def f(self):\n        return self.x\n",
    "imports": "def f():\n    import a.b, c as d\n    try:\n        from q import r\n    except E:\n        import r\n",
}


def both(text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[Facts, Facts]:
    """The facts of a text, lowered when asked for, and at once."""
    late = read_facts(text)
    [module] = Program({"a.py": late}).modules
    assert all(function.lowered for _, function in module.all_functions())
    monkeypatch.setattr(Statements, "has_classes", lambda *_: True)
    return late, read_facts(text)


def told(functions: list[Function]) -> list[str]:
    """All of them, whatever their order, and so their numbers."""
    return sorted(re.sub(r"(MakeFunction\(target='[^']*', index=)\d+", r"\1", repr(function)) for function in functions)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_function_is_the_same_whenever_it_is_lowered(text, monkeypatch):
    late, early = both(text, monkeypatch)

    assert told(early.functions) == told(late.functions)
    assert (early.imports, set(early.free), early.body) == (late.imports, set(late.free), late.body)


@pytest.mark.parametrize("module", [argparse, asyncio.base_events, dataclasses, pathlib, textwrap])
def test_so_it_is_in_real_modules(module: ModuleType, monkeypatch):
    late, early = both(Path(str(module.__file__)).read_text("utf-8"), monkeypatch)

    assert told(early.functions) == told(late.functions)


def test_a_function_that_cannot_be_read_by_itself_does_nothing():
    facts = read_facts("class A:\n    \\\ndef f(self): x = ''\\\n  ''\n\n    def g(self): ...\n")
    facts.functions[0].text += "'"
    Program({"a.py": facts})

    assert [[], []] == [function.body for function in facts.functions]


APP = """
from sqlalchemy.orm import Session

def clear(session: Session):
    helped()
    session.clear()

def helped(): ...
"""


def test_what_nobody_enters_is_not_lowered(tmp_path, monkeypatch):
    files = [tmp_path / "app.py", tmp_path / "other.py"]
    files[0].write_text(APP + "".join(f"def f{n}(): return g{n}.x\n" for n in range(100)))
    files[1].write_text("".join(f"class C{n}:\n    def f(self): return self.x\n" for n in range(100)))
    lowered = []

    def noted(facts: Facts, function: Function):
        lowered.append(function.name)
        return lower_function(facts, function)

    monkeypatch.setattr(program, "lower_function", noted)
    found = engine.check(files, all_hazards()).findings

    assert (1, ["clear"]) == (len(found), lowered)
