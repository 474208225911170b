"""What an imported name stands for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from outlive.check.engine import check
from outlive.check.lower import read_facts
from outlive.check.program import FunctionSymbol, ModuleSymbol, Program, Symbol
from outlive.hazards.catalog import all_hazards


def meaning(name: str, **texts: str) -> Symbol | None:
    """What a name means in ``shop/app.py``; the files of the package ``shop/db`` are given."""
    files = {"shop/__init__.py": "", **{f"shop/{path.replace('__', '/', 1)}.py": text for path, text in texts.items()}}
    program = Program({path: read_facts(text) for path, text in files.items()})
    app = next(module for module in program.modules if module.parts == ("shop", "app"))
    return program.resolve(app, name)


ENGINE = "def engine(): ..."
SHOP = {
    "shop/__init__.py": "",
    "shop/models.py": """
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    books: Mapped[list["Book"]] = relationship()


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
""",
    "shop/late/__init__.py": "",
    "shop/late/reads.py": """
from sqlalchemy.orm import Session

from shop.late.engines import engine
from shop.models import Author


def late():
    with Session(engine) as session:
        author = session.get_one(Author, 1)
    return author.books
""",
    "shop/late/engines.py": "from sqlalchemy import create_engine\n\nengine = create_engine('sqlite://')\n",
}


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


@pytest.mark.parametrize("line", ["from shop.db import engine", "import shop.db as db\n\nengine = db.engine"])
def test_names_of_files_that_begin_inside_their_package(line: str) -> None:
    files = {"__init__.py": "", "app.py": line, "db.py": ENGINE}
    program = Program({path: read_facts(text) for path, text in files.items()}, around=("src", "shop"))
    app = next(module for module in program.modules if module.filename == "app.py")

    db = program.find_module("shop.db", app)

    assert db is not None
    assert db.filename == "db.py"


@pytest.mark.parametrize("where", [".", "shop", "shop/late"])
def test_a_check_from_inside_a_package(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in SHOP.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path / where)
    here = [Path(os.path.relpath(tmp_path / name)) for name in SHOP if name.startswith(where.strip("."))]
    above = [tmp_path / name for name in SHOP if not name.startswith(where.strip("."))]

    result = check([*here, *above], all_hazards())

    assert [finding.name for finding in result.findings] == ["lazy-read-after-close"]


MADE = {
    "shop/crud/__init__.py": "from .authors import authors\nfrom .sessions import shared\n",
    "shop/crud/authors.py": """
from shop.models import Author


class Authors:
    def get(self, session):
        return session.get_one(Author, 1)


authors = Authors()
""",
    "shop/crud/sessions.py": """
from sqlalchemy.orm import Session

from shop.late.engines import engine

shared = Session(engine)
""",
    "shop/late/reads.py": """
from sqlalchemy.orm import Session

from shop import crud
from shop.late.engines import engine


def late():
    with Session(engine) as session:
        author = crud.authors.get(session)
    return author.books


def late_of_all():
    author = crud.authors.get(crud.shared)
    crud.shared.close()
    return author.books
""",
}


def test_what_a_module_has_made_by_the_name_of_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (SHOP | MADE).items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)

    result = check([Path(name) for name in SHOP | MADE], all_hazards())

    assert [(each.name, each.place.line) for each in result.findings] == [
        ("lazy-read-after-close", 11),
        ("lazy-read-after-close", 17),
    ]
