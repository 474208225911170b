"""Relationships that raise when they are read before they are loaded: ``lazy="raise"`` and ``"raise_on_sql"``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlive.check.entities import Guard
from outlive.check.flow import identity_map, lifetimes
from outlive.check.flow.state import VAGUE, Object, State
from outlive.check.flow.values import Load
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


def of(obj: Object, name: str) -> Guard:
    """The guard of an attribute; empty if it has none."""
    relationship = obj.entity.relationships.get(name)
    return relationship.guard if relationship is not None else ""


def is_unsure(obj: Object, name: str) -> bool:
    """Whether a query that cannot be seen may load a guarded relationship, now or when the row is loaded again."""
    is_unseen = obj.load.vague or (obj.query is None and not obj.made)
    # The read of a column that is not seen either brings back what has been lost.
    return bool(of(obj, name)) and (is_unseen or (obj.status(name).loaded and not obj.entity.known))


def may_be_loaded(obj: Object, name: str) -> bool:
    """Whether a guarded relationship is loaded, or may be.

    Whoever reads it where some path has loaded it has thought of that, and goes there on that path, as a rule.
    """
    status = obj.status(name)
    is_open = status.vague or status.loss is None or obj.life is None
    return bool(of(obj, name)) and (is_open or is_unsure(obj, name))


def filled(obj: Object, load: Load) -> Object:
    """Its row may be among those that a query with these options loads, for the sake of what they load behind it."""
    loaded = {name for name, _ in load.rels}
    for name in obj.entity.relationships:
        if of(obj, name) and (load.vague or name in loaded) and obj.status(name).loss is not None:
            obj = obj.with_status(name, VAGUE)
    return obj


def looked_through(obj: Object) -> Object:
    """Who looks into ``__dict__`` knows what is there, and reads accordingly."""
    return filled(obj, Load(vague=True))


def refusing(run: Interpreter, state: State, obj: Object, name: str) -> Guard:
    """What makes the read of an attribute without a value raise, in sync code and in async code; empty if nothing does.

    ``raise`` does so whatever the object is attached to.  ``raise_on_sql`` leaves it to the lazy load to raise for a
    detached object or to load the row of an expired one, and lets the identity map answer.

    Source: SQLAlchemy 2.0 and 2.1, ``LazyLoader._load_for_state``, each way run.
    """
    guard = of(obj, name)
    if guard != "raise_on_sql":
        return guard
    session = state.sessions.get(obj.sid) if obj.sid is not None else None
    if session is None or obj.sid is None or obj.life is not Life.PERSISTENT or identity_map.is_none(run, obj, name):
        return ""
    many, others = obj.entity.relationships[name].many, state.of_session(obj.sid)
    if not many and any(lifetimes.is_expired(other) for _, other in others):
        return ""  # An object that has expired is found as well, and loaded again.
    if obj.columns.loss is not None:
        if session.is_async and not session.lent:
            return ""
        obj = lifetimes.reload(obj)
    lacks = obj.status(name).loss is not None
    return guard if lacks and not identity_map.answers(run, state, obj, name) else ""
