"""The ``[tool.outlive]`` table of a project, and where the project begins."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

from outlive.check import targets
from outlive.lifecycle.errors import UsageError


@dataclass(frozen=True, slots=True)
class Settings:
    """What a project may say in ``[tool.outlive]``.

    Attributes:
        select: Codes, prefixes of codes, or names; empty means all.
        ignore: The same, taken away from the selection.
        exclude: Gitignore patterns, relative to the folder of the file.
        libraries: Files that tell what libraries do (see ``check/knowledge.py``), relative to the folder of the file.
        target_fastapi: The version of FastAPI that the program runs with (``0.115``).
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    target_fastapi: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """Where a project begins, and its settings.

    Attributes:
        root: Folder of the configuration; without one, of the nearest ``pyproject.toml`` or ``.git``, else the start.
        file: The ``pyproject.toml`` with a ``[tool.outlive]`` table; ``None`` if there is none.
    """

    root: Path
    file: Path | None = None
    settings: Settings = Settings()


def find_project(start: Path) -> Project:
    """The project around a folder (absolute): the nearest ``pyproject.toml`` upwards that has ``[tool.outlive]``.

    Raises:
        UsageError: a ``pyproject.toml`` on the way cannot be read, or its table is not as expected.
    """
    root: Path | None = None
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            table = _table(file)
            if table is not None:
                return Project(folder, file, _settings(file, table))
            root = root or folder
        elif (folder / ".git").exists():
            root = root or folder
    return Project(root or start)


def _table(file: Path) -> object | None:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8, which TOML requires: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: not valid TOML: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{file}: nested too deeply to be read") from error
    tools = document.get("tool")
    return cast("Mapping[str, object]", tools).get("outlive") if isinstance(tools, dict) else None


def _settings(file: Path, table: object) -> Settings:
    if not isinstance(table, dict):
        raise UsageError(f"{file}: tool.outlive is {table!r}; expected a table")
    known = [field.name.replace("_", "-") for field in fields(Settings)]
    values: dict[str, Any] = {}
    for key, value in cast("dict[str, object]", table).items():
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
            raise UsageError(f"{file}: unknown key {key!r} in [tool.outlive]; {hint}")
        read = _version if key == "target-fastapi" else _strings
        values[key.replace("-", "_")] = read(file, key, value)
    return Settings(**values)


def _version(file: Path, key: str, value: object) -> str:
    if not isinstance(value, str) or targets.parsed(value) is None:
        raise UsageError(f'{file}: {key} = {value!r} in [tool.outlive]; expected a version such as "0.115"')
    return value


def _strings(file: Path, key: str, value: object) -> tuple[str, ...]:
    strings = [item for item in cast("list[object]", value) if isinstance(item, str)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(strings) != len(cast("list[object]", value)):
        raise UsageError(f"{file}: {key} = {value!r} in [tool.outlive]; expected a list of strings")
    return tuple(strings)
