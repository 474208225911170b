"""The version of FastAPI that a project uses, from its own files."""

from __future__ import annotations

import pytest

from outlive.check.engine import check
from outlive.check.targets import NEWEST, fastapi_of, newest_allowed
from outlive.hazards.catalog import all_hazards
from outlive.hazards.commit_after_response import BAD
from tests.hazards.programs import BOOKSHOP


@pytest.mark.parametrize(
    ("clauses", "expected"),
    [
        ("==0.115.12", (0, 115)),
        ("==0.115.*", (0, 115)),
        ("===0.104.1", (0, 104)),
        (">=0.100,<0.116", (0, 115)),
        (">=0.100,<0.115.5", (0, 115)),
        ("<=0.110.0", (0, 110)),
        ("<0.118,!=0.117.1", (0, 117)),
        ("~=0.115.0", (0, 115)),
        ("~=0.115", (0, 999)),
        ("^0.110.3", (0, 110)),
        ("^0", (0, 999)),
        ("~0.110", (0, 110)),
        ("<1", (0, 999)),
        (">=0.100", NEWEST),
        ("*", NEWEST),
        ("", NEWEST),
    ],
)
def test_the_newest_version_that_is_allowed(clauses, expected):
    assert expected == newest_allowed(clauses)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("uv.lock", '[[package]]\nname = "fastapi"\nversion = "0.115.12"\n', (0, 115)),
        ("poetry.lock", '[[package]]\nname = "fastapi"\nversion = "0.104.1"\n', (0, 104)),
        ("pylock.toml", '[[packages]]\nname = "fastapi"\nversion = "0.119.0"\n', (0, 119)),
        ("Pipfile.lock", '{"default": {"fastapi": {"version": "==0.110.0"}}}', (0, 110)),
        ("requirements.txt", "# web\nfastapi[standard]==0.116.1  # pinned\n", (0, 116)),
        ("requirements-dev.txt", "fastapi>=0.100,<0.106\n", (0, 105)),
        ("PKG-INFO", "Name: shop\nRequires-Dist: fastapi (<0.118,>=0.100)\n\nText", (0, 117)),
        ("pyproject.toml", "[project]\ndependencies = [\"fastapi<0.110; python_version > '3'\"]\n", (0, 109)),
        ("pyproject.toml", '[project.optional-dependencies]\nweb = ["fastapi==0.112.0"]\n', (0, 112)),
        ("pyproject.toml", '[tool.poetry.dependencies]\nfastapi = "^0.115.2"\n', (0, 115)),
        (
            "pyproject.toml",
            '[tool.poetry.dependencies]\nfastapi = {version = "~0.111.0"}\n',
            (0, 111),
        ),
        ("pyproject.toml", '[project]\ndependencies = ["fastapi-users==0.1", "fastapi.x<0.2"]\n', NEWEST),
        ("pyproject.toml", "[project]\ndependencies = 5\n", NEWEST),
        ("pyproject.toml", "[project\n", NEWEST),
        ("Pipfile.lock", "[", NEWEST),
        ("README.md", "fastapi==0.100", NEWEST),
    ],
)
def test_what_the_project_says(tmp_path, name, text, expected):
    (tmp_path / name).write_text(text)

    assert expected == fastapi_of(tmp_path)


def test_a_lock_file_knows_better_than_requirements(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\ndependencies = ["fastapi>=0.100"]\n')
    (tmp_path / "uv.lock").write_text('[[package]]\nname = "fastapi"\nversion = "0.115.12"\n')

    assert (0, 115) == fastapi_of(tmp_path)


def test_the_configuration_knows_better_still(tmp_path):
    (tmp_path / "requirements.txt").write_text("fastapi==0.115.0\n")

    assert (0, 121) == fastapi_of(tmp_path, "0.121.0")


def test_the_metadata_of_one_distribution_counts_of_an_environment_not(tmp_path):
    for name in ("shop", "bank"):
        (tmp_path / f"{name}-1.0.dist-info").mkdir()
        (tmp_path / f"{name}-1.0.dist-info" / "METADATA").write_text("Requires-Dist: fastapi<0.110\n")
    environment = fastapi_of(tmp_path)
    (tmp_path / "bank-1.0.dist-info" / "METADATA").unlink()

    assert (NEWEST, (0, 109)) == (environment, fastapi_of(tmp_path))


@pytest.mark.parametrize(
    ("version", "is_late", "is_fixable"),
    [
        ((0, 105), True, False),
        ((0, 106), False, False),
        ((0, 117), False, False),
        ((0, 118), True, False),
        ((0, 120), True, False),
        ((0, 121), True, True),
        (NEWEST, True, True),
    ],
)
def test_the_version_decides_when_a_dependency_ends(tmp_path, version, is_late, is_fixable):
    file = tmp_path / "example.py"
    file.write_text(BOOKSHOP + BAD)
    found = [f for f in check([file], all_hazards(), fastapi=version).findings if f.code == "OL601"]

    assert (is_late, is_fixable) == (bool(found), any(finding.fix for finding in found))
