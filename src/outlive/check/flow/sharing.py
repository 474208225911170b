"""One session that several tasks or threads use at the same time.

A session works for one at a time.  Two that read are served by luck, as long as the session has its connection; a
flush, a commit or a rollback that meets anything else fails, and so does whoever comes while a new session fetches its
connection.

Source: SQLAlchemy 2.0 and 2.1 with aiosqlite, asyncpg and psycopg, run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, product
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow.frames import Frame, apart, is_within
from outlive.check.flow.log import Meeting, Note
from outlive.check.flow.observations import Meets
from outlive.check.flow.relevance import walk
from outlive.check.flow.state import State
from outlive.check.flow.values import Coroutine, Group, Many, SessionRef, Spot, Value

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


_READS = frozenset(
    {
        "connection", "exec", "execute", "get", "get_one", "merge", "refresh", "run_sync", "scalar", "scalars",
        "stream", "stream_scalars",
    }
)  # fmt: skip
_WRITES = frozenset({"begin", "begin_nested", "commit", "flush", "rollback"})


class Use(Struct, frozen=True):
    """One call of a session's method that may emit SQL.

    Attributes:
        sid: The session.
        spot: The call.
        is_clumsy: It cannot stand another use beside it: it writes, or has to fetch the session's connection first.
        is_first: It has to fetch that on some of the paths that lead to it.
    """

    sid: int
    spot: Spot
    is_clumsy: bool
    is_first: bool


def used(run: Interpreter, state: State, session: SessionRef, name: str, spot: Spot) -> None:
    """A session is used; what is in a block of unknown meaning may hold a lock."""
    held = state.sessions.get(session.sid)
    if held is None or held.lent or not held.name or run.guards or name not in _READS | _WRITES:
        return
    if run.key_of(session.sid)[0] == "scoped" or str(run.key_of(session.sid)[-1]).endswith("[]"):
        return
    is_new = held.factory is not None and not held.begun
    is_first = held.factory is not None and not held.connected
    use = Use(session.sid, spot, is_new or name in _WRITES, is_first)
    before = run.uses.get((spot, session.sid))
    if before is not None:  # In an earlier round, or on another path.
        use = replace(use, is_clumsy=use.is_clumsy or before.is_clumsy, is_first=use.is_first or before.is_first)
    run.uses[spot, session.sid] = use
    for work in state.pending.values():
        if work.is_beside:
            first, at = apart(run.frames, Spot(work.frame.id, work.argument), spot)
            meet(run, state, (first, work.uses), (at, (use,)))


def within(run: Interpreter, call: Spot) -> tuple[Use, ...]:
    """The uses in a call that was walked."""
    return tuple(use for use in run.uses.values() if is_within(run.frames, use.spot.frame, call))


Worker: TypeAlias = tuple[Spot, Sequence[Use]]
"""Where somebody is set to work, and the sessions that they use."""


def meet(run: Interpreter, state: State, first: Worker, second: Worker, how: Meets = Meets.BESIDE) -> None:
    """Two that are at work at the same time."""
    for one, other in product(first[1], second[1]):
        session = state.sessions.get(one.sid)  # Another path may have made it.
        is_bad = one.is_clumsy or other.is_clumsy or (how is Meets.BATCHED and (one.is_first or other.is_first))
        if session is not None and one.sid == other.sid and is_bad:
            meeting = Meeting(first[0], one.spot, other.spot, how, run.left_at.get(one.sid))
            run.log.add(Note("shared", second[0], "", session=session, meeting=meeting))
            return


def gathered(run: Interpreter, state: State, frame: Frame, given: Iterable[Value], unpacked: Iterable[Value]) -> None:
    """``asyncio.gather(count(session), load(session))``"""
    several = [each for value in unpacked if isinstance(value, Group) for each in value.items]
    workers = [value for value in (*given, *several) if isinstance(value, Coroutine)]
    for one, other in combinations(workers, 2):
        if one.spot != other.spot:
            meet(run, state, (one.spot, _uses(run, one)), (other.spot, _uses(run, other)))
    for made in (*several, *(value.element for value in unpacked if isinstance(value, Many))):
        if isinstance(made, Coroutine):
            again = made.spot, [use for use in _uses(run, made) if _is_of_all_rounds(run, state, frame, made, use)]
            meet(run, state, again, again)


def _uses(run: Interpreter, coroutine: Coroutine) -> tuple[Use, ...]:
    if coroutine.made_by is not None:
        return within(run, coroutine.spot)
    return tuple(use for use in run.uses.values() if use.spot == coroutine.spot)


def _is_of_all_rounds(run: Interpreter, state: State, frame: Frame, made: Coroutine, use: Use) -> bool:
    """Whether a loop makes the coroutine in every round, and the session was there before."""
    session = state.sessions.get(use.sid)
    if session is None or made.spot.frame != frame.id:
        return False
    opened = apart(run.frames, session.spot, made.spot)[0].span
    body = frame.function.body if frame.function is not None else frame.module.facts.body
    for loop in walk(body):
        if isinstance(loop, ir.For):
            spans = {getattr(node, "span", 0) for node in walk(loop.body)}
            if made.spot.span in spans and opened not in spans:
                return True
    return False
