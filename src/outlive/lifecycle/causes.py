"""Why an attribute has no value."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """What left an attribute without a value.

    The first ten erased a value (the attribute is *expired*); the others say why there never was one.

    Source: SQLAlchemy 2.0 and 2.1, "Refreshing / Expiring" (orm/session_state_management) and "Relationship Loading
    Techniques" (orm/queryguide/relationships).
    """

    COMMIT = "commit"
    ROLLBACK = "rollback"
    FLUSH = "flush"
    """The flush sent SQL whose result only the database knows: an ``onupdate``, a SQL expression."""
    BULK_UPDATE = "bulk update"
    BULK_DELETE = "bulk delete"
    """A DELETE in SQL erases what it cannot compare with its criteria: objects that are partly expired already."""
    MERGE = "merge"
    """``merge(load=False)`` leaves to be read what the given object does not have."""
    REFRESH = "refresh"
    """``refresh()`` erases what it does not load again."""
    EXPIRE = "expire"
    EXPIRE_ALL = "expire_all"
    UNKNOWN = "unknown"
    """Expired where nobody watched: the state of an object alone does not tell by whom, or what had a value."""

    NEVER_LOADED = "never loaded"
    DEFERRED = "deferred"
    RAISE = "raise"
    """``lazy="raise"``, ``"raise_on_sql"`` or ``deferred(raiseload=True)``: reading it is an error by design."""
