"""Explanations in the log of a Celery worker."""

from __future__ import annotations

from typing import Any

from celery import signals  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs]

from outlive.diagnosis.notes import note

_UID = "outlive.integrations.celery"


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
