"""Where the walk starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from outlive.check import engine
from outlive.check.entities import Entities
from outlive.check.flow import analysis
from outlive.check.flow.interpreter import Interpreter
from outlive.check.flow.mentions import Mentions
from outlive.check.flow.reach import Reach
from outlive.check.lower import read_facts
from outlive.check.program import FunctionSymbol, Program
from outlive.hazards.catalog import all_hazards

MODELS = """
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

class Base(DeclarativeBase): ...
class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
class Label:
    text: str
class Shelf:
    books: list[Book]
make_session = sessionmaker(create_engine("sqlite://"))
"""


def roots(code: str, **others: str) -> set[str]:
    """Names of the functions of a program in which the walk starts."""
    texts = {
        "shop/models.py": MODELS,
        "shop/app.py": code,
        **{f"shop/{name}.py": text for name, text in others.items()},
    }
    program = Program({name: read_facts(text) for name, text in texts.items()})
    reach = Reach(program, Entities(program), Mentions(), {"delay"})
    return {symbol.facts.qualname for symbol in reach.roots()}


OPENING = """
from .models import Book, Label, Shelf, make_session

def load():
    with make_session() as session:
        return session.get(Book, 1)
"""


def test_a_function_that_opens_a_session():
    assert roots(OPENING) == {"load"}


def test_a_function_that_is_given_a_session():
    code = "from .models import Session\ndef save(db: Session): ...\ndef keep(session): ...\ndef lose(other): ..."

    assert roots(code) == {"save", "keep"}


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        ("", {"load", "show"}),
        ("-> Book", {"load", "show"}),
        ("-> Shelf", {"load", "show"}),
        ("-> 'Book | None'", {"load", "show"}),
        ("-> Thing", {"load", "show"}),
        ("-> None", {"load"}),
        ("-> int", {"load"}),
        ("-> Label", {"load"}),
    ],
)
def test_a_caller_of_it_that_may_get_something_alive(returned, expected):
    code = OPENING.replace("load():", f"load() {returned}:") + "\ndef show():\n    print(load())\n"

    assert roots(code) == expected


def test_a_caller_under_another_name_in_another_file():
    code = "from .names import fetch\ndef show():\n    return fetch().id\ndef other():\n    return 1\n"

    assert roots(code, names="from .data import load as fetch\n", data=OPENING) == {"load", "show"}


def test_methods_of_a_class_that_keeps_a_session():
    code = """
from .models import Base, make_session

class Repository:
    def __init__(self):
        self.work = make_session()
    def save(self):
        self.work.commit()

class Special(Repository):
    def name(self): ...

class Service:
    repository: Repository
    def run(self):
        self.repository.save()
    def name(self): ...
"""

    assert roots(code) == {"Repository.__init__", "Repository.save", "Special.name", "Service.run"}


def test_the_type_of_what_is_called_is_followed():
    code = """
from .models import make_session

class Unit:
    def begin(self):
        return make_session()

def unit() -> Unit: ...
def other() -> int: ...
def use():
    unit().begin().commit()
def begin():
    other().begin()
"""

    assert roots(code) == {"Unit.begin", "use"}


def test_what_a_constructor_keeps_is_found_from_methods_in_front_of_it():
    code = """
from .models import Book, make_session

class Orders:
    def save(self):
        with make_session() as session:
            return session.get(Book, 1)

class Container:
    def orders(self) -> Orders: ...

class Service:
    def run(self):
        self.kept.save()
    def wait(self): ...
    def __init__(self, container: Container) -> None:
        self.kept = container.orders()
"""

    assert roots(code) == {"Orders.save", "Service.run"}


def test_a_function_that_gives_an_object_to_one_that_opens_a_session():
    code = """
from .models import Book, Label, make_session

def save(thing) -> None:
    with make_session() as session:
        session.add(thing)
def add():
    save(Book())
def label():
    save(Label())
"""

    assert roots(code) == {"save", "add"}


def test_a_function_that_sends_an_object_away():
    code = "from .models import Book\ndef send(task):\n    task.delay(Book())\ndef wait(task):\n    task.delay(1)\n"

    assert roots(code) == {"send"}


def test_functions_that_call_each_other_come_to_an_end():
    code = "from .models import make_session\ndef a():\n    return b()\ndef b():\n    return a() or make_session()\n"

    assert roots(code) == {"a", "b"}


def test_only_these_are_walked(monkeypatch, tmp_path):
    walked = []
    walk: Callable[[Interpreter, FunctionSymbol], None] = analysis._walk_function

    def counting(run: Interpreter, symbol: FunctionSymbol) -> None:
        walked.append(symbol.facts.qualname)
        walk(run, symbol)

    monkeypatch.setattr(analysis, "_walk_function", counting)
    far = "".join(f"def f{n}(session_id, query):\n    return query.execute(session_id).merge()\n" for n in range(50))
    names = ["models.py", "app.py", "far.py"]
    texts = dict(zip(names, [MODELS, OPENING.replace(".models", "models"), far], strict=True))

    engine.check([Path(name) for name in names], all_hazards(), texts=texts)

    assert walked == ["load"]
