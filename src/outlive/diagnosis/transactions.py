"""Rows and transactions that changed under an object: deleted, stale, rolled back, committing, shared."""

from __future__ import annotations

import re
from typing import Any, cast

from sqlalchemy.orm import InstanceState

from outlive.diagnosis.objects import Subject, get_arguments, is_state, subject_from, subject_of, user_of
from outlive.diagnosis.reads import failed_read
from outlive.diagnosis.surroundings import in_async_code, met
from outlive.diagnosis.tracebacks import calls_in, local, orm_frames, place_in
from outlive.diagnosis.unwrap import Failure
from outlive.lifecycle.evidence import Evidence
from outlive.lifecycle.explanation import Explanation
from outlive.lifecycle.states import State

_TABLE = re.compile(r"on table '(.+?)'")


def explain_row_deleted(failure: Failure) -> Explanation:
    """An expired object was asked for, and its row was not there."""
    read = failed_read(failure.calls)
    subject = read.subject if read else subject_from(failure.calls, message=failure.message)
    wait = "await " if in_async_code(failure.calls) else ""
    again = f"{wait}session.get({get_arguments(subject)}, populate_existing=True)"
    return Explanation(
        hazard="row-deleted-meanwhile",
        what=f"`{read.name}` was read on {subject}, and its row was not found in the database."
        if read
        else f"{subject} was reloaded, and its row was not found in the database.",
        where=met(failure, f"`{read.name}` was read here" if read else "reloaded here"),
        why="Its values were expired, so SQLAlchemy asked for the row again. It was deleted, its key was changed, or"
        " this transaction cannot see it.",
        remedies=(
            f"Ask first whether the row is there: `{again}` gives `None` if not.",
            "Read what you still need before the row is deleted.",
        ),
        entity=subject.entity,
        identity_key=subject.identity_key,
        attribute=read.attribute if read else None,
        state=State.PERSISTENT,
    )


def explain_stale_row(failure: Failure) -> Explanation:
    """A flush changed another number of rows than it has objects."""
    subject = stale_object(failure)
    table = _TABLE.search(failure.message)
    unnamed = f"a row of `{table[1]}`" if table else "a row"
    wait = "await " if in_async_code(failure.calls) else ""
    return Explanation(
        hazard="stale-row-count",
        what=f"A flush wrote {subject if subject.entity else unnamed}, and its row was gone or had another version.",
        where=met(failure, "flushed here"),
        why="Somebody deleted or changed the row after it was loaded; writing anyway would lose their change.",
        remedies=(
            f"Roll back, load it again and repeat the change: `{wait}session.rollback()`.",
            "Lock the row while you work with it: `select(...).with_for_update()`.",
        ),
        entity=subject.entity,
        identity_key=subject.identity_key,
        state=State.PERSISTENT if subject.entity else None,
    )


def stale_object(failure: Failure) -> Subject:
    """The only object of the statement; its class alone if the statement had several.

    Source: SQLAlchemy 2.0 and 2.1, ``orm.persistence`` and ``Session._merge``: the innermost of these locals holds
    the objects of the statement.
    """
    found: list[InstanceState[Any]] = []
    for frame in orm_frames(failure.calls):
        for name in ("states", "del_objects", "records", "merged_state"):
            found = states_in(local(frame, name)) or found
    if len(found) == 1:
        return subject_of(found[0], user_of(found[0], failure.calls))
    names = {state.class_.__name__ for state in found}
    return Subject(names.pop()) if len(names) == 1 else Subject()


def states_in(value: object) -> list[InstanceState[Any]]:
    """A state, the states of a list, or those at the head of each record of a list."""
    entries = cast("list[object]", value) if isinstance(value, list) else [value]
    heads = [head_of(entry) for entry in entries]
    return [head for head in heads if is_state(head)]


def head_of(entry: object) -> object:
    """The first part of a record, or the entry itself."""
    return next(iter(cast("tuple[object, ...]", entry)), None) if isinstance(entry, tuple) else entry


def explain_needs_rollback(failure: Failure) -> Explanation:
    """A session was used between the error that ended its transaction and the rollback."""
    wait, block = ("await ", "async with") if in_async_code(failure.calls) else ("", "with")
    first = first_error(failure)
    place = place_in(calls_in(first.__traceback__)) if first else None
    began = (Evidence(place, f"the flush failed here: {type(first).__name__}"),) if place else ()
    return Explanation(
        hazard="session-needs-rollback",
        what="A session was used after an error had ended its transaction.",
        where=(*began, *met(failure, "used again here")),
        why="When a flush fails, SQLAlchemy rolls the transaction back, and refuses further work until it is told to"
        " go on.",
        remedies=(
            f"Roll back where the first error is caught: `{wait}session.rollback()`.",
            f"Flush inside a savepoint where an error is expected: `{block} session.begin_nested():`.",
        ),
    )


def first_error(failure: Failure) -> BaseException | None:
    """The error of the flush, which the transaction remembers."""
    for frame in orm_frames(failure.calls):
        error = getattr(local(frame, "self"), "_rollback_exception", None)
        if isinstance(error, BaseException):
            return error
    return None


def explain_shared(failure: Failure) -> Explanation:
    """Two tasks or threads in one session."""
    is_async = in_async_code(failure.calls)
    who = "task" if is_async else "thread"
    block = "async with AsyncSession(engine) as session:" if is_async else "with Session(engine) as session:"
    return Explanation(
        hazard="session-shared-by-tasks",
        what="A session was asked for something while it was still busy.",
        where=met(failure, "the second operation began here"),
        why=f"A session serves one {who} at a time; here a second operation began before the first had finished.",
        remedies=(
            f"Open one session in each {who}: `{block}`.",
            "Await one operation after the other instead of gathering them."
            if is_async
            else "Hand keys to the thread and load the objects there.",
        ),
    )


def explain_committing(failure: Failure) -> Explanation:
    """SQL inside a hook of the commit itself."""
    read = failed_read(failure.calls)
    subject = read.subject if read else Subject()
    asked = f"`{read.name}` was read on {subject}" if read else "SQL was emitted"
    return Explanation(
        hazard="sql-during-commit",
        what=f"{asked} while the session was committing.",
        where=met(failure, f"`{read.name}` was read here" if read else "emitted here"),
        why="At `after_commit` the transaction is over and the next has not begun: what is loaded can be read, and"
        " nothing can be loaded.",
        remedies=(
            "Read it in `before_commit`, or load it with the query.",
            "Emit SQL through another session inside the hook.",
        ),
        entity=subject.entity,
        identity_key=subject.identity_key,
        attribute=read.attribute if read else None,
        state=State.PERSISTENT if read else None,
    )
