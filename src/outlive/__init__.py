"""Check before you run, watch while you run, keep what must outlive its session.

The public names load when they are first used: importing this package imports neither SQLAlchemy nor any framework.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outlive.diagnosis import explain
    from outlive.lifecycle.explanation import Explanation

__all__ = ["Explanation", "explain"]

_HOMES = {"Explanation": "outlive.lifecycle.explanation", "explain": "outlive.diagnosis"}
_WITHOUT_SQLALCHEMY = frozenset({"Explanation"})


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name not in _WITHOUT_SQLALCHEMY:
        _require_sqlalchemy(name)
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _require_sqlalchemy(name: str) -> None:
    """Raise ``ImportError`` with the remedy unless SQLAlchemy 2.0 or later can be imported."""
    try:
        found: str = importlib.import_module("sqlalchemy").__version__
    except ImportError:
        found = "none"
    if found == "none" or int(found.partition(".")[0]) < 2:
        message = f"outlive.{name} needs SQLAlchemy 2.0 or later, found {found}: pip install 'sqlalchemy>=2.0'"
        raise ImportError(message, name="sqlalchemy")
