"""The five states of a mapped object and the moves between them.

Source: SQLAlchemy 2.0 and 2.1, "Quickie Intro to Object States" (orm/session_state_management) and
"Object Lifecycle Events" (orm/session_events).
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """The state of a mapped object towards a session, in SQLAlchemy's words."""

    TRANSIENT = "transient"
    PENDING = "pending"
    PERSISTENT = "persistent"
    DELETED = "deleted"
    DETACHED = "detached"


TRANSITIONS = MappingProxyType(
    {
        "transient_to_pending": (State.TRANSIENT, State.PENDING),
        "pending_to_transient": (State.PENDING, State.TRANSIENT),
        "pending_to_persistent": (State.PENDING, State.PERSISTENT),
        "loaded_as_persistent": (None, State.PERSISTENT),
        "persistent_to_transient": (State.PERSISTENT, State.TRANSIENT),
        "persistent_to_deleted": (State.PERSISTENT, State.DELETED),
        "persistent_to_detached": (State.PERSISTENT, State.DETACHED),
        "deleted_to_persistent": (State.DELETED, State.PERSISTENT),
        "deleted_to_detached": (State.DELETED, State.DETACHED),
        "detached_to_persistent": (State.DETACHED, State.PERSISTENT),
    }
)
"""Every move, keyed by SQLAlchemy's hook of that name; ``None`` before a query created the object."""
