"""Work that is handed to somebody else, and what it will find when it runs.

A task or a thread begins at once and goes on beside its caller; a background task of a web framework begins when the
caller has returned.  So the work is walked once more where it is waited for, or where the caller ends, with what has
become of its objects by then: expired by the commit, detached by the end of the block.

Source: asyncio starts a task at the next suspension of the one that made it; run with SQLAlchemy 2.0 and 2.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow import calls, graphql, lifetimes, orphans, queries, sharing
from outlive.check.flow.arguments import Given
from outlive.check.flow.elements import item
from outlive.check.flow.frames import BOUNDED, Frame, OutOfStepsError, Pairs, apart, is_within
from outlive.check.flow.log import Note
from outlive.check.flow.observations import Exit, Loss, Meets
from outlive.check.flow.state import Object, Plain, State
from outlive.check.flow.values import (
    UNKNOWN,
    Coroutine,
    FunctionValue,
    Group,
    Handle,
    Many,
    MethodValue,
    Spot,
    Value,
)
from outlive.check.knowledge import Handover, Runs
from outlive.check.program import External
from outlive.check.targets import ends_early

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter
    from outlive.check.flow.listeners import Event


WAITING = frozenset({"as_completed", "gather", "shield", "wait", "wait_for"})
_JOINING = frozenset({"exception", "join", "result"})
_HARMLESS = frozenset(
    {
        "add_done_callback", "cancelled", "delete_cookie", "done", "get_name", "is_alive", "running",
        "set_cookie", "set_name", "start",
    }
)  # fmt: skip
_UNSENT = frozenset({"background", "cache_control", "content_type", "headers", "media_type", "mimetype", "status_code"})
"""Attributes of a response that leave its body alone."""


class Work(Struct, frozen=True, eq=False):
    """Work that has been handed over and may still be going on.

    Attributes:
        frame: Who has handed it over.
        call: The call that did.
        argument: What is handed over: the span of the coroutine, or of the call.
        function: What runs.
        arguments: What it is given.
        keywords: The same, by name.
        runs: When it runs; ``streamed`` for a generator that makes the body of a response; at an event of a session.
        before: The objects as they were at the call.
        owner: The ``TaskGroup`` or executor that runs it.
        uses: The sessions that it uses.
        sid: The session whose event it waits for.
        once: It runs at the first of them only.
    """

    frame: Frame
    call: int
    argument: int
    function: Value
    arguments: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...]
    runs: Runs | Event | Literal["streamed"]
    before: dict[int, Object | Plain]
    owner: External
    uses: tuple[sharing.Use, ...] = ()
    sid: int | None = None
    once: bool = False

    def inner_frame(self) -> Frame:
        """The function that hands it over, as the place from which it runs."""
        at = self.frame
        return Frame(at.id, at.module, at.function, at.closure, max(at.depth, BOUNDED), stack=at.stack)

    @property
    def given(self) -> Iterator[Value]:
        """What it is given, also by ``functools.partial``."""
        yield from (*self.arguments, *(value for _, value in self.keywords))
        if isinstance(self.function, FunctionValue):
            yield from (*self.function.args, *self.function.keywords.values())

    @property
    def is_beside(self) -> bool:
        """It runs while its caller goes on."""
        return self.runs in ("beside", "thread")

    @property
    def is_unseen(self) -> bool:
        """Somebody else has it run: not when its caller waits for it, or ends."""
        return self.sid is not None or self.runs in ("streamed", "batched")

    def may_meet(self, other: Work) -> bool:
        """Whether both run at the same time."""
        return (self.is_beside and other.is_beside) or self.runs == other.runs == "batched"


def hand_over(run: Interpreter, node: ir.Call, given: Given, known: Handover, function: External) -> Pairs:
    """``create_task(work(order))``, ``tasks.add_task(work, order)``, ``Thread(target=work, args=(order,))``"""
    state, frame = given.state, given.frame
    at = known.work
    work = (given.keyword(at) if isinstance(at, str) else given.argument(at, known.named)) or UNKNOWN
    arguments: tuple[Value, ...] = ()
    keywords: list[tuple[str, Value]] = []
    if known.arguments in ("each", "rest") and isinstance(known.work, int):
        arguments, keywords = tuple(given.args[known.work + 1 :]), given.keywords
        if known.arguments == "each":
            iterables = [queries.iterated(run, value, state, frame, node.span) for value in arguments]
            arguments, keywords = tuple(item(value, UNKNOWN) for value in iterables), []
    elif known.arguments:
        held = given.keyword(known.arguments)
        if held is None and known.position is not None and known.position < len(given.args):
            held = given.args[known.position]
        arguments = held.items if isinstance(held, Group) and not held.names else ()
        named = given.keyword(known.keywords) if known.keywords else None
        keywords = list(zip(named.names, named.items, strict=True)) if isinstance(named, Group) and named.names else []
    argument, uses = node.span, None
    if isinstance(work, Coroutine):
        argument = node.spans[0] if node.spans else node.span
        if work.made_by is None:
            return [(state, work.value)]  # One statement of a session.
        uses = sharing.within(run, work.spot) or None
        _forget(run, work.spot)
        keywords, work = list(work.made_by.arguments), work.made_by.function
    if not isinstance(work, (FunctionValue, MethodValue)) or given.starred:
        return [(state, UNKNOWN)]
    runs = _how(run, given, known)
    if runs == "batched" and run.resolving:
        return [(state, graphql.loader(work))]  # Noted where the context is made.
    handle = run.identity("work", frame.id, node.span)
    owner = External(function.dotted.rpartition(".")[0])
    made = Work(frame, node.span, argument, work, arguments, tuple(keywords), runs, dict(state.objects), owner)
    if runs == "process":
        look(run, _pickled(state, Spot(frame.id, node.span)), made, may_be_mended=False)
        return [(state, UNKNOWN)]
    made = replace(made, uses=_foreseen(run, state, made) if uses is None else uses)
    spot = Spot(frame.id, argument)
    for other in state.pending.values():
        if other.may_meet(made):
            first, second = apart(run.frames, Spot(other.frame.id, other.argument), spot)
            how = Meets.BATCHED if runs == "batched" else Meets.BESIDE
            sharing.meet(run, state, (first, other.uses), (second, made.uses), how)
    state.pending = {**state.pending, handle: made}
    return [(state, graphql.loader(work) if runs == "batched" else Handle(handle))]


def _how(run: Interpreter, given: Given, known: Handover) -> Runs:
    executor = given.args[known.executor] if known.executor is not None and given.args else UNKNOWN
    through = run.knowledge.handovers.get(f"{executor.dotted}.submit") if isinstance(executor, External) else None
    return through.runs if through is not None else known.runs


def _pickled(state: State, spot: Spot) -> State:
    """The objects as another process gets them."""
    one = state.fork()
    lifetimes.detach(one, list(one.objects), Exit.PROCESS, spot)
    return one


def handles(value: Value) -> Iterator[int]:
    match value:
        case Handle(id=handle):
            yield handle
        case Many(element=element):
            yield from handles(element)
        case Group(items=items):
            for item in items:
                yield from handles(item)
        case _:
            pass


def let_go(state: State, values: Iterable[Value]) -> None:
    """Somebody whom we cannot see has the work: when it is waited for is not known."""
    for value in values:
        for handle in handles(value):
            state.pending = {key: work for key, work in state.pending.items() if key != handle}


def wait(run: Interpreter, state: State, value: Value) -> None:
    """The work behind a value is done before the caller goes on."""
    for handle in handles(value):
        work = state.pending.get(handle)
        if work is not None and not work.is_unseen:
            look(run, state, work, may_be_mended=False)
    let_go(state, (value,))


def method(run: Interpreter, given: Given, handle: Handle, name: str) -> Pairs:
    """``task.result()``, ``thread.join()``"""
    if name in _JOINING:
        wait(run, given.state, handle)
    elif name not in _HARMLESS:
        let_go(given.state, (handle,))
    return [(given.state, UNKNOWN)]


def attribute(state: State, handle: Handle, name: str) -> None:
    """``response.headers``; whoever reads something else may iterate over the body by himself."""
    if name not in _UNSENT:
        let_go(state, (handle,))


def leave_block(run: Interpreter, state: State, owner: External) -> None:
    """The block of a ``TaskGroup`` or an executor waits for what was begun in it."""
    for handle, work in list(state.pending.items()):
        if work.owner == owner:
            wait(run, state, Handle(handle))


def still_going(run: Interpreter, ends: Pairs, *, is_entry: bool) -> None:
    """What is not waited for runs on when the caller has ended; behind an entry point nobody mends anything."""
    for state, value in ends:
        if state.pending:
            let_go(state, (value,))
            for work in state.pending.values():
                if not work.is_unseen:
                    look(run, state, work, may_be_mended=not is_entry)


def outlived(run: Interpreter, ends: Iterable[State]) -> None:
    """What goes on beside others does so when the dependencies of a request have ended, too."""
    for state in ends:
        for work in state.pending.values():
            if work.is_beside and not work.is_unseen:
                look(run, state, work, may_be_mended=False)


def _foreseen(run: Interpreter, state: State, work: Work) -> tuple[sharing.Use, ...]:
    """The uses of sessions in a function that is going to run."""
    values = [*work.given, work.function]
    has_any = any(orphans.holds(value, sid) for sid in state.sessions for value in calls.reach(state, values))
    if not has_any and work.runs != "batched":
        return ()
    others, run.uses = run.uses, {}
    _walked(run, state, work)
    uses, run.uses = tuple(run.uses.values()), others
    return uses


def _walked(run: Interpreter, state: State, work: Work) -> tuple[list[Note], list[State]]:
    """What is noted in the work, with what has become of its objects, and how it ends; nothing of it is kept."""
    one = state.fork()
    one.suspended, one.pending = False, {}
    one.envs.setdefault(work.frame.id, {})
    noted = len(run.log.notes)
    given = Given(one, work.inner_frame(), list(work.arguments), list(work.keywords), False)
    ends: Pairs = []
    with suppress(OutOfStepsError), run.aside():
        ends = calls.apply(run, work.function, given.args, given.keywords, given, work.argument)
    found = run.log.notes[noted:]
    del run.log.notes[noted:]
    return found, [end for end, _ in ends]


def look(run: Interpreter, state: State, work: Work, *, may_be_mended: bool) -> list[State]:
    """Keep what fails only because the work runs later; how it ends."""
    found, ends = _walked(run, state, work)
    known = {note.spot for note in run.log.notes if note.kind == "late"}
    given_as = {oid for value in work.given for oid in lifetimes.refs(value)}
    for note in found:
        if note.kind == "attached" and (work.runs != "afterwards" or not ends_early(run.fastapi)):
            run.log.add(replace(note, handed=(work.frame.id, work.call, work.argument)))
        if note.kind != "late" or note.spot in known or note.obj is None:
            continue
        if root_of(run, note.oid) not in work.before:
            continue  # What the work has made or loaded by itself fails in it, whoever hands it over.
        if note.guard and not _was_readable(work, note):
            run.log.add(note)  # It would fail there and then, too.
            continue
        in_time = work.sid is None and work.runs not in ("afterwards", "process") and _was_readable(work, note)
        if in_time and not (work.runs == "beside" and note.suspended):
            continue
        if may_be_mended and note.exit is None and (in_time or work.runs == "afterwards"):
            continue
        kind = "handed" if root_of(run, note.oid) in given_as else "captured"
        run.log.add(replace(note, kind=kind, handed=(work.frame.id, work.call, work.argument), text=work.runs))
    return ends


def _forget(run: Interpreter, call: Spot) -> None:
    """What has failed in a call that was walked as if it were awaited on the spot fails elsewhere, and later."""
    run.log.notes[:] = [
        note for note in run.log.notes if note.kind != "late" or not is_within(run.frames, note.spot.frame, call)
    ]


def _was_readable(work: Work, note: Note) -> bool:
    before = work.before.get(note.oid)
    if not isinstance(before, Object):
        return note.status is None or note.status.loss is not Loss.NEVER_LOADED
    return before.status(note.name).loss is None


def root_of(run: Interpreter, oid: int) -> int:
    """The object that the way to a child begins at."""
    kind = run.key_of(oid)
    while kind[0] == "child":
        oid = kind[1]
        kind = run.key_of(oid)
    return oid
