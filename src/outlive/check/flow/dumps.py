"""What takes an object's ``__dict__`` for its values: an expired one is empty there, and nobody asks the database.

SQLModel serialises what ``__dict__`` holds, and FastAPI's ``jsonable_encoder`` does that for any mapped object.
FastAPI dumps an object as it is where it is an instance of the response model, and where there is none.

Source: SQLModel 0.0.50 and FastAPI 0.165, run; ``model_validate`` of another class reads the attributes instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlive.check.flow import lifetimes, reads
from outlive.check.flow.log import Note
from outlive.check.flow.observations import Loss
from outlive.check.flow.state import Object, State
from outlive.check.flow.values import Spot, Value
from outlive.check.program import External
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

METHODS = frozenset({"dict", "json", "model_dump", "model_dump_json"})
"""Of SQLModel, as they come from pydantic."""


def dumped(run: Interpreter, state: State, value: Value, spot: Spot, by: str) -> None:
    """Every object in a value is taken as it is."""
    for oid in lifetimes.refs(value):
        obj = state.object(oid)
        if obj is None:
            continue
        if _is_empty(obj) and not _reads_itself(run, obj):
            session = state.sessions.get(obj.sid) if obj.sid is not None else None
            note = Note("empty", spot, by, obj, obj.columns, obj.exit, session, obj.columns.spot, oid)
            run.log.add(note)
        elif not obj.columns.vague:
            run.log.fine.add(spot)


def _reads_itself(run: Interpreter, obj: Object) -> bool:
    """It is a dataclass, or iterates over its own attributes: then these are read."""
    _, outside, _ = run.program.lineage(obj.entity.symbol)
    is_dataclass = any(isinstance(base, External) and base.last == "MappedAsDataclass" for base in outside) or any(
        "dataclass" in decorator.head for class_ in obj.entity.lineage for decorator in class_.facts.decorators
    )
    return is_dataclass or any(reads.method(run, obj.entity.symbol, name) for name in ("__iter__", "keys"))


def _is_empty(obj: Object) -> bool:
    """It has lost all that it had."""
    return (
        obj.life in (Life.PERSISTENT, Life.DETACHED)
        and obj.columns.loss not in (None, Loss.NEVER_LOADED)
        and all(status.loss is not None for status in obj.attributes.values())
    )
