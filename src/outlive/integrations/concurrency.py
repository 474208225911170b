"""Threads, executors, asyncio and background tasks: a guard that refuses objects whose session stays behind.

To hand a value over, ``outlive.snapshot(obj)``; to hand a row over, ``outlive.reference(obj)`` and ``load`` there.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from functools import wraps
from typing import Any, Literal, TypeAlias, TypeVar, cast

from sqlalchemy.exc import ArgumentError

from outlive.boundary.live import Live, captured, live_objects
from outlive.boundary.refusal import refusal
from outlive.lifecycle.errors import LiveObjectError, LiveObjectWarning

__all__ = ["guard_background_tasks", "guard_executor", "guard_tasks"]

E = TypeVar("E", bound=Executor)
Mode: TypeAlias = Literal["raise", "warn"]

_WHY = "Its session belongs to the code that goes on here, and may expire or close it at any moment."


def guard_executor(executor: E, *, mode: Mode = "raise") -> E:
    """Let an executor refuse work that brings objects of a session: in its arguments, its closure, or as ``self``.

        executor = guard_executor(ThreadPoolExecutor())

    ``executor.map`` and ``loop.run_in_executor`` are guarded with it, and ``asyncio.to_thread`` once it is the default
    executor of the loop.  An object that is detached and has its columns passes: it is as good as a value.

    Args:
        executor: The executor, which is changed and returned.
        mode: ``"warn"`` warns and goes on.

    Raises:
        LiveObjectError: By ``submit``.
        sqlalchemy.exc.ArgumentError: Another mode.
    """
    _check(mode)
    original = getattr(executor.submit, "__wrapped__", executor.submit)

    @wraps(original)
    def submit(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        values = [*captured(fn, "the function"), ("args", args), ("kwargs", kwargs)]
        _refuse(values, "handed to another thread or process", mode)
        return original(fn, *args, **kwargs)

    cast("Any", executor).submit = submit
    return executor


def guard_tasks(loop: asyncio.AbstractEventLoop | None = None, *, mode: Mode = "raise") -> None:
    """Let an event loop refuse tasks that bring objects of a session, however they are created.

    That is ``create_task``, ``TaskGroup``, ``gather`` and ``ensure_future``: a task runs at the same time as the code
    that has made it, and may outlive its session.

    Args:
        loop: The loop; without one, that which runs.
        mode: ``"warn"`` warns and goes on.

    Raises:
        LiveObjectError: By what creates a task.
        sqlalchemy.exc.ArgumentError: Another mode.
    """
    _check(mode)
    loop = loop or asyncio.get_running_loop()
    before = loop.get_task_factory()
    original = getattr(before, "outlive_original", before)

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> Any:
        # Before a coroutine runs, its variables are its arguments and its closure.
        frame = getattr(coro, "cr_frame", None)
        try:
            _refuse(list(frame.f_locals.items()) if frame else [], "captured by a task", mode)
        except LiveObjectError:
            coro.close()
            raise
        make = cast("Any", original) or _make_task
        return make(loop, coro, **options)

    cast("Any", factory).outlive_original = original
    loop.set_task_factory(cast("Any", factory))


def guard_background_tasks(*, mode: Mode = "raise") -> None:
    """Let Starlette and FastAPI refuse background tasks that bring objects of a session; call it once.

    Args:
        mode: ``"warn"`` warns and goes on.  The last call counts.

    Raises:
        LiveObjectError: By ``BackgroundTasks.add_task`` and ``BackgroundTask``.
        sqlalchemy.exc.ArgumentError: Another mode.
    """
    from starlette.background import BackgroundTask  # noqa: PLC0415  the rest of this module does without

    _check(mode)
    original = getattr(BackgroundTask.__init__, "__wrapped__", BackgroundTask.__init__)

    @wraps(original)
    def init(self: Any, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        values = [*captured(func, "the function"), ("args", args), ("kwargs", kwargs)]
        _refuse(values, "captured by a background task", mode)
        original(self, func, *args, **kwargs)

    cast("Any", BackgroundTask).__init__ = init


def _check(mode: str) -> None:
    if mode not in {"raise", "warn"}:
        raise ArgumentError(f"mode= is raise or warn, got {mode!r}")


def _make_task(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
    return asyncio.Task(coro, loop=loop, **options)


def _refuse(values: Iterable[tuple[str, Any]], what: str, mode: Mode) -> None:
    found = [live for live in live_objects(values, pickled=False) if _is_bound(live)]
    if not found:
        return
    error = refusal(found, what, _WHY)
    if mode == "raise":
        raise error
    warnings.warn(str(error), LiveObjectWarning, stacklevel=3)


def _is_bound(live: Live) -> bool:
    """Whether an object needs its session: it belongs to one, or has lost columns that only one can load."""
    state = live.state
    return state.session_id is not None or (
        state.has_identity and not state.expired_attributes.isdisjoint(state.mapper.column_attrs.keys())
    )
