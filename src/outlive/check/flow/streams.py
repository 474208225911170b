"""Responses whose body a generator makes: it runs when the function has returned that has made the response.

By then its blocks are left.  A dependency of FastAPI ends before the body as well, or after it, as its scope and the
version say.  So the generator is walked where its function ends, with what has become of sessions and objects by then.

Source: Starlette 1.10, FastAPI 0.165, Flask 3.1 and sse-starlette 3.7, run with SQLAlchemy 2.0 and 2.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.facts import Function
from outlive.check.flow import background, calls, dependencies, orphans, responses
from outlive.check.flow.arguments import Given
from outlive.check.flow.frames import Frame, OutOfStepsError, Pairs
from outlive.check.flow.log import Note
from outlive.check.flow.state import Object, State
from outlive.check.flow.values import UNKNOWN, Const, Context, Group, Handle, Value
from outlive.check.program import External, Module

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_WEB = frozenset({"Blueprint", "Flask", "Quart"})
_ROUTES = frozenset({"delete", "get", "patch", "post", "put", "route"})
_LEFT = "%left"
"""Marks a path on which the client has gone away at a ``yield``."""


def made(run: Interpreter, node: ir.Call, given: Given, function: External) -> Pairs:
    """``StreamingResponse(rows(session))``"""
    content = given.argument(0, run.knowledge.streams[function.dotted])
    if not isinstance(content, Context):
        return [(given.state, UNKNOWN)]
    operands = zip(node.spans, (*given.args, *(value for _, value in given.keywords)), strict=False)
    span = next((at for at, operand in operands if operand is content), node.span)
    return [(given.state, _pending(run, given.state, given.frame, content, node.span, span))]


def returned(run: Interpreter, state: State, root: Frame, value: Value, span: int) -> None:
    """Flask takes a generator for a body, also in a tuple with a status or headers."""
    body = value.items[0] if isinstance(value, Group) and value.items and not value.names else value
    if isinstance(body, Context) and root.function is not None and _is_view(run, root.module, root.function):
        _pending(run, state, root, body, span, span)


def _is_view(run: Interpreter, module: Module, function: Function) -> bool:
    """Whether Flask calls it, and no other decorator may take the generator for something else."""
    heads = [decorator.head.rpartition(".") for decorator in function.decorators]
    return bool(heads) and all(
        method in _ROUTES and responses.is_application(run, module, owner, _WEB) for owner, _, method in heads
    )


def _pending(run: Interpreter, state: State, frame: Frame, body: Context, call: int, span: int) -> Handle:
    handle = run.identity("stream", frame.id, call)
    # Wherever it was made: from here it is run.
    body = replace(body, span=span, home=frame.id)
    work = background.Work(frame, call, span, body, (), (), "streamed", dict(state.objects), External(""))
    state.pending = {**state.pending, handle: work}
    return Handle(handle)


def sent(run: Interpreter, root: Frame, ends: Pairs, *, is_entry: bool) -> None:
    """The function has returned, and what it has made is sent."""
    for state, _ in ends:
        waiting = [work for work in state.pending.values() if work.runs == "streamed"]
        if not waiting or state.failed:
            continue
        noted = len(run.log.notes)
        states = dependencies.left(run, root, [state], early=True) if is_entry else [state]
        del run.log.notes[noted:]
        for one in states:
            for work in waiting:
                _look(run, one, work, may_be_mended=not is_entry)


def _look(run: Interpreter, state: State, work: background.Work, *, may_be_mended: bool) -> None:
    """Keep what goes wrong in a body because it runs that late, and what would go wrong in it at once."""
    noted, known = len(run.log.notes), {note.spot for note in run.log.notes if note.kind == "late"}
    ends = list(_walked(run, state, work))
    found = run.log.notes[noted:]
    del run.log.notes[noted:]
    handed = work.frame.id, work.call, work.argument
    for note in found:
        if note.kind not in ("late", "spent") or note.spot in known:
            continue
        if _is_due_to_the_delay(run, note, work):
            run.log.add(replace(note, kind="streamed", handed=handed, text="" if note.kind == "late" else "result"))
        elif note.kind == "late" and not (may_be_mended and note.exit is None):
            run.log.add(note)
    for end in ends:
        for sid, session in end.sessions.items():
            before = state.sessions.get(sid)
            if before is None or before.closed is None or session.kept or session.factory is None or run.is_shared(sid):
                continue
            if session.begun and session.anew is not None and not _is_closed_later(state, sid):
                run.log.add(
                    Note("streamed", session.anew, "", session=replace(session, closed=before.closed), handed=handed,
                         cause=before.closed, text="session")
                )  # fmt: skip


def _is_due_to_the_delay(run: Interpreter, note: Note, work: background.Work) -> bool:
    before = work.before.get(background.root_of(run, note.oid))
    return note.exit is not None and isinstance(before, Object) and before.exit is None


def _is_closed_later(state: State, sid: int) -> bool:
    """Work that runs when the response has been sent has the session, and may close it."""
    return any(
        orphans.holds(value, sid)
        for work in state.pending.values()
        if not work.is_unseen
        for value in (work.function, *work.given)
    )


def _walked(run: Interpreter, state: State, work: background.Work) -> Iterator[State]:
    """The states in which a body ends: at its end or, where it has none, where the client goes away."""
    one = state.fork()
    one.suspended, one.pending = False, {}
    for sid, session in one.sessions.items():
        # Whoever has got it before has seen it closed: nobody but the body, and what that gives it to, closes it again.
        one.sessions[sid] = replace(session, left=session.closed is not None, anew=None, kept=False)
    one.envs.setdefault(work.frame.id, {})
    frame = work.inner_frame()
    raised: list[State] = []

    def sends(at: State, _: Value) -> list[State]:
        gone = at.fork()
        gone.own(frame.id)[_LEFT] = Const(True)
        raised.append(gone)
        return [at]

    assert isinstance(work.function, Context)
    ends: list[State] = []
    escaped: list[State] = []
    with suppress(OutOfStepsError), run.aside():
        ends, escaped = calls.generate(run, work.function, one, frame, sends, raised)
    yield from ends or [end for end in escaped if _LEFT in end.envs[frame.id]]
