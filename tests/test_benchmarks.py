"""The benchmarks run; what they measure is theirs to say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLE = Path("examples", "storefront", "broken")
ROWS = [
    "ast.parse",
    "check, no cache",
    "check, two processes",
    "check, filling a cache",
    "check, unchanged",
    "check, one file edited",
]


def benchmark(work: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "benchmarks/check.py", "--repeats", "1", "--work", work, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_benchmark_of_check_measures_every_way_to_run_it(tmp_path: Path):
    done = benchmark(tmp_path, "--json", tmp_path / "figures.json", EXAMPLE)
    assert 0 == done.returncode, done.stderr
    table = done.stdout.splitlines()[2:]
    [program] = json.loads((tmp_path / "figures.json").read_text("utf-8"))["programs"]

    assert table[0].startswith(f"{EXAMPLE}: {program['files']} files, {program['lines']} lines, findings: ")
    assert ["CPU s", "wall s", "lines/s", "peak MiB", "x ast.parse"] == table[1].split("  ")[-5:]
    assert ROWS == [line[: len(max(ROWS, key=len))].rstrip() for line in table[2:]] == list(program["rows"])


def test_the_benchmark_of_check_measures_other_tools_beside_it(tmp_path: Path):
    pytest.importorskip("mypy")
    done = benchmark(tmp_path, "--beside", "mypy", "--", EXAMPLE / "app" / "models.py")
    assert 0 == done.returncode, done.stderr

    assert [*ROWS, "mypy"] == [line[:22].rstrip() for line in done.stdout.splitlines()[4:]]


def test_the_benchmark_of_check_says_what_it_cannot_get(tmp_path: Path):
    done = benchmark(tmp_path, "missing.py")

    assert (2, "error: missing.py: No such file or directory\n") == (done.returncode, done.stderr)


def test_the_benchmark_of_keep_compares_each_function_with_what_people_write(tmp_path: Path):
    pytest.importorskip("pydantic")
    pytest.importorskip("aiosqlite")
    command = [sys.executable, "benchmarks/keep.py", "--quick", "--json", tmp_path / "figures.json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    table = done.stdout.splitlines()[1:]
    figures = json.loads((tmp_path / "figures.json").read_text("utf-8"))

    assert ["ours", "theirs", "ratio", "bound"] == table[0].split()
    assert [row["name"] for row in figures["rows"]] == [line.split("  ")[0] for line in table[1:]]
    assert all(row["ratio"] > 0 for row in figures["rows"])


def test_the_benchmark_of_watch_compares_with_and_without():
    command = [sys.executable, "benchmarks/watch.py", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stderr
    assert ["read an attribute", "close, per object", "commit, per object", "request in memory"] == [
        line[:24].rstrip() for line in done.stdout.splitlines()[3:]
    ]


def test_the_benchmark_of_the_task_boundary_compares_with_and_without():
    pytest.importorskip("celery")
    command = [sys.executable, "benchmarks/tasks.py", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stderr
    assert ["publish", "publish", "20", "a", "20"] == [line.split()[0] for line in done.stdout.splitlines()[2:]]


def test_the_benchmark_of_the_web_boundary_compares_with_the_tutorial():
    for name in ("fastapi", "uvicorn", "aiosqlite"):
        pytest.importorskip(name)
    command = [sys.executable, "benchmarks/web.py", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, done.stderr
    assert ["read, sync", "", "read, async", "", "write, sync", "", "write, async", ""] == [
        line[:14].rstrip() for line in done.stdout.splitlines()[3:]
    ]
