"""A session of a test, lent to the program for the time of a request."""

from __future__ import annotations

import sys
import threading
from inspect import unwrap
from typing import Any

from sqlalchemy import orm
from sqlalchemy.orm import InstanceState
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.session import _sessions  # pyright: ignore[reportPrivateUsage]  # as close_all_sessions() does

from outlive.lifecycle.frames import At, is_library
from outlive.recorder.callers import caller
from outlive.sessions.acts import Act, Departure
from outlive.sessions.expiry import birth_of_session, note_departure


def shared_sessions() -> list[orm.Session]:
    """The sessions that there are now and that tests and their fixtures have made: a request has not made them.

    Not those that the program has made for itself, and may keep for longer than a request.
    """
    births = ((session, birth_of_session(session)) for session in list(_sessions.values()))
    return [session for session, birth in births if birth is not None and birth.maker is not None]


class Borrowed:
    """A session, and which of its objects are the test's.

    At the end of the request it lets go of what the request has loaded, as closing it does.  It keeps what the test
    had in it, which is what a session of the test's own would have, and what is not flushed yet; and its transaction:
    in production the dependency may commit in whose place the test has put its session.  No SQL is emitted.

    Holds states, and no object.
    """

    def __init__(self, session: orm.Session) -> None:
        self._session = session
        self._of_test = {*_states_in(session)}

    def give_back(self) -> None:
        """The request is over."""
        session = self._session
        states = _states_in(session)
        unflushed = {*map(instance_state, (*session.new, *session.dirty))}
        leaving = {*states} - self._of_test - unflushed
        if not leaving or session.deleted:
            return
        kept = [obj for state in states if state not in leaving and (obj := state.obj()) is not None]
        was_idle = not session.in_transaction()
        note_departure(leaving, Act(Departure.REQUEST, caller() or _line_of_test(), session.hash_key))
        # `expunge()` would take along what is related to an object.  Not what a watch has put around it: the program
        # does not call it.
        unwrap(orm.Session.expunge_all)(session)
        session.add_all(kept)
        if was_idle and (begun := session.get_transaction()):
            # Adding has begun it, and the test may want to begin its own.
            begun.close()


def _states_in(session: orm.Session) -> list[InstanceState[Any]]:
    return [*session.identity_map.all_states(), *map(instance_state, session.new)]


def _line_of_test() -> At | None:
    """Where the main thread is: a test client runs the program in a thread without a line of the user's."""
    # Documented, and so no more private than `sys.exc_info`.
    frames = sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    frame = frames.get(threading.main_thread().ident or 0)
    while frame is not None and is_library(frame):
        frame = frame.f_back
    return frame and (frame.f_code, frame.f_lasti)
