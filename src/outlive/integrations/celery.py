"""Celery: ids and values cross to a task, live objects do not; and a session for each task.

Opens    before the task's function runs, also at each retry.
Commits  after the function has returned, before its result is stored and, with ``acks_late``, before the message is
         acknowledged.  Rolls back if the function raises, a ``Retry`` too.
Closes   right after that; loaded objects detach then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any, cast

from celery import Task, group, signals  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
from celery.backends.base import DisabledBackend  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
from celery.exceptions import Ignore  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
from kombu.utils import json  # pyright: ignore[reportMissingTypeStubs]

from outlive.boundary import transport, units
from outlive.boundary.crossing import Boundary, Changed, Missing, Mode, is_harmless, send_on_commit
from outlive.boundary.units import task_session
from outlive.diagnosis.notes import note
from outlive.keep.references import Reference
from outlive.keep.snapshots import Snapshot
from outlive.lifecycle.errors import SkippedTaskError

__all__ = ["delay_on_commit", "explain_failures", "protect", "task_session"]

_UID = "outlive.integrations.celery"
_WITH_SIGNATURES = frozenset({"link", "link_error", "chain", "chord"})
_log = logging.getLogger(__name__)


def explain_failures(*, redact: bool = False) -> None:
    """Add the explanation of a lifetime error to the exception of a task that fails, for the worker's log.

        app = Celery("shop", broker=...)
        explain_failures()

    The exception itself, the state of the task and its retries stay what they are.  Celery writes the traceback of its
    result before it asks anybody (5.7, ``celery.app.trace``): there the explanation stands only while
    ``outlive.watch()`` is on.

    Args:
        redact: Leave primary keys out.  The last call counts.
    """

    def explain(*, exception: BaseException, **_: Any) -> None:
        note(exception, redact=redact)

    failed: Any = signals.task_failure
    failed.disconnect(dispatch_uid=_UID)
    # Strong: nobody else holds it.
    failed.connect(explain, weak=False, dispatch_uid=_UID)


def protect(  # noqa: PLR0913  one for each part of the boundary
    app: Any,
    base: transport.Base,
    *,
    mode: Mode = "raise",
    session: units.Factory | None = None,
    missing: Missing = "raise",
    changed: Changed = "raise",
) -> None:
    """Let no mapped object cross to a task, or back from it; call it once, where the application is made.

        app = Celery("shop", broker=...)
        protect(app, Base)

    Args:
        app: The Celery application.
        base: A declarative base, ``SQLModel``, a mapped class or a registry: what references may refer to.
        mode: What happens to a mapped object in the arguments of a task or in its result, whatever the serializer.
            ``"raise"`` refuses it before anything is sent, ``"warn"`` warns and goes on.  ``"reference"`` sends a
            reference, for which the task gets the object, loaded in its own session.
        session: A ``sessionmaker`` or ``scoped_session``.  With it each run of a task has a session of its own, which
            ``task_session()`` returns.
        missing: Of a reference without a row.  ``"raise"`` fails the task, ``"skip"`` logs a warning and does not run
            it, ``"none"`` runs it with ``None``.
        changed: Of a row with another version than its reference, for classes with a ``version_id_col``.  ``"raise"``
            and ``"skip"`` as above, ``"load"`` takes the row as it is.

    Raises:
        sqlalchemy.exc.ArgumentError: Another value of an option.
        TypeError: ``base`` is none of these.
    """
    _patch()
    app.outlive_boundary = Boundary(base, mode, session, missing, changed)
    for kind, tag in ((Reference, transport.REFERENCE), (Snapshot, transport.SNAPSHOT)):
        cast("Any", json).register_type(kind, tag, _sent, partial(transport.read, tag))
    if "send_task" not in vars(app):
        app.send_task = _guarded(app.send_task)
    uid = f"{_UID}.{id(app)}"

    def begin(**_: Any) -> None:
        for task in app.tasks.values():
            _wrap(task)

    app.on_after_finalize.connect(begin, weak=False, dispatch_uid=uid)
    cast("Any", signals.worker_init).connect(begin, weak=False, dispatch_uid=uid)
    if app.finalized:
        begin()
    if session is not None:

        def forget(**_: Any) -> None:
            units.forget_connections(session)

        cast("Any", signals.worker_process_init).connect(forget, weak=False, dispatch_uid=uid)


def delay_on_commit(session: object, task: Any, *args: Any, **kwargs: Any) -> None:
    """``task.delay(*args, **kwargs)`` once the transaction of a session is committed, and never if it is rolled back.

        delay_on_commit(session, ship, order.id)
        delay_on_commit(session, ship.si(order.id).set(countdown=60))

    In a savepoint it waits for the outermost commit; a rollback to the savepoint discards it.  It is sent after the
    session has given its connection back.  A process that dies between the commit and that loses it.

    Args:
        session: A ``Session`` or ``AsyncSession``, or a scoped one.
        task: A task, or a signature.
        args: Its arguments.
        kwargs: Those with names.

    Raises:
        LiveObjectError: A mapped object is among them; with ``protect(..., mode="reference")`` its reference is made
            after the commit, so that it may be new.
        NotSentError: By the commit: the work is committed, and the broker has not taken the message.
    """
    values = {"args": args, "kwargs": kwargs}
    send_on_commit(session, _boundary_of(task.app), values, _argument_of(task), task.delay, **_signature(task))


def _sent(value: Any) -> object:
    return transport.write(value)[1]


def _boundary_of(app: Any) -> Boundary | None:
    return getattr(app, "outlive_boundary", None)


def _signature(task: Any) -> dict[str, Any]:
    return {"signature": task} if isinstance(task, dict) else {}


def _argument_of(task: Any) -> str:
    name: Any = getattr(task, "name", None) or (
        cast("dict[str, Any]", task)["task"] if isinstance(task, dict) else task
    )
    return f"an argument of the task {name!r}"


def _leaving(
    boundary: Boundary, task: Any, args: Any, kwargs: Any, options: dict[str, Any]
) -> tuple[Any, Any, dict[str, Any]]:
    """Arguments and options of a message as they may leave."""
    # Nearly all messages are such.
    if _WITH_SIGNATURES.isdisjoint(options) and is_harmless((args, kwargs)):
        return args, kwargs, options
    signatures = {name: options[name] for name in _WITH_SIGNATURES if options.get(name)}
    sent = boundary.leaving({"args": args, "kwargs": kwargs, **signatures}, _argument_of(task))
    return sent["args"], sent["kwargs"], {**options, **{name: sent[name] for name in signatures}}


def _patch() -> None:
    """Guard what publishes, for the applications that are protected.

    Celery's signal before a message leaves swallows exceptions, and ``Celery.send_task``, which delay, groups and
    chains end in, sees neither eager tasks nor pydantic models before they are dumped.
    """
    task, members = cast("Any", Task), cast("Any", group)
    if not hasattr(task.apply_async, "outlive_original"):
        task.apply_async = _guard_apply_async(task.apply_async)
        task.apply = _guard_apply(task.apply)
        members.apply_async = _guard_group(members.apply_async)


def _guard_apply_async(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def apply_async(self: Any, args: Any = None, kwargs: Any = None, *rest: Any, **options: Any) -> Any:
        boundary = _boundary_of(self.app)
        if boundary is not None:
            args, kwargs, options = _leaving(boundary, self, args, kwargs, options)
        return original(self, args, kwargs, *rest, **options)

    marked: Callable[..., Any] = _marked(apply_async, original)
    return marked


def _guard_apply(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def apply(self: Any, args: Any = None, kwargs: Any = None, *rest: Any, **options: Any) -> Any:
        boundary = _boundary_of(self.app)
        if boundary is not None:
            _wrap(self.app.tasks[self.name])
            # Else it is a call in this process, which asks for nothing more.
            if self.app.conf.task_always_eager:
                args, kwargs, options = _leaving(boundary, self, args, kwargs, options)
        return original(self, args, kwargs, *rest, **options)

    return apply


def _guard_group(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def apply_async(self: Any, args: Any = None, *rest: Any, **options: Any) -> Any:
        boundary = _boundary_of(self.app)
        # All members before the first one leaves; those of a generator are made while they are sent.
        if boundary is not None and boundary.mode != "warn" and type(self.tasks) in {list, tuple}:
            boundary.leaving({"args": args, "tasks": self.tasks}, "an argument in a group")
        return original(self, args, *rest, **options)

    return apply_async


def _guarded(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def send_task(name: str, args: Any = None, kwargs: Any = None, *rest: Any, **options: Any) -> Any:
        app = cast("Any", original).__self__
        # A task that sends itself was looked at in its apply_async.
        if options.get("task_type") is None:
            args, kwargs, options = _leaving(app.outlive_boundary, name, args, kwargs, options)
        return original(name, args, kwargs, *rest, **options)

    return send_task


def _wrap(task: Any) -> None:
    """Let the runs of a task go through the boundary; a call of it as a function stays one."""
    if hasattr(task.run, "outlive_original"):
        return
    original = task.run

    @wraps(original)
    def run(*args: Any, **kwargs: Any) -> Any:
        request, boundary = task.request, _boundary_of(task.app)
        if boundary is None or request.called_directly:
            return original(*args, **kwargs)
        try:
            return boundary.run(task.name, original, args, kwargs, returns=_returns(task, request))
        except SkippedTaskError as error:
            _log.warning("%s", error)
            raise Ignore(str(error)) from error

    task.run = _marked(run, original)


def _marked(function: Any, original: Any) -> Any:
    function.outlive_original = original
    return function


def _returns(task: Any, request: Any) -> bool:
    """Whether the result of a task goes anywhere."""
    followers: Sequence[Any] = (request.callbacks, request.chain, request.chord)
    ignored = request.ignore_result or task.ignore_result
    return any(followers) or not (ignored or isinstance(task.backend, DisabledBackend))
