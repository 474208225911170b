"""The version of FastAPI for which a program is judged: it decides when code after a ``yield`` runs.

Said by ``[tool.outlive] target-fastapi``, else by the project itself: a lock file names the version, requirements name
those that are allowed, and the newest of them counts.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeAlias, cast

Version: TypeAlias = tuple[int, int]

NEWEST: Version = (999, 0)
FUNCTION_SCOPE: Version = (0, 121)
"""Since then a dependency can say that it ends with the function."""
_EARLY: tuple[Version, Version] = ((0, 106), (0, 118))

_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")
_REQUIREMENT = re.compile(r"fastapi(?![\w.-])(?:\[[^\]]*\])?\s*\(?(?P<clauses>[^;#@)]*)", re.IGNORECASE)
_CLAUSE = re.compile(r"(?P<operator>===|==|~=|<=|>=|!=|<|>|\^|~)?\s*v?(?P<version>\d+(?:\.\d+)*)(?P<star>\.\*)?")


def fastapi_of(folder: Path, target: str | None = None) -> Version:
    """The version that a project uses, the newest where nothing says otherwise."""
    if target is not None:
        return parsed(target) or NEWEST
    locked = next(_locked(folder), None)
    if locked is not None:
        return locked
    return min((newest_allowed(clauses) for clauses in _required(folder)), default=NEWEST)


def parsed(version: str) -> Version | None:
    """``0.115`` or ``0.115.12``; ``None`` for anything else."""
    found = re.fullmatch(r"(\d+)\.(\d+)(?:\.\d+)*", version.strip())
    return (int(found[1]), int(found[2])) if found else None


def ends_early(fastapi: Version) -> bool:
    """Whether code after the ``yield`` of a dependency runs before the response is sent, where no scope is named."""
    return _EARLY[0] <= fastapi < _EARLY[1]


def newest_allowed(clauses: str) -> Version:
    """The newest version that ``>=0.100,<0.116`` or ``^0.115.2`` allows."""
    newest = NEWEST
    for clause in _CLAUSE.finditer(clauses):
        numbers = [int(number) for number in clause["version"].split(".")]
        major, minor, *rest = [*numbers, 0][: max(len(numbers), 2)]
        match clause["operator"] or "==":
            case "==" | "===" | "<=":
                # Without a minor number `==0.*` and `^0` say nothing about it.
                bound = (major, minor) if len(numbers) > 1 else (major, NEWEST[0])
            case "<":
                bound = (major, minor) if any(rest) else (major, minor - 1) if minor else (major - 1, NEWEST[0])
            case "~=" | "~":
                bound = (major, minor) if len(numbers) > 2 or clause["operator"] == "~" else (major, NEWEST[0])
            case "^":
                bound = (major, minor) if major == 0 and len(numbers) > 1 else (major, NEWEST[0])
            case _:
                continue
        newest = min(newest, bound)
    return newest


def _locked(folder: Path) -> Iterator[Version]:
    for name in _LOCKS:
        document = _toml(folder / name)
        for package in (*_list(document, "package"), *_list(document, "packages")):
            if _table(package).get("name") == "fastapi":
                yield from _version(_table(package).get("version"))
    pipfile = _table(_json(folder / "Pipfile.lock"))
    for section in ("default", "develop"):
        yield from _version(_table(_table(pipfile.get(section)).get("fastapi")).get("version"))


def _version(text: object) -> Iterator[Version]:
    version = parsed(text.lstrip("=")) if isinstance(text, str) else None
    if version is not None:
        yield version


def _required(folder: Path) -> Iterator[str]:
    """What each requirement of FastAPI allows."""
    for requirement in _requirements(folder):
        found = _REQUIREMENT.match(requirement.strip())
        if found:
            yield found["clauses"]


def _requirements(folder: Path) -> Iterator[str]:
    document = _toml(folder / "pyproject.toml")
    project = _table(document.get("project"))
    extras = _table(project.get("optional-dependencies"))
    for requirements in (_list(project, "dependencies"), *(_list(extras, extra) for extra in extras)):
        yield from map(str, requirements)
    poetry = _table(_table(document.get("tool")).get("poetry"))
    for name, given in _table(poetry.get("dependencies")).items():
        yield f"{name} {given if isinstance(given, str) else _table(given).get('version', '')}"
    for file in sorted([*folder.glob("requirements*.txt"), *folder.glob("requirements/*.txt")]):
        yield from _text(file).splitlines()
    # A release that was unpacked: an sdist's or a wheel's own words.
    for file in [folder / "PKG-INFO", *_only(sorted(folder.glob("*.dist-info/METADATA")))]:
        header = _text(file).partition("\n\n")[0]
        yield from (line.partition(":")[2] for line in header.splitlines() if line.startswith("Requires-Dist:"))


def _only(files: Sequence[Path]) -> Sequence[Path]:
    """Several belong to an environment, not to a program."""
    return files if len(files) == 1 else ()


def _table(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _list(table: dict[str, object], key: str) -> list[object]:
    value = table.get(key)
    return cast("list[object]", value) if isinstance(value, list) else []


def _toml(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(_text(file))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _json(file: Path) -> object:
    try:
        return json.loads(_text(file))
    except (ValueError, RecursionError):
        return None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
