"""What the interpreter notes while it walks, before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from outlive.check.entities import Guard
from outlive.check.flow.observations import Exit, Meets
from outlive.check.flow.state import Object, Session, State, Status
from outlive.check.flow.values import Factory, Spot


class Meeting(Struct, frozen=True):
    """Two uses of one session at the same time.

    Attributes:
        first: Where the first user is set to work.
        use: What it does with the session.
        other: What the second one does with it.
        how: Why they meet.
        left: Where the session was left with the request that both have.
    """

    first: Spot
    use: Spot
    other: Spot
    how: Meets
    left: Spot | None


class Note(Struct, frozen=True):
    """One thing seen at one spot on one path.

    Attributes:
        kind: ``late``, ``key``, ``handover``, ``foreign``, ``merge``, ``method``, ``coroutine``, ``reopened``,
            ``handed``, ``captured``, ``commit``, ``empty``, ``mixed``, ``shared``, ``attached``, ``cached``,
            ``spent`` or ``streamed``.
        spot: Where.
        obj: The object, as it was then.
        name: The attribute, the method or the call.
        cause: Where it became wrong; decides in which frame the finding stands.
        shadowed: Something earlier on the same path raises already.
        suspended: Something has been awaited before, in the work that reads it.
        doubtful: The program may never go this way.
        handed: Where the work was handed over: frame, span of the call, span of what is handed over.
        guard: The ``lazy`` of the relationship that makes a read raise, whatever its object is attached to.
        asked: It is read if a client asks for it, who may be the one for whom it was loaded.
    """

    kind: str
    spot: Spot
    name: str
    obj: Object | None = None
    status: Status | None = None
    exit: tuple[Exit, Spot] | None = None
    session: Session | None = None
    cause: Spot | None = None
    oid: int = 0
    text: str = ""
    use: Spot | None = None
    shadowed: bool = False
    suspended: bool = False
    doubtful: bool = False
    handed: tuple[int, int, int] = (0, 0, 0)
    meeting: Meeting | None = None
    guard: Guard = ""
    asked: bool = False


@dataclass(slots=True)
class Log:
    """All notes of one analysis.

    Attributes:
        fine: Spots at which a read was all right on some path.
        unguarded: Reads that are guarded, or asked for, of what may be loaded on some path; each with its attribute.
        factories: Every factory that the program makes, by the call that makes it.
    """

    notes: list[Note] = field(default_factory=list[Note])
    fine: set[Spot] = field(default_factory=set[Spot])
    factories: dict[Spot, Factory] = field(default_factory=dict[Spot, Factory])
    unguarded: set[tuple[Spot, str]] = field(default_factory=set[tuple[Spot, str]])

    def take(self, other: Log) -> None:
        """What another walk has noted."""
        self.notes += other.notes
        self.fine |= other.fine
        self.unguarded |= other.unguarded
        self.factories.update(other.factories)

    def add(self, note: Note) -> None:
        self.notes.append(note)

    def forgive(self, kind: str, oid: int, spot: Spot) -> None:
        """What was noted of an object at a spot does no harm on the path that is walked."""
        self.fine.add(spot)
        self.notes[:] = [
            replace(n, doubtful=True) if (n.kind, n.oid, n.spot) == (kind, oid, spot) else n for n in self.notes
        ]

    def say_where(self, since: int, spot: Spot, use: Spot, reader: str) -> None:
        """What was noted ``since`` then at a spot is read there because of what stands at ``use``."""
        self.notes[since:] = [
            replace(n, use=use, text=reader) if n.spot == spot and n.use is None else n for n in self.notes[since:]
        ]

    def say_who(self, since: int, spot: Spot, reader: str) -> None:
        """What was noted ``since`` then is read at a spot, by way of what was called there."""
        self.notes[since:] = [
            replace(n, spot=spot, use=n.spot, text=reader) if n.kind == "late" and n.use is None else n
            for n in self.notes[since:]
        ]

    def raised(self, note: Note, state: State) -> None:
        """Something that raises there: the path ends, as far as later findings depend on it."""
        self.notes.append(replace(note, shadowed=state.failed, suspended=state.suspended, doubtful=state.doubtful))
        state.failed = True
