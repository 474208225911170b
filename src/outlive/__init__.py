"""Check before you run, watch while you run, keep what must outlive its session.

The public names load when they are first used: importing this package imports neither SQLAlchemy nor any framework.

PYTEST_DONT_REWRITE: a distribution with a plugin has its asserts rewritten, and pytest warns of what comes too early.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outlive.diagnosis import explain
    from outlive.keep.attaching import reattach, reattach_all
    from outlive.keep.audits import Audit, audit
    from outlive.keep.loading import ensure_loaded
    from outlive.keep.options import loader_options
    from outlive.keep.references import Reference, load_all, reference
    from outlive.keep.refreshing import fresh, refresh_all
    from outlive.keep.schemas import reads
    from outlive.keep.snapshots import Snapshot
    from outlive.keep.taking import snapshot
    from outlive.keep.unloaded import expired, unloaded
    from outlive.lifecycle.causes import Cause
    from outlive.lifecycle.errors import (
        InvalidRecordingError,
        InvalidReferenceError,
        LiveObjectError,
        LiveObjectWarning,
        MissingRowsError,
        NotLoadedError,
        NotSentError,
        ObjectStateError,
        OutliveError,
        ReadOnlyError,
        SchemaError,
        SetupError,
        SkippedTaskError,
        UnsafeError,
    )
    from outlive.lifecycle.explanation import Explanation
    from outlive.recorder.recording import Recording
    from outlive.recorder.watching import Watch, watch
    from outlive.sessions.aio import async_sessionmaker
    from outlive.sessions.sync import sessionmaker

__all__ = [
    "Audit",
    "Cause",
    "Explanation",
    "InvalidRecordingError",
    "InvalidReferenceError",
    "LiveObjectError",
    "LiveObjectWarning",
    "MissingRowsError",
    "NotLoadedError",
    "NotSentError",
    "ObjectStateError",
    "OutliveError",
    "ReadOnlyError",
    "Recording",
    "Reference",
    "SchemaError",
    "SetupError",
    "SkippedTaskError",
    "Snapshot",
    "UnsafeError",
    "Watch",
    "async_sessionmaker",
    "audit",
    "ensure_loaded",
    "expired",
    "explain",
    "fresh",
    "load_all",
    "loader_options",
    "reads",
    "reattach",
    "reattach_all",
    "reference",
    "refresh_all",
    "sessionmaker",
    "snapshot",
    "unloaded",
    "watch",
]

_HOMES = {
    "Audit": "outlive.keep.audits",
    "Cause": "outlive.lifecycle.causes",
    "Explanation": "outlive.lifecycle.explanation",
    "InvalidRecordingError": "outlive.lifecycle.errors",
    "InvalidReferenceError": "outlive.lifecycle.errors",
    "LiveObjectError": "outlive.lifecycle.errors",
    "LiveObjectWarning": "outlive.lifecycle.errors",
    "MissingRowsError": "outlive.lifecycle.errors",
    "NotLoadedError": "outlive.lifecycle.errors",
    "NotSentError": "outlive.lifecycle.errors",
    "ObjectStateError": "outlive.lifecycle.errors",
    "OutliveError": "outlive.lifecycle.errors",
    "ReadOnlyError": "outlive.lifecycle.errors",
    "Recording": "outlive.recorder.recording",
    "Reference": "outlive.keep.references",
    "SchemaError": "outlive.lifecycle.errors",
    "SetupError": "outlive.lifecycle.errors",
    "SkippedTaskError": "outlive.lifecycle.errors",
    "Snapshot": "outlive.keep.snapshots",
    "UnsafeError": "outlive.lifecycle.errors",
    "Watch": "outlive.recorder.watching",
    "async_sessionmaker": "outlive.sessions.aio",
    "audit": "outlive.keep.audits",
    "ensure_loaded": "outlive.keep.loading",
    "expired": "outlive.keep.unloaded",
    "explain": "outlive.diagnosis",
    "fresh": "outlive.keep.refreshing",
    "load_all": "outlive.keep.references",
    "loader_options": "outlive.keep.options",
    "reads": "outlive.keep.schemas",
    "reattach": "outlive.keep.attaching",
    "reattach_all": "outlive.keep.attaching",
    "reference": "outlive.keep.references",
    "refresh_all": "outlive.keep.refreshing",
    "sessionmaker": "outlive.sessions.sync",
    "snapshot": "outlive.keep.taking",
    "unloaded": "outlive.keep.unloaded",
    "watch": "outlive.recorder.watching",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not home.startswith("outlive.lifecycle."):
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
