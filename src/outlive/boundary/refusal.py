"""What is said where a mapped object is refused: which, where, in which state, and what to do instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import InstanceState

from outlive.boundary.live import Live, changes_of
from outlive.lifecycle.errors import LiveObjectError
from outlive.lifecycle.states import State
from outlive.sessions.mapped import key_names
from outlive.sessions.objects import name_of, state_name

_SHOWN = 5


def refusal(found: Sequence[Live], what: str, why: str, *, returned: bool = False) -> LiveObjectError:
    """The error about mapped objects that were about to cross.

    Args:
        found: The objects.
        what: What was about to happen, after "to be": ``"an argument of the task 'shop.ship'"``.
        why: Why they cannot, one sentence.
        returned: Whether a task returns them.
    """
    lines = [f"{live.path} is {described(live.state)}" for live in found[:_SHOWN]]
    more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    text = f"a live object was about to be {what}: {'; '.join([*lines, *more])}. {why}"
    return LiveObjectError(f"{text} {remedy(found[0].state, returned=returned)}.", [live.path for live in found])


def described(state: InstanceState[Any]) -> str:
    """``Order (1,) (persistent, expired)``: what can be said of an object without reading it."""
    columns = set(state.mapper.column_attrs.keys())
    words: list[str] = [state_name(state)]
    if not state.has_identity:
        words.append("not flushed")
    elif columns & state.expired_attributes:
        words.append("expired")
    if state.has_identity and (changes := changes_of(state)):
        words.append(f"dirty ({', '.join(changes[:_SHOWN])})")
    name = name_of(state) if state.has_identity else state.class_.__name__
    return f"{name} ({', '.join(words)})"


def remedy(state: InstanceState[Any], *, returned: bool) -> str:
    """The edit that ends it."""
    variable = state.class_.__name__.lower()
    keys = ", ".join(f"{variable}.{name}" for name in key_names(state.mapper))
    verb, where = ("Return", "the caller") if returned else ("Send", "the task")
    is_new = state_name(state) in {State.TRANSIENT, State.PENDING}
    if state_name(state) is State.DELETED:
        first = "Its row is gone, or goes with the commit. "
    elif returned:
        first = "session.add() it and session.flush() first. " if is_new else ""
    else:
        first = "session.add() it and commit first. " if is_new else "Commit first. " if changes_of(state) else ""
    return f"{first}{verb} {keys} and load it in {where}, or the values: outlive.snapshot({variable}).to_dict()"
