"""An exception to an explanation: which lifetime error is inside it, of which object, and what to do.

Works after the fact and needs no hook: the traceback's frames and SQLAlchemy's ``InstanceState`` tell what
happened.  Where a value was erased or a session closed is known where somebody watched; else it says that it is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import FrameType
from weakref import WeakKeyDictionary

from sqlalchemy.exc import SQLAlchemyError

from outlive.diagnosis.kinds import Kind, kind_of, message_of
from outlive.diagnosis.objects import redacted
from outlive.diagnosis.ownership import (
    explain_foreign,
    explain_in_two_sessions,
    explain_no_such_method,
    explain_twin,
)
from outlive.diagnosis.queues import explain_sent
from outlive.diagnosis.tracebacks import calls_on
from outlive.diagnosis.transactions import (
    explain_committing,
    explain_needs_rollback,
    explain_row_deleted,
    explain_shared,
    explain_stale_row,
)
from outlive.diagnosis.unloaded import explain_detached, explain_greenlet, explain_raiseload
from outlive.diagnosis.unwrap import Failure, failures_in
from outlive.hazards.catalog import all_hazards
from outlive.lifecycle.explanation import Explanation

__all__ = ["explain", "explain_raised"]

_explained: WeakKeyDictionary[BaseException, Explanation] = WeakKeyDictionary()
"""What was said of an error when it was raised: later its objects may have gone on."""

_EXPLAINERS = {
    Kind.DETACHED: explain_detached,
    Kind.GREENLET: explain_greenlet,
    Kind.RAISELOAD: explain_raiseload,
    Kind.FOREIGN: explain_foreign,
    Kind.IN_TWO_SESSIONS: explain_in_two_sessions,
    Kind.TWIN: explain_twin,
    Kind.NO_SUCH_METHOD: explain_no_such_method,
    Kind.SENT: explain_sent,
    Kind.ROW_DELETED: explain_row_deleted,
    Kind.STALE_ROW: explain_stale_row,
    Kind.NEEDS_ROLLBACK: explain_needs_rollback,
    Kind.SHARED: explain_shared,
    Kind.COMMITTING: explain_committing,
}


def explain(exc: BaseException, *, redact: bool = False) -> Explanation | None:
    """Explain the lifetime error inside an exception; ``None`` if there is none.

    Looks through ``StatementError.orig``, causes, contexts, exception groups and the validation errors of pydantic
    and FastAPI.  Never raises, never emits SQL, never runs code of a mapped object.  A stripped or pickled exception
    is explained from its message, with less to say.

    Args:
        exc: What was caught.
        redact: Leave primary keys out.
    """
    try:
        for failure in failures_in(exc):
            known = _explained.get(failure.error) if isinstance(failure.error, SQLAlchemyError) else None
            if known is not None and redact and known.identity_key is not None:
                known = None
            explanation = known or _explain(failure, redact=redact)
            if explanation is not None:
                return explanation
    except Exception:  # noqa: BLE001  explaining an error must not become the next one
        return None
    return None


def explain_raised(error: SQLAlchemyError, frames: Iterable[FrameType], *, redact: bool = False) -> Explanation | None:
    """Explain an error that is being made, from the stack, innermost frame first; ``explain`` will say the same."""
    try:
        kind = kind_of(error)
        if kind is None:
            return None
        explanation = _explain(Failure(kind, error, message_of(error), calls_on(frames), is_raised=True), redact=redact)
        if explanation is not None:
            _explained[error] = explanation
    except Exception:  # noqa: BLE001  explaining an error must not become the next one
        return None
    return explanation


def _explain(failure: Failure, *, redact: bool) -> Explanation | None:
    with redacted(redact):
        explanation = _EXPLAINERS[failure.kind](failure)
    if explanation is None:
        return None
    names = {hazard.name for hazard in all_hazards()}
    key = None if redact else explanation.identity_key
    return replace(explanation, identity_key=key, is_documented=explanation.hazard in names)
