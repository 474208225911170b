"""Functions that listen to a session's commits and rollbacks: ``event.listen(session, "after_commit", announce)``.

They run before anything expires, and until they are done the session emits no SQL: what is not loaded by then cannot be
read.  What they set to work goes on behind that, when everything has expired.

Source: SQLAlchemy 2.0 and 2.1, each event run (``InvalidRequestError``: "This session is in 'committed' state").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow import background, lifetimes
from outlive.check.flow.arguments import Given
from outlive.check.flow.state import State
from outlive.check.flow.values import Const, FunctionValue, MethodValue, SessionRef, Spot
from outlive.check.program import External

if TYPE_CHECKING:
    from outlive.check.flow.background import Work
    from outlive.check.flow.interpreter import Interpreter


Event: TypeAlias = Literal["after_commit", "after_rollback"]
"""When a session calls what listens to it."""


def add(run: Interpreter, node: ir.Call, given: Given, function: External) -> None:
    """``event.listen(session, "after_commit", work)``, which a decorator of ``work`` is lowered to as well."""
    state, frame = given.state, given.frame
    target, event, work = (given.argument(n, name) for n, name in enumerate(("target", "identifier", "fn")))
    session = state.sessions.get(target.sid) if isinstance(target, SessionRef) else None
    name = next((each for each in get_args(Event) if event == Const(each)), None)
    if not isinstance(target, SessionRef) or not isinstance(work, (FunctionValue, MethodValue)) or name is None:
        return
    if session is None or (session.is_async and not target.inner):
        return  # An `AsyncSession` has no events.
    handle = run.identity("work", frame.id, node.span)
    made = background.Work(
        frame, node.span, node.spans[2], work, (target,), (), name, dict(state.objects), function, sid=target.sid,
        once=given.keyword("once") == Const(True),
    )  # fmt: skip
    state.pending = {**state.pending, handle: made}


def commit(run: Interpreter, state: State, sid: int, spot: Spot) -> None:
    """The session commits."""
    run.committed(state, sid, spot)
    begun = _called(run, state, sid, "after_commit", spot)
    lifetimes.commit(state, sid, spot)
    _go_on(state, begun)


def rollback(run: Interpreter, state: State, sid: int, spot: Spot) -> None:
    """The session rolls back what it has begun."""
    begun: Mapping[int, Work] = {}
    if state.sessions[sid].begun:
        begun = _called(run, state, sid, "after_rollback", spot)
    lifetimes.rollback(state, sid, spot)
    _go_on(state, begun)


def _called(run: Interpreter, state: State, sid: int, event: Event, spot: Spot) -> Mapping[int, Work]:
    """Call the listeners of an event; what they set to work."""
    found = {handle: work for handle, work in state.pending.items() if work.sid == sid and work.runs == event}
    if not found:
        return {}
    then = state.fork()
    if event == "after_commit":
        lifetimes.flush(then, sid, spot)
    then.sessions[sid] = replace(then.sessions[sid], failed=True)
    begun: dict[int, Work] = {}
    for work in found.values():
        for end in background.look(run, then, work, may_be_mended=False):
            begun.update(end.pending)
    done = {handle for handle, work in found.items() if work.once}
    state.pending = {handle: work for handle, work in state.pending.items() if handle not in done}
    return begun


def _go_on(state: State, begun: Mapping[int, Work]) -> None:
    """It begins when the session is through with its transaction."""
    if begun:
        late = {handle: replace(work, before=dict(state.objects)) for handle, work in begun.items()}
        state.pending = {**state.pending, **late}
