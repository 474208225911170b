"""An exception to an explanation: which lifetime error is inside it, of which object, and what to do.

Works after the fact and needs no hook: the traceback's frames and SQLAlchemy's ``InstanceState`` tell what
happened.  It cannot tell where a value was erased or a session closed, and says so.
"""

from __future__ import annotations

from dataclasses import replace

from outlive.diagnosis.kinds import Kind
from outlive.diagnosis.ownership import (
    explain_foreign,
    explain_in_two_sessions,
    explain_no_such_method,
    explain_twin,
)
from outlive.diagnosis.queues import explain_sent
from outlive.diagnosis.transactions import (
    explain_committing,
    explain_needs_rollback,
    explain_row_deleted,
    explain_shared,
    explain_stale_row,
)
from outlive.diagnosis.unloaded import explain_detached, explain_greenlet, explain_raiseload
from outlive.diagnosis.unwrap import failures_in
from outlive.hazards.catalog import all_hazards
from outlive.lifecycle.explanation import Explanation

__all__ = ["explain"]

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


def explain(exc: BaseException) -> Explanation | None:
    """Explain the lifetime error inside an exception; ``None`` if there is none.

    Looks through ``StatementError.orig``, causes, contexts, exception groups and the validation errors of pydantic
    and FastAPI.  Never raises, never emits SQL, never runs code of a mapped object.  A stripped or pickled exception
    is explained from its message, with less to say.
    """
    try:
        for failure in failures_in(exc):
            explanation = _EXPLAINERS[failure.kind](failure)
            if explanation is not None:
                names = {hazard.name for hazard in all_hazards()}
                return replace(explanation, is_documented=explanation.hazard in names)
    except Exception:  # noqa: BLE001  explaining an error must not become the next one
        return None
    return None
