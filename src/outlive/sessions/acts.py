"""What was done to the objects of a session, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import count

import msgspec

from outlive.lifecycle.causes import Cause
from outlive.lifecycle.frames import At, line_of, shown
from outlive.lifecycle.places import Place

_next = count(1).__next__


class Departure(StrEnum):
    """What took an object out of its session.

    Source: SQLAlchemy 2.0 and 2.1, "Quickie Intro to Object States" (orm/session_state_management).
    """

    CLOSE = "close"
    """``close()``, ``reset()`` or ``invalidate()``, also at the end of a ``with`` block."""
    EXPUNGE = "expunge"
    """By name, or along with an object that was (``cascade="expunge"``)."""
    EXPUNGE_ALL = "expunge_all"
    DELETE = "delete"
    """A deleted object leaves when its transaction commits."""
    ROLLBACK = "rollback"
    """An object that was added in the transaction is transient again."""
    REQUEST = "end of the request"
    """From a test's session, at the end of a request, where that of a running program is closed."""
    COLLECTED = "collected"
    """Nothing held the session any longer, and Python let it go.  The place is where it was made."""


class Act(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One operation of a session that erased values or detached objects.

    Attributes:
        what: The operation.
        at: The place in the user's code that asked for it; ``None`` where nobody watched.
        session: SQLAlchemy's ``hash_key`` of the session; ``None`` where it does not matter.
        order: Grows with time, over all sessions of the process.
    """

    what: Cause | Departure
    at: At | None = None
    session: int | None = None
    order: int = msgspec.field(default_factory=_next)

    @property
    def place(self) -> Place | None:
        """Where it was asked for; relative to the working directory when below it."""
        return place_at(self.at)


@dataclass(frozen=True, slots=True)
class Birth:
    """Where a session was made.

    Attributes:
        at: The place in the user's code; ``None`` where a library works by itself.
        maker: For whom (``"the fixture `session`"``); empty for a test itself, ``None`` where nobody has said so.
    """

    at: At | None
    maker: str | None = None


def place_at(at: At | None) -> Place | None:
    """File and line, relative to the working directory when below it."""
    return None if at is None else Place(shown(at[0].co_filename), line_of(at))
