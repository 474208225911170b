"""What an async session can answer without SQL: a lazy load that needs none does not fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlive.check.entities import Entity
from outlive.check.flow.observations import Loss
from outlive.check.flow.state import Object, State
from outlive.check.flow.values import (
    NONE,
    Load,
)
from outlive.check.program import ClassSymbol
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


def is_none(obj: Object, name: str) -> bool:
    """A many-to-one of a new object whose key was never set is ``None``, without a look at the database."""
    relationship = obj.entity.relationships.get(name)
    if relationship is None or relationship.many or not obj.made:
        return False
    return obj.status(name).loss is Loss.NEVER_LOADED and obj.links.get(f"{name}_id", NONE) == NONE


def answers(run: Interpreter, state: State, obj: Object, name: str) -> bool:
    """Whether a many-to-one may be served by the identity map, without SQL."""
    relationship = obj.entity.relationships.get(name)
    if relationship is None or relationship.many or relationship.target is None:
        return False
    if obj.status(name).loss not in (Loss.NEVER_LOADED, Loss.REFRESH):
        return False
    if f"{name}_id" in obj.load.keyed:
        return True  # Who asks by the key of a row holds that row, as a rule.
    for other in state.objects.values():
        if other is obj or not isinstance(other, Object):
            continue
        # An object that came in as an argument belongs to some session, most likely to this one.
        near = other.sid == obj.sid or (other.sid is None and other.life is None)
        if near and other.life in (Life.PERSISTENT, None) and relationship.target in other.entity.lineage:
            return True
        if other.sid == obj.sid and _is_behind(run, other.entity, other.load, relationship.target):
            return True
    return False


def _is_behind(run: Interpreter, entity: Entity, load: Load, target: ClassSymbol) -> bool:
    """Whether options or the mapping load objects of a class behind an entity."""
    for name, relationship in entity.relationships.items():
        inner = load.get(name)
        found = run.entities.behind(relationship)
        if found is None or (inner is None and not relationship.eager):
            continue
        if target in found.lineage or (inner is not None and _is_behind(run, found, inner, target)):
            return True
    return False
