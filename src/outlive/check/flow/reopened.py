"""Sessions that begin anew after they were closed.

A closed session can be used again: it begins a transaction, and a connection is its own until that is ended.  Behind
the block that closed it nobody ends it.  Not even the last name does: session and transaction refer to each other, so
the connection stays away until the garbage collector comes by, and of an async engine it is terminated then.

Source: SQLAlchemy 2.0 and 2.1 on CPython, run with SQLite and PostgreSQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlive.check.flow import orphans
from outlive.check.flow.frames import Frame, Pairs
from outlive.check.flow.log import Note

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


def left_open(run: Interpreter, root: Frame, ends: Pairs) -> None:
    """Note the sessions that nobody can close any more when a function has ended."""
    for state, value in ends:
        for sid, session in state.sessions.items():
            if session.anew is None or session.closed is None or session.factory is None or run.is_shared(sid):
                continue
            races = session.collected and session.is_async
            gone = not session.kept and not orphans.is_held(state, sid, (root.id,)) and not orphans.holds(value, sid)
            if races or (session.begun and gone):
                run.log.add(Note("reopened", session.anew, "", session=session, cause=session.closed))
