"""``on_commit``: what is to happen once the work of a session is there for others to see.

The listeners stand on SQLAlchemy's ``Session`` itself, once, and look at ``Session.info``: a listener of one session
could not remove itself from the event that ends its work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction, scoped_session

from outlive.lifecycle.errors import NotSentError
from outlive.sessions.objects import session_of

Send: TypeAlias = Callable[[], object]
Prepare: TypeAlias = Callable[[], Send]

_KEY = "outlive.boundary.commits"


@dataclass(slots=True)
class _Waiting:
    """What waits for a commit.

    Attributes:
        savepoint: The innermost one that it was asked for in; ``None`` for the transaction itself.
        prepare: Run after the commit, while the objects of the session still have their values.
        send: What it has returned, run when the session has given its connection back.
    """

    savepoint: SessionTransaction | None
    prepare: Prepare
    send: Send | None = None


def on_commit(session: object, prepare: Prepare) -> None:
    """Run something after the transaction was committed, and not at all if it is rolled back.

    In a savepoint it waits for the outermost commit, and a rollback to that savepoint discards it.  A session that is
    closed without a commit has rolled back.

    Args:
        session: A ``Session``, ``AsyncSession``, or a scoped one of either.
        prepare: Called after the commit and before the objects expire; it must emit no SQL.  What it returns is called
            when the transaction has ended, in the order in which they were given.

    Raises:
        TypeError: Another kind of session.
    """
    _listen()
    found = sync_session_of(session)
    if not found.in_transaction():
        found.begin()
    waiting = found.info.setdefault(_KEY, list[_Waiting]())
    waiting.append(_Waiting(found.get_nested_transaction(), prepare))


def sync_session_of(session: object) -> Session:
    """The ``Session`` that does the work of any kind of session.

    Raises:
        TypeError: It is no session.
    """
    found: Any = session
    # An async_scoped_session has to be asked for its session.
    if hasattr(found, "registry") and not isinstance(found, scoped_session):
        found = found()
    return session_of(getattr(cast("Any", found), "sync_session", cast("Any", found)))


def _listen() -> None:
    if not event.contains(Session, "after_commit", _after_commit):
        event.listen(Session, "after_commit", _after_commit)
        event.listen(Session, "after_transaction_end", _after_transaction_end)


def _after_commit(session: Session) -> None:
    """Of the transaction, or of a savepoint, which hands what waits for it to the one around it."""
    waiting: list[_Waiting] = session.info.get(_KEY, [])
    savepoint = session.get_nested_transaction()
    around = savepoint.parent if savepoint is not None else None
    for one in waiting:
        if savepoint is None:
            one.send = _prepared(one.prepare)
        elif one.savepoint is savepoint:
            one.savepoint = around if around is not None and around.nested else None


def _after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    if _KEY not in session.info:
        return
    if transaction.nested:
        # What it has committed no longer waits for it.
        session.info[_KEY] = [one for one in session.info[_KEY] if one.savepoint is not transaction]
    elif transaction.parent is None:
        _send([one.send for one in session.info.pop(_KEY) if one.send is not None])


def _prepared(prepare: Prepare) -> Send:
    """What ``prepare`` returns; its error comes when it is sent, for the session has to end its transaction first."""
    try:
        return prepare()
    except Exception as error:  # noqa: BLE001  whatever it is, it is raised then
        failure = error

        def fail() -> None:
            raise failure

        return fail


def _send(sends: list[Send]) -> None:
    """Send all of them, also those after one that fails."""
    errors: list[Exception] = []
    for send in sends:
        try:
            send()
        except Exception as error:  # noqa: BLE001  the others must go out; it is raised below
            errors.append(error)
    if errors:
        what = f"the transaction is committed, but {len(errors)} of {len(sends)} could not be sent after it"
        raise NotSentError(f"{what}: {errors[0]}", errors) from errors[0]
