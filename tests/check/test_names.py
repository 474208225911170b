"""What an imported name stands for."""

from __future__ import annotations

import pytest

from outlive.check.lower import read_facts
from outlive.check.program import FunctionSymbol, ModuleSymbol, Program, Symbol


def meaning(name: str, **texts: str) -> Symbol | None:
    """What a name means in ``shop/app.py``; the files of the package ``shop/db`` are given."""
    files = {"shop/__init__.py": "", **{f"shop/{path.replace('__', '/', 1)}.py": text for path, text in texts.items()}}
    program = Program({path: read_facts(text) for path, text in files.items()})
    app = next(module for module in program.modules if module.parts == ("shop", "app"))
    return program.resolve(app, name)


ENGINE = "def engine(): ..."


@pytest.mark.parametrize(
    "line", ["from shop.db import engine", "from .db import engine", "import shop.db.engine as engine"]
)
def test_a_function_goes_before_the_submodule_of_its_name(line: str) -> None:
    found = meaning("engine", app=line, db____init__="from .engine import engine", db__engine=ENGINE)

    assert isinstance(found, FunctionSymbol)
    assert found.facts.name == "engine"


@pytest.mark.parametrize(
    "line", ["from shop.db import engine", "from .db import engine", "import shop.db.engine as engine"]
)
def test_a_submodule_that_its_package_does_not_name(line: str) -> None:
    found = meaning(
        "engine", app=line, db____init__="from .other import thing", db__engine=ENGINE, db__other="thing = 1"
    )

    assert isinstance(found, ModuleSymbol)
    assert found.module.parts == ("shop", "db", "engine")


def test_a_submodule_that_its_package_imports() -> None:
    found = meaning("engine", app="from .db import engine", db____init__="from . import engine", db__engine=ENGINE)

    assert isinstance(found, ModuleSymbol)


def test_a_star_says_nothing_of_a_submodule() -> None:
    found = meaning("engine", app="from .db import engine", db____init__="from sqlalchemy import *", db__engine=ENGINE)

    assert isinstance(found, ModuleSymbol)
