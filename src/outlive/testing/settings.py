"""What is asked of one test: by the command line, the ini file and markers, the nearest last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Flag, auto
from typing import Any

import pytest


class Shape(Flag):
    """What of a production's sessions a test's sessions are made to do."""

    EXPIRE = auto()
    """Expire at a commit, whatever ``expire_on_commit`` was given."""
    CLOSE = auto()
    """Let their objects go at the end of a request, and of a ``with`` block."""


_NONE = Shape(0)
_SHAPES: dict[object, Shape] = {
    "": _NONE,
    **dict.fromkeys((False, "false", "no", "0", "off"), _NONE),
    **dict.fromkeys((True, "true", "yes", "1", "on"), Shape.EXPIRE | Shape.CLOSE),
    "expire": Shape.EXPIRE,
    "close": Shape.CLOSE,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked of a test.

    Attributes:
        enabled: Whether it is watched.
        shape: What its sessions are made to do.
        redact: Whether primary keys are left out.
    """

    enabled: bool = False
    shape: Shape = _NONE
    redact: bool = False


def settings_of_run(config: pytest.Config) -> Settings:
    """What the command line and the ini file ask of every test.

    Raises:
        pytest.UsageError: A value that makes no sense.
    """
    given = config.getini("outlive_production_sessions").strip().lower()
    shape = _shape(given, "outlive_production_sessions")
    if config.getoption("--outlive-production-sessions"):
        shape = shape or _SHAPES[True]
    is_asked = config.getoption("--outlive") or config.getini("outlive") or bool(shape)
    return Settings(
        bool(is_asked), shape, bool(config.getoption("--outlive-redact") or config.getini("outlive_redact"))
    )


def settings_of(item: pytest.Item, run: Settings) -> Settings:
    """What is asked of one test.

    Raises:
        pytest.UsageError: A marker with arguments that make no sense.
    """
    settings = run
    for marker in reversed(list(item.iter_markers("outlive"))):
        settings = _with(settings, marker.args, marker.kwargs, f"{item.nodeid}: @pytest.mark.outlive")
    return replace(settings, enabled=settings.enabled or "lifetimes" in getattr(item, "fixturenames", ()))


def _with(settings: Settings, args: tuple[Any, ...], given: Mapping[str, Any], where: str) -> Settings:
    if unknown := set(given) - {"enabled", "production_sessions", "redact"}:
        raise pytest.UsageError(f"{where} has no argument {', '.join(sorted(unknown))}")
    if len(args) > 1 or (args and "enabled" in given):
        raise pytest.UsageError(f"{where} takes one argument without a name, enabled")
    asked, redact = given.get("production_sessions"), given.get("redact", settings.redact)
    shape = settings.shape if asked is None else _shape(asked, f"{where}: production_sessions")
    # To leave something out of a run does not ask for one.
    enabled = args[0] if args else given.get("enabled", settings.enabled or not given or bool(asked))
    if not isinstance(enabled, bool) or not isinstance(redact, bool):
        raise pytest.UsageError(f"{where}: enabled and redact are True or False")
    return Settings(enabled, shape, redact)


def _shape(given: object, where: str) -> Shape:
    found = _SHAPES.get(given) if isinstance(given, (bool, str)) else None
    if found is None:
        raise pytest.UsageError(f'{where} is true, false, "expire" or "close", got {given!r}')
    return found
