"""``outlive explain traceback.txt``: a failure of another machine, explained from the source alone."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

PROGRAM = """
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

class Base(DeclarativeBase):
    pass

class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)

engine = create_engine("sqlite://")
Base.metadata.create_all(engine)

def new_author():
    with Session(engine) as session:
        author = Author()
        session.add(author)
        session.commit()
    return author

def main():
    author = new_author()
    print(author.id)
"""
READ = PROGRAM.splitlines().index("    print(author.id)") + 1
COMMIT = PROGRAM.splitlines().index("        session.commit()") + 1


@pytest.fixture
def traceback(folder, write):
    """What the program prints when it fails, on a machine with other folders."""
    write("app/shop.py", PROGRAM)
    command = [sys.executable, "-c", "import shop; shop.main()"]
    done = subprocess.run(command, cwd=folder / "app", capture_output=True, text=True, check=False)
    return done.stderr.replace(str(folder), "/srv/release-7")


def test_what_leads_to_it_is_shown(outlive, write, traceback):
    write("traceback.txt", traceback)
    answer = outlive("explain", "traceback.txt")

    assert answer.code == 0
    assert answer.out.startswith("sqlalchemy.orm.exc.DetachedInstanceError: Instance <Author> is not bound")
    assert f"app/shop.py:{READ}:" in answer.out
    assert f"{COMMIT} |" in answer.out


def test_from_standard_input(outlive, monkeypatch, traceback):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(traceback.encode())))

    assert f"app/shop.py:{READ}:" in outlive("explain", "-", "app").out


def test_the_same_failure_is_explained_once(outlive, write, traceback):
    other = "Traceback (most recent call last):\n  File \"app/shop.py\", line 3, in main\nKeyError: 'x'\n"
    log = "".join(f"2026-11-25 03:00:0{n} ERROR failed\n{traceback}INFO done\n{other}" for n in range(3))
    log = log.replace(" at 0x", " at 0xa", 1)
    write("app.log", log)
    answer = outlive("explain", "app.log")

    assert "(3 times)" in answer.out
    assert answer.out.count(f"app/shop.py:{READ}:") == 1
    assert "KeyError" not in answer.out


def test_a_log_of_json(outlive, write, traceback):
    lines = [json.dumps({"level": "error", "error": {"stack": [traceback]}}), json.dumps({"level": "info"}), "{broken"]
    write("app.jsonl", "\n".join(lines))

    assert f"app/shop.py:{READ}:" in outlive("explain", "app.jsonl").out


def test_an_exception_group(outlive, write, traceback):
    inside = "".join(f"    | {line}\n" for line in traceback.splitlines())
    text = (
        "  + Exception Group Traceback (most recent call last):\n"
        '  |   File "/srv/release-7/main.py", line 1, in <module>\n'
        "  | ExceptionGroup: both (1 sub-exception)\n"
        "  +-+---------------- 1 ----------------\n"
        f"{inside}    +------------------------------------\n"
    )
    write("group.txt", text)

    assert f"app/shop.py:{READ}:" in outlive("explain", "group.txt").out


def test_an_error_around_it(outlive, write, traceback):
    around = (
        f"{traceback}\nThe above exception was the direct cause of the following exception:\n\n"
        "Traceback (most recent call last):\n"
        '  File "/srv/release-7/main.py", line 9, in run\n    go()\n'
        "RuntimeError: it failed\n"
    )
    write("around.txt", around)

    assert f"app/shop.py:{READ}:" in outlive("explain", "around.txt").out


def test_what_pydantic_prints(outlive, write):
    write("app/out.py", "def show(author):\n    return AuthorOut.model_validate(author)\n")
    text = (
        "Traceback (most recent call last):\n"
        '  File "/srv/app/out.py", line 2, in show\n    return AuthorOut.model_validate(author)\n'
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for AuthorOut\n"
        "books\n"
        "  Error extracting attribute: DetachedInstanceError: Parent instance <Author at 0x7f> is not bound\n"
    )
    write("pydantic.txt", text)
    answer = outlive("explain", "pydantic.txt")

    assert answer.out.splitlines()[0].endswith("DetachedInstanceError: Parent instance <Author> is not bound")
    assert "app/out.py:2 in show" in answer.out
    assert "finds nothing that leads here" in answer.out


def test_source_that_has_changed_since(outlive, write, traceback):
    write("traceback.txt", traceback)
    write("app/shop.py", f"\n\n{PROGRAM}")

    assert "or the source has changed since" in outlive("explain", "traceback.txt").out


def test_other_errors_are_none_of_ours(outlive, write):
    write("app.py", "1 / 0\n")
    write(
        "other.txt", 'Traceback (most recent call last):\n  File "app.py", line 1, in <module>\nZeroDivisionError: x\n'
    )

    assert outlive("explain", "other.txt").out == "No lifetime error in 1 traceback.\n"


def test_a_file_without_a_traceback(outlive, write):
    write("app.py", "x = 1\n")
    answer = outlive("explain", "app.py")

    assert (answer.code, answer.err) == (
        2,
        "error: app.py: no traceback in it (a line of a program is asked for by FILE:LINE)\n",
    )
