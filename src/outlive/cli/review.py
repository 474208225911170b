"""``outlive review``: what will fail in an application, which is imported for it."""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

from outlive.cli import terminal
from outlive.lifecycle.errors import UsageError


def run(arguments: argparse.Namespace) -> int:
    """Import the application, print what was found, and return the exit code."""
    app = _imported(arguments.application, is_factory=arguments.factory)
    # By name: the command line itself works without SQLAlchemy and FastAPI.
    fastapi: Any = importlib.import_module("outlive.integrations.fastapi")
    found = fastapi.review(app)
    terminal.write(
        found.to_json()
        if arguments.output_format == "json"
        else found.to_text(width=terminal.columns(), colour=terminal.wants_colour(sys.stdout))
    )
    return int(bool(found.findings) and not arguments.exit_zero)


def _imported(application: str, *, is_factory: bool) -> Any:
    """The application that ``module:attribute`` names, or makes.

    Raises:
        UsageError: There is none, or importing or making it fails.
    """
    module, _, attribute = application.partition(":")
    if not module or not attribute:
        raise UsageError(f"{application}: expected MODULE:APP, such as app.main:app")
    sys.path.insert(0, str(Path.cwd()))
    terminal.say(f"importing {module}")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name == module or module.startswith(f"{error.name}."):
            raise UsageError(f"{module}: no module of that name in {Path.cwd()}") from error
        raise UsageError(f"{module} cannot be imported: {error}") from error
    except Exception as error:
        raise UsageError(f"{module} cannot be imported: {type(error).__name__}: {error}") from error
    for name in attribute.split("."):
        if not hasattr(found, name):
            raise UsageError(f"{module} has no {attribute}")
        found = getattr(found, name)
    if is_factory:
        found = _made(found, application)
    if "FastAPI" not in {base.__name__ for base in type(found).__mro__}:
        hint = "; does it make one? --factory calls it" if inspect.isfunction(found) else ""
        raise UsageError(f"{application} is no FastAPI application but a {type(found).__name__}{hint}")
    return found


def _made(factory: Any, application: str) -> Any:
    try:
        return factory()
    except Exception as error:
        raise UsageError(f"{application} cannot be called: {type(error).__name__}: {error}") from error
