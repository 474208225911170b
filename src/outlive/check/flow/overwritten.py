"""Foreign keys that were given the key of a pending object, and that a relationship sets right before the commit.

Source: SQLAlchemy 2.0 and 2.1, ``dependency.ManyToOneDP`` and ``OneToManyDP``, run: at a flush the relationship wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlive.check.entities import Entity
from outlive.check.flow import lifetimes
from outlive.check.flow.state import Object, State
from outlive.check.flow.values import Spot, Unknown, Value
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_UNSET = "unset"


def unset_key(run: Interpreter, oid: int, spot: Spot) -> Value:
    """The key of a pending object, which is ``None``, wherever it goes."""
    return Unknown(run.identity(_UNSET, oid, spot))


def related(run: Interpreter, state: State, oid: int, name: str, value: Value) -> None:
    """``owner.name = value``, in its constructor or later, or what is added to such a collection."""
    owner = state.object(oid)
    relationship = owner.entity.relationships.get(name) if owner is not None else None
    target = run.entities.behind(relationship)
    if owner is None or relationship is None or target is None or not relationship.by_key:
        return
    if not relationship.many:
        _set_right(run, state, oid, target)
    for behind in lifetimes.refs(value) if relationship.many is not False else ():
        _set_right(run, state, behind, owner.entity)


def _set_right(run: Interpreter, state: State, oid: int, target: Entity) -> None:
    """A foreign key to a row of the target is set at the next flush: what was read for it did no harm."""
    obj = state.object(oid)
    for name, value in obj.links.items() if obj is not None else ():
        read = run.key_of(value.source if isinstance(value, Unknown) else 0)
        if obj is None or read[:1] != (_UNSET,) or name not in obj.entity.columns or not _is_open(obj, name):
            continue
        pending = state.object(read[1])
        if pending is not None and pending.entity.meets(target):
            run.log.forgive("key", read[1], read[2])


def _is_open(obj: Object, name: str) -> bool:
    """Whether what an attribute was given is not committed yet."""
    return obj.life in (Life.TRANSIENT, Life.PENDING) or obj.inserted > 0 or name in obj.changed
