"""``outlive run``: the program runs as it would alone, and its lifetime errors say more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from outlive import Recording

PROGRAM = """
import sys
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

class Base(DeclarativeBase):
    pass

class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)

engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
with Session(engine) as session:
    author = Author()
    session.add(author)
    session.commit()
print(sys.argv, __name__)
author.id
"""


@pytest.fixture
def run(folder):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "outlive", "run", *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize("program", [["app/main.py"], ["-m", "app.main"]], ids=["script", "module"])
def test_an_error_that_ends_the_program_is_explained(run, write, program):
    write("app/main.py", PROGRAM)
    done = run(*program, "--fast", "x")

    assert done.returncode == 1
    assert "'--fast', 'x'] __main__" in done.stdout
    lines = PROGRAM.splitlines()
    commit, block = lines.index("    session.commit()") + 1, lines.index("with Session(engine) as session:") + 1
    assert f"main.py:{commit}: expired here by the commit" in done.stderr
    assert f"main.py:{block}: detached here: its session was closed" in done.stderr


def test_the_traceback_begins_in_the_program(run, write):
    write("main.py", "1 / 0\n")
    done = run("main.py")

    first, second, *_ = done.stderr.splitlines()
    assert first == "Traceback (most recent call last):"
    assert 'main.py", line 1, in <module>' in second
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("text", "code"),
    [("", 0), ("import sys; sys.exit(3)", 3), ("raise SystemExit", 0), ("raise SystemExit('gone')", 1)],
)
def test_the_exit_code_is_the_programs(run, write, text, code):
    write("main.py", text)

    assert run("main.py").returncode == code


def test_a_script_imports_from_its_own_folder(run, write):
    write("app/main.py", "import beside\nprint(beside.word)\n")
    write("app/beside.py", "word = 'found'\n")

    assert run("app/main.py").stdout == "found\n"


def test_what_was_seen_can_be_saved(run, write, folder):
    write("main.py", PROGRAM)
    run("--save", "recording.json", "main.py")

    recording = Recording.load(Path(folder, "recording.json"))
    assert [entry.what for entry in recording] == ["commit", "close", "error"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.py"], "error: nowhere.py: no such file\n"),
        (["-m", "no_such_module"], "error: no_such_module: no module of that name\n"),
        (["-m", "no_such_package.module"], "error: no_such_package.module: No module named 'no_such_package'\n"),
    ],
)
def test_what_is_not_there_is_said(run, arguments, message):
    done = run(*arguments)

    assert (done.returncode, done.stderr) == (2, message)
