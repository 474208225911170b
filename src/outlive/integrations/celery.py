"""Celery: ids and values cross to a task, live objects do not; and a session for each task.

Opens    before the task's function runs, also at each retry.
Commits  after the function has returned, before its result is stored and, with ``acks_late``, before the message is
         acknowledged.  Rolls back if the function raises, a ``Retry`` too.
Closes   right after that; loaded objects detach then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial, wraps
from inspect import signature
from typing import Any, TypeAlias, cast

from outlive.boundary import transport
from outlive.boundary.crossing import Boundary, Changed, Missing, Mode, is_harmless, send_on_commit
from outlive.boundary.units import Factory, task_session
from outlive.diagnosis.notes import note
from outlive.integrations.extras import missing_extra
from outlive.keep.references import Reference
from outlive.keep.snapshots import Snapshot
from outlive.lifecycle.errors import SkippedTaskError

try:
    from celery import Celery, Task, current_app, group, signals  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    from celery.backends.base import DisabledBackend  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    from celery.exceptions import Ignore  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]
    from kombu.utils.json import register_type
except ImportError as error:
    raise missing_extra(__name__, "celery") from error

__all__ = ["delay_on_commit", "explain_failures", "protect", "task_session"]

Call: TypeAlias = dict[str, Any]
"""The arguments of a call, by their names."""

_UID = "outlive.integrations.celery"
_CARRIED = ("args", "kwargs", "link", "link_error", "chain", "chord")
"""The arguments of what publishes that a message has in it."""
_log = logging.getLogger(__name__)
_signals = cast("Any", signals)


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

    _signals.task_failure.disconnect(dispatch_uid=_UID)
    # Strong: nobody else holds it.
    _signals.task_failure.connect(explain, weak=False, dispatch_uid=_UID)


def protect(  # noqa: PLR0913  one for each part of the boundary
    app: Any,
    base: transport.Base,
    *,
    mode: Mode = "raise",
    session: Factory | None = None,
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
    app.outlive_boundary = Boundary(base, mode, session, missing, changed)
    for kind, tag in ((Reference, transport.REFERENCE), (Snapshot, transport.SNAPSHOT)):
        cast("Any", register_type)(kind, tag, _sent, partial(transport.read, tag))
    _guard(Task, "apply_async", _leaving)
    _guard(Task, "apply", _leaving_eagerly, always=True)
    _guard(group, "apply_async", _leaving_together, always=True)
    _guard(Celery, "send_task", _leaving_by_name)
    app.on_after_finalize.connect(_begin)
    _signals.worker_init.connect(_begin)
    _signals.worker_process_init.connect(_forget_connections)
    if app.finalized:
        _begin(app)


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
        NotSentError: By the commit: the work is committed, and the broker has not said that it has the message.
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
    name = task if isinstance(task, str) else getattr(task, "name", None) or task["task"]
    return f"an argument of the task {name!r}"


def _guard(owner: Any, name: str, leaving: Callable[[Boundary, Any, Call], Call], *, always: bool = False) -> None:
    """Let a method that publishes send what ``leaving`` returns, for the applications that are protected.

    Celery's signal before a message leaves swallows exceptions, and ``Celery.send_task``, which delay, groups and
    chains end in, sees neither eager tasks nor pydantic models before they are dumped.

    Args:
        owner: The class.
        name: Of the method.
        leaving: Gets the arguments by name.
        always: Also where all arguments are plain, as they nearly always are.
    """
    original: Any = getattr(owner, name)
    if hasattr(original, "outlive_original"):
        return
    names = tuple(signature(original).parameters)[1:]

    @wraps(original)
    def guarded(self: Any, *args: Any, **call: Any) -> Any:
        boundary = _boundary_of(getattr(self, "app", self))
        if boundary is None or (not always and (_is_of_a_task(call) or is_harmless((args, call)))):
            return original(self, *args, **call)
        # More than it takes are its own affair.
        by_name = {**dict(zip(names, args, strict=False)), **call}
        return original(self, *args[len(names) :], **leaving(boundary, self, by_name))

    setattr(owner, name, _marked(guarded, original))


def _is_of_a_task(call: Call) -> bool:
    """Whether it comes from a task that sends itself, whose ``apply_async`` is guarded."""
    return call.get("task_type") is not None


def _leaving(boundary: Boundary, task: Any, call: Call) -> Call:
    """A call that publishes a task, as it may leave."""
    values = {name: call[name] for name in _CARRIED if name in call}
    return {**call, **boundary.leaving(values, _argument_of(task))}


def _leaving_eagerly(boundary: Boundary, task: Any, call: Call) -> Call:
    _wrap(task.app.tasks[task.name])
    # Else it is a call in this process, which asks for nothing more.
    return _leaving(boundary, task, call) if task.app.conf.task_always_eager else call


def _leaving_by_name(boundary: Boundary, app: Any, call: Call) -> Call:  # noqa: ARG001  as the others
    return _leaving(boundary, call["name"], call)


def _leaving_together(boundary: Boundary, members: Any, call: Call) -> Call:
    # Those of a generator are made while they are sent.
    if type(members.tasks) in {list, tuple}:
        boundary.look_at_all({"args": call.get("args"), "tasks": members.tasks}, "an argument in a group")
    return call


def _begin(sender: Any, **_: Any) -> None:
    """Let the tasks of an application, or of a worker's, run in the boundary."""
    app = getattr(sender, "app", sender)
    if _boundary_of(app) is not None:
        for task in app.tasks.values():
            _wrap(task)


def _forget_connections(**_: Any) -> None:
    boundary = _boundary_of(current_app)
    if boundary is not None:
        boundary.forget_connections()


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
    ignored = request.ignore_result or task.ignore_result or isinstance(task.backend, DisabledBackend)
    return bool(request.callbacks or request.chain or request.chord or not ignored)
