"""What is known of libraries: our files, and those of a project."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from outlive.check.engine import check
from outlive.check.knowledge import Handover, knowledge
from outlive.hazards.catalog import all_hazards
from outlive.lifecycle.errors import UsageError
from tests.hazards.programs import BOOKSHOP

JOBS = """
[[handover]]
calls = ["jobs.Queue().put", "jobs.spawn"]
work = 0
arguments = "rest"
runs = "afterwards"
"""

PROGRAM = """
from jobs import Queue, spawn

queue = Queue()

def print_author(book):
    print(book.author.name)

def {name}():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        {call}(print_author, book)
"""


def names(text: str, tmp_path: Path, toml: str) -> list[str]:
    file = tmp_path / "jobs.toml"
    file.write_text(toml)
    path = Path("shop.py")
    found = check([path], all_hazards(), texts={"shop.py": BOOKSHOP + text}, known=knowledge([file])).findings
    return [finding.name for finding in found]


@pytest.mark.parametrize("call", ["spawn", "queue.put"])
def test_a_project_tells_what_hands_work_over(tmp_path: Path, call: str) -> None:
    assert ["object-sent-to-background-work"] == names(PROGRAM.format(name="work", call=call), tmp_path, JOBS)


CACHE = """
[[cache]]
decorators = ["jobs.Store().kept"]
keeps = "copy"
unless = ["as_json"]
"""

CACHED = """
from jobs import Store
from sqlalchemy.orm import scoped_session

current = scoped_session(SessionLocal)
store = Store()

@store.kept({options})
def book():
    return current.get(Book, 1)

def {name}():
    return book().author
"""


def test_a_project_tells_what_keeps_results(tmp_path: Path) -> None:
    assert ["object-cached"] == names(CACHED.format(name="author", options=""), tmp_path, CACHE)


def test_a_result_that_is_kept_in_another_form_is_silent(tmp_path: Path) -> None:
    assert [] == names(CACHED.format(name="author", options="as_json=True"), tmp_path, CACHE)


@pytest.mark.parametrize("name", ["main", "test_author"])
def test_what_runs_once_is_silent(tmp_path: Path, name: str) -> None:
    assert [] == names(CACHED.format(name=name, options=""), tmp_path, CACHE)


QUEUE = """
[[queue]]
applications = ["jobs.Application"]
sends = ["enqueue"]
"""

QUEUED = """
from jobs import Application

application = Application()

@application.task
def print_label(book):
    print(book.title)

def send(book_id):
    with SessionLocal() as session:
        print_label.enqueue(session.get(Book, book_id))
"""


@pytest.mark.parametrize(("toml", "expected"), [(QUEUE, ["object-sent-to-queue"]), ("", [])])
def test_a_project_tells_what_sends_arguments_away(tmp_path: Path, toml: str, expected: list[str]) -> None:
    assert expected == names(QUEUED, tmp_path, toml)


def test_what_nobody_tells_is_silent(tmp_path: Path) -> None:
    assert [] == names(PROGRAM.format(name="work", call="spawn"), tmp_path, "")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[[handover]]\ncalls = 1", "jobs.toml: not knowledge of a library: "),
        ("[[handover]]\ncalls = []\nwork = 0\nruns = 'never'", "jobs.toml: not knowledge of a library: "),
        ("[[handovers]]", "jobs.toml: not knowledge of a library: "),
        ("handover = ", "jobs.toml: not knowledge of a library: "),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, toml: str, message: str) -> None:
    file = tmp_path / "jobs.toml"
    file.write_text(toml)

    with pytest.raises(UsageError, match=message):
        knowledge([file])


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: "):
        knowledge([tmp_path / "jobs.toml"])


OURS = knowledge()


@pytest.mark.parametrize(
    "call",
    sorted({*OURS.handovers, *OURS.caches, *OURS.puts, *OURS.takes, *OURS.dumps, *OURS.loads, *OURS.noreturns}),
)
def test_every_call_that_we_know_exists(call: str) -> None:
    found, method = thing_of(call)

    assert callable(found)
    if method and isinstance(found, type):
        assert hasattr(found, method)


def named(call: str) -> bool:
    return bool(OURS.handovers[call].named)


@pytest.mark.parametrize("call", sorted(filter(named, OURS.handovers)))
def test_what_is_handed_over_stands_where_we_say(call: str) -> None:
    found, method = thing_of(call)
    if call.startswith("asyncio.") and "loop()." in call:
        found = asyncio.AbstractEventLoop
    names = list(inspect.signature(getattr(found, method) if method else found).parameters)
    if method:
        del names[0]  # `self`
    known = OURS.handovers[call]

    assert isinstance(known.work, int)
    assert known.named == names[known.work]
    assert known.position is None or known.arguments == names[known.position]


def thing_of(call: str) -> tuple[Callable[..., object], str]:
    """What a dotted name stands for, and the method of what that makes."""
    owner, _, method = call.partition("()")
    module, _, name = owner.rpartition(".")
    pytest.importorskip(module.partition(".")[0])
    while True:
        try:
            found = importlib.import_module(module)
            break
        except ModuleNotFoundError:
            module, _, outer = module.rpartition(".")
            name = f"{outer}.{name}"
    for part in name.split("."):
        found = getattr(found, part)
    return found, method.removeprefix(".")


def test_entries_are_data() -> None:
    assert all(isinstance(entry, Handover) for entry in knowledge().handovers.values())


SHELF = """
[[cache]]
shelves = ["jobs.Shelf"]
keeps = "object"
"""

SHELVED = """
from jobs import Shelf

BOOKS = Shelf(100)

def sell(book_id):
    with SessionLocal() as session:
        BOOKS[book_id] = session.get(Book, book_id)
        session.commit()

def price(book_id):
    with SessionLocal() as session:
        return (BOOKS.get(book_id) or session.get(Book, book_id)).price
"""


@pytest.mark.parametrize(("toml", "expected"), [(SHELF, ["object-cached"]), ("", [])])
def test_a_project_tells_what_is_filled_like_a_dict(tmp_path: Path, toml: str, expected: list[str]) -> None:
    assert expected == names(SHELVED, tmp_path, toml)


STORE = """
[[store]]
puts = ["jobs.Cache().put"]
value = 0
word = "order"
takes = ["jobs.Cache().find"]
keeps = "object"

[[pickle]]
dumps = ["jobs.freeze"]
loads = ["jobs.thaw"]
"""

STORED = """
from jobs import Cache, freeze, thaw

class Shop:
    def __init__(self, cache: Cache):
        self.cache = cache

    def sell(self, book_id):
        with SessionLocal() as session:
            book = session.get(Book, book_id)
            {put}
            len(book.author.books)

    def author(self):
        return {take}.author
"""


@pytest.mark.parametrize(
    ("put", "take"),
    [
        ("self.cache.put(book)", "self.cache.find()"),
        ("self.cache.put(order=freeze(book))", "thaw(self.cache.find())"),
    ],
)
@pytest.mark.parametrize("toml", [STORE, ""])
def test_a_project_tells_what_a_cache_is_called(tmp_path: Path, toml: str, put: str, take: str) -> None:
    known = toml and "freeze" in put  # The object itself has got its author before the session closed.

    assert (["object-cached"] if known else []) == names(STORED.format(put=put, take=take), tmp_path, toml)


LENDER = """
[[session]]
calls = ["jobs.open_session"]
asynchronous = false
expires = {expires}
commits = {commits}
"""

LENT = """
from jobs import open_session

def price():
    with open_session() as session:
        book = session.get(Book, 1)
    return book.price
"""

DEPENDED = """
from fastapi import Depends, FastAPI
from jobs import open_session

app = FastAPI()

@app.post("/books")
def add(title: str, session=Depends(open_session{scope})):
    session.add(Book(title=title))

@app.get("/books")
def show(session=Depends(open_session)):
    return [book.title for book in session.scalars(select(Book))]
"""


@pytest.mark.parametrize(
    ("expires", "commits", "expected"),
    [("true", "true", ["read-after-commit-and-close"]), ("false", "true", []), ("true", "false", [])],
)
def test_a_project_tells_what_gives_sessions(tmp_path: Path, expires: str, commits: str, expected: list[str]) -> None:
    assert expected == names(LENT, tmp_path, LENDER.format(expires=expires, commits=commits))


@pytest.mark.parametrize(
    ("scope", "commits", "expected"),
    [("", "true", ["commit-after-response"]), (', scope="function"', "true", []), ("", "false", [])],
)
def test_a_dependency_of_a_library_may_commit_late(
    tmp_path: Path, scope: str, commits: str, expected: list[str]
) -> None:
    text = DEPENDED.format(scope=scope)

    assert expected == names(text, tmp_path, LENDER.format(expires="false", commits=commits))


NORETURN = """
[[noreturn]]
calls = ["jobs.refuse", "jobs.Job().give_up"]
raises = "{raises}"
"""

REFUSED = """
from jobs import Job, refuse

job = Job()

def rename(title):
    book = None
    try:
        with Session(engine, expire_on_commit=False) as session:
            book = session.get(Book, 1)
            try:
                book.title = title
                session.commit()
            except IntegrityError:
                session.rollback()
                {call}(409)
        print(book.title)
    except {caught}:
        print(book.price)
"""


@pytest.mark.parametrize("call", ["refuse", "job.give_up"])
@pytest.mark.parametrize(
    ("raises", "caught", "count"),
    [("jobs.Refused", "ValueError", 1), ("LookupError", "ValueError", 0), ("KeyError", "LookupError", 1)],
)
def test_a_project_tells_what_never_returns(tmp_path: Path, call: str, raises: str, caught: str, count: int) -> None:
    text = REFUSED.format(call=call, caught=caught)

    assert ["read-after-rollback"] * count == names(text, tmp_path, NORETURN.format(raises=raises))


def test_what_is_not_known_to_leave_goes_on(tmp_path: Path) -> None:
    assert "read-after-rollback" in names(REFUSED.format(call="refuse", caught="ValueError"), tmp_path, "")
