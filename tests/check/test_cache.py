"""The cache: never in the way, whatever it holds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import outlive.check
from outlive.check.cache import Cache
from outlive.check.facts import Facts
from outlive.check.ir import Term
from outlive.check.lower import read_facts

FACTS = Facts(imports={"a": "b"})


def deep(depth: int) -> Term:
    term = Term("name", "x")
    for _ in range(depth):
        term = Term("item", "x", [term])
    return term


def never(_: str) -> Facts:
    raise AssertionError("the facts are in the cache")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_facts_are_read_once(tmp_path):
    Cache(tmp_path).facts("text", lambda _: FACTS)

    assert FACTS == Cache(tmp_path).facts("text", never)


def test_facts_too_deep_for_the_cache_leave_it_to_the_others(tmp_path):
    cache = Cache(tmp_path)
    cache.facts("deep", lambda _: Facts(globals={"x": deep(100_000)}))
    cache.facts("text", lambda _: FACTS)

    assert ((), FACTS) == (cache.warnings, Cache(tmp_path).facts("text", never))


@pytest.mark.parametrize("literal", [r"'\ud800'", "0x" + 17 * "f", "-0x" + 17 * "f"])
def test_a_literal_that_the_cache_cannot_hold_leaves_it_to_the_others(tmp_path, literal):
    text = f"def ask(shop):\n    return shop.find({literal})\n"
    cache = Cache(tmp_path)
    facts = cache.facts(text, read_facts)

    assert read_facts(text) == facts
    assert ((), []) == (cache.warnings, files(tmp_path))


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path):
    Cache(tmp_path).facts("text", lambda _: FACTS)
    [file] = files(tmp_path)
    file.unlink()
    file.mkdir()  # in the way of the new entry
    cache = Cache(tmp_path)

    assert FACTS == cache.facts("text", lambda _: FACTS)
    assert ([], 1) == (files(tmp_path), len(cache.warnings))


def test_other_code_does_not_take_the_facts_of_this(tmp_path):
    """Facts of an older version would tell of places that are no longer counted like that."""
    package = tmp_path / "newer" / "outlive"
    shutil.copytree(Path(outlive.check.__file__).parents[1], package)
    with (package / "check" / "facts.py").open("a") as file:
        file.write("# another version\n")
    program = """
import sys
from pathlib import Path
from outlive.check.cache import Cache
from outlive.check.facts import Facts

Cache(Path(sys.argv[1])).facts("text", lambda _: Facts())
"""
    for home in (Path(outlive.check.__file__).parents[2], package.parent, package.parent):
        command = [sys.executable, "-c", program, str(tmp_path / "cache")]
        subprocess.run(command, cwd=home, check=True)

    assert 2 == len(files(tmp_path / "cache"))
