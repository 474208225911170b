"""What is known at a line, held against the same line of the program while SQLAlchemy runs it."""

from __future__ import annotations

import asyncio
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import inspect

from outlive import unloaded
from outlive.check.engine import look
from outlive.check.flow.known import Known
from outlive.check.flow.witness import Account
from outlive.lifecycle.errors import UsageError
from outlive.lifecycle.places import Place
from outlive.lifecycle.states import State

BOOKSHOP = (Path(__file__).parents[1] / "bookshop.py").read_text()
ATTRIBUTES = {"id", "name", "biography", "books"}

PROGRAMS = {
    "loaded": """
def run():
    with Session(engine) as session:
        author = session.scalars(select(Author).where(Author.id == 1)).one()
        name = author.name  # look
""",
    "closed": """
def run():
    with Session(engine) as session:
        author = session.scalars(select(Author).options(selectinload(Author.books)).where(Author.id == 1)).one()
    name = author.name  # look
""",
    "committed": """
def run():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.commit()
        print(author in session)  # look
""",
    "expunged at": """
def run():
    with Session(engine) as session:
        author = session.get(Author, 1)
        session.expunge(author)
        print(author.name)  # look
""",
    "not added": """
def run():
    author = Author(name="Ann")
    print(author.name)  # look
""",
    "added": """
def run():
    with Session(engine) as session:
        author = Author(name="Ann")
        session.add(author)
        print(author.name)  # look
""",
    "flushed": """
def run():
    with Session(engine) as session:
        author = Author(name="Ann")
        session.add(author)
        session.flush()
        print(author.name)  # look
""",
    "in a helper": """
def show(author):
    print(author.name)  # look

def run():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.rollback()
        session.refresh(author, ["name"])
        show(author)
""",
}


def written(folder: Path, program: str) -> Place:
    """A program on the bookshop, and its marked line."""
    file = folder / "shop.py"
    file.write_text(f"{BOOKSHOP}\n{program}")
    [line] = [number for number, text in enumerate(file.read_text().splitlines(), 1) if text.endswith("# look")]
    return Place(str(file), line)


def told(place: Place) -> Account:
    account = look([Path(place.filename)], place)
    assert account is not None
    return account


def before(account: Account, name: str) -> set[Known]:
    """What a name stands for, on any path and for any caller."""
    paths = (path for view in account.views for path in view.before)
    return {known for path in paths for known in path.known if known.name == name}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_it_is_what_sqlalchemy_has_there(tmp_path: Path, program: str):
    place = written(tmp_path, program)
    [author] = before(told(place), "author")
    state, values = at_run_time(place)

    [readable] = [names for status, names in author.details if status in {"loaded", "can be read"}] or [""]
    assert state == author.text.split(", ")[1].split()[0]
    assert values == (ATTRIBUTES if readable == "all" else {*readable.split(", ")} - {""})


def at_run_time(place: Place) -> tuple[State, set[str]]:
    """The state of ``author`` when the line is reached, and which of its attributes can be read without SQL."""
    found: list[tuple[State, set[str]]] = []

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if event == "line" and frame.f_lineno == place.line and frame.f_code.co_filename == place.filename:
            author = frame.f_locals["author"]
            state = next(name for name in State if getattr(inspect(author), name))
            found.append((state, ATTRIBUTES - set(unloaded(author))))
        return trace

    pytest.importorskip("aiosqlite")
    names = runpy.run_path(place.filename)
    sys.settrace(trace)
    try:
        names["run"]()
    finally:
        sys.settrace(None)
        names["engine"].dispose()
        asyncio.run(names["async_engine"].dispose())
    return found[0]


def test_the_places_tell_how_it_came_to_be(tmp_path: Path):
    place = written(
        tmp_path,
        """
def run():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.commit()
    print(author.name)  # look
""",
    )
    [author] = before(told(place), "author")

    opened, loaded, committed = (f"{place.filename}:{place.line - back}" for back in (3, 2, 1))
    assert f"Author, detached, its session closes at {opened}, loaded at {loaded}" == author.text
    assert ((f"expired by the commit at {committed}", "all"),) == author.details


EXITS = {
    "its session closes at": """
def run():
    with SessionLocal() as session:  # here
        author = session.get(Author, 1)
    print(author)  # look
""",
    "expunged at": """
def run():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.expunge(author)  # here
        print(author)  # look
""",
    "nothing holds its session any longer since": """
def load():
    session = SessionLocal()
    author = session.get(Author, 1)
    session.commit()
    return author  # here

def run():
    author = load()
    print(author)  # look
""",
    "transient again by the rollback at": """
def run():
    with SessionLocal() as session:
        author = Author(name="Ann")
        session.add(author)
        session.flush()
        session.rollback()  # here
    print(author)  # look
""",
    "a copy that a cache made at": """
def run(cache):
    with SessionLocal() as session:
        author = session.get(Author, 1)
        stored = pickle.dumps(author)  # here
    author = pickle.loads(stored)
    print(author)  # look
""",
    "a copy for another process, pickled at": """
def work(author):
    print(author)  # look

def run():
    with SessionLocal() as session, ProcessPoolExecutor() as pool:
        pool.submit(work, session.get(Author, 1))  # here
""",
}


@pytest.mark.parametrize("words", EXITS)
def test_what_took_it_out_of_its_session_is_told_with_the_place(tmp_path: Path, words: str):
    program = EXITS[words]
    place = written(tmp_path, "import pickle\nfrom concurrent.futures import ProcessPoolExecutor\n" + program)
    lines = Path(place.filename).read_text().splitlines()
    here = next(number for number, line in enumerate(lines, 1) if "# here" in line)
    told_of = [author.text for author in before(told(place), "author")]

    assert any(f"{words} {place.filename}:{here}" in text for text in told_of), told_of


def test_a_session_is_named_with_what_its_commit_does(tmp_path: Path):
    place = written(
        tmp_path,
        """
keeping = sessionmaker(engine, expire_on_commit=False)

def run(other):
    with keeping() as mine, SessionLocal() as theirs:
        print(mine, theirs, other)  # look
""",
    )
    account = told(place)

    assert {"mine", "theirs"} == {known.name for known in account.views[0].before[0].known}
    [mine], [theirs] = before(account, "mine"), before(account, "theirs")
    assert "Session, expire_on_commit=False" == mine.text
    assert "Session, a commit expires its objects" == theirs.text
    assert ("other",) == account.views[0].before[0].unknown


def test_paths_that_differ_are_all_told(tmp_path: Path):
    place = written(
        tmp_path,
        """
def run(flag):
    with SessionLocal() as session:
        author = session.get(Author, 1)
        if flag:
            session.commit()
        print(author.name)  # look
""",
    )
    details = {dict(known.details).get("loaded") for known in before(told(place), "author")}

    assert {"id, name", None} == details


def test_callers_bring_what_the_function_alone_does_not_know(tmp_path: Path):
    place = written(tmp_path, PROGRAMS["in a helper"])
    account = told(place)

    assert {(), (Place(place.filename, place.line + 7),)} == {
        tuple(replace(caller, column=1, end_line=None, end_column=None) for caller in view.callers)
        for view in account.views
    }
    assert "show" == account.function


def test_what_the_line_itself_changes_is_told_after_it(tmp_path: Path):
    place = written(
        tmp_path,
        """
def run():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.commit()  # look
""",
    )
    [view] = told(place).views
    [after] = [known for known in view.after[0].known if known.name == "author"]

    assert ((f"expired by the commit at {place}", "all"),) == after.details


def test_a_comprehension_is_one_step(tmp_path: Path):
    place = written(
        tmp_path,
        """
def run():
    with SessionLocal() as session:
        authors = session.scalars(select(Author)).all()
        names = [author.name for author in authors]  # look
""",
    )
    [view] = told(place).views

    assert {("session", "authors")} == {tuple(known.name for known in path.known) for path in view.after}


@pytest.mark.parametrize("line", ["with SessionLocal() as session:", "for author in authors:", "try:"])
def test_where_a_block_begins_nothing_is_told_of_its_end(tmp_path: Path, line: str):
    place = written(
        tmp_path,
        f"""
def run(authors):
    {line}  # look
        print(session.get(Author, 1), authors)
{"    finally: pass" if line == "try:" else ""}
""",
    )

    assert all(() == view.after for view in told(place).views if line != "try:")


def test_a_line_without_a_step_stands_for_the_next_one(tmp_path: Path):
    place = written(
        tmp_path,
        """
def run():
    with SessionLocal() as session:
        # look

        author = session.get(Author, 1)
""",
    )

    assert replace(place, line=place.line + 2) == told(place).place


def test_after_the_last_step_of_a_function_there_is_nothing(tmp_path: Path):
    place = written(tmp_path, "def run():\n    print(1)\n    # look\n")

    assert look([Path(place.filename)], replace(place, line=place.line)) is None


def test_a_function_that_a_check_would_leave_out_is_followed_all_the_same(tmp_path: Path):
    place = written(tmp_path, "def label(author: Author):\n    return author.name  # look\n")
    [author] = before(told(place), "author")

    assert (("not known", "all"),) == author.details


def test_a_file_that_does_not_parse_is_an_error_that_says_where(tmp_path: Path):
    broken = tmp_path / "broken.py"
    broken.write_text("x = 1\ndef (\n")

    with pytest.raises(UsageError, match=rf"{broken}:2: "):
        look([broken], Place(str(broken), 1))


@pytest.mark.parametrize("line", [0, 3])
def test_a_line_that_the_file_does_not_have_is_an_error(tmp_path: Path, line: int):
    short = tmp_path / "short.py"
    short.write_text("x = 1\n")

    with pytest.raises(UsageError, match=rf"short\.py:{line}: the file ends at line 1"):
        look([short], Place(str(short), line))
