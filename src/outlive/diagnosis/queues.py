"""Objects that a task queue could not write into a message."""

from __future__ import annotations

from collections.abc import Iterable
from types import FrameType
from typing import Any

from sqlalchemy.orm import InstanceState

from outlive.diagnosis.objects import get_arguments, state_of, subject_of, user_of
from outlive.diagnosis.surroundings import met
from outlive.diagnosis.tracebacks import local, module_of
from outlive.diagnosis.unwrap import Failure
from outlive.lifecycle.explanation import Explanation
from outlive.lifecycle.states import State

_QUEUES = frozenset({"celery", "kombu", "dramatiq"})
_RESULTS = ("celery.backends", "dramatiq.results")


def explain_sent(failure: Failure) -> Explanation | None:
    """A mapped object was an argument of a task; ``None`` for any other value, and where no queue was to send it."""
    frames = [frame for call in failure.calls for frame in call.library]
    state = refused(frames)
    if state is None or not any(module_of(frame).partition(".")[0] in _QUEUES for frame in frames):
        return None
    subject = subject_of(state, user_of(state, failure.calls))
    load = f"`{subject.variable} = session.get({get_arguments(subject)})`"
    what, where, remedy = (
        (
            "was the result of a task",
            "returned here",
            f"Return the primary key, and load the object where it is wanted: {load}.",
        )
        if any(module_of(frame).startswith(_RESULTS) for frame in frames)
        else (
            "was sent to a task queue",
            "sent here",
            f"Send the primary key, and load the object in the task: {load}.",
        )
    )
    return Explanation(
        hazard="object-sent-to-queue",
        what=f"{subject} {what}.",
        where=met(failure, where),
        why="A message carries plain values, which a mapped object is not; pickle would send a detached copy.",
        remedies=(remedy,),
        entity=subject.entity,
        identity_key=subject.identity_key,
        # Its session may have closed since.
        state=None if subject.state is State.DETACHED else subject.state,
    )


def refused(frames: Iterable[FrameType]) -> InstanceState[Any] | None:
    """The mapped object that the json encoder of the standard library gave up on."""
    values = (local(frame, "o") for frame in frames if module_of(frame) == "json.encoder")
    return next((state for state in map(state_of, values) if state), None)
