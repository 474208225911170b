"""What the interpreter notes while it walks, before it is put into words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from outlive.check.flow.observations import Exit
from outlive.check.flow.state import Object, Session, State, Status
from outlive.check.flow.values import Factory, Spot


@dataclass(frozen=True, slots=True)
class Note:
    """One thing seen at one spot on one path.

    Attributes:
        kind: ``late``, ``key``, ``handover``, ``foreign``, ``merge`` or ``method``.
        spot: Where.
        obj: The object, as it was then.
        name: The attribute, the method or the call.
        cause: Where it became wrong; decides in which frame the finding stands.
        shadowed: Something earlier on the same path raises already.
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


@dataclass(slots=True)
class Log:
    """All notes of one analysis.

    Attributes:
        fine: Spots at which a read was all right on some path.
        factories: Every factory that the program makes, by the call that makes it.
    """

    notes: list[Note] = field(default_factory=list[Note])
    fine: set[Spot] = field(default_factory=set[Spot])
    factories: dict[Spot, Factory] = field(default_factory=dict[Spot, Factory])

    def add(self, note: Note) -> None:
        self.notes.append(note)

    def say_where(self, since: int, spot: Spot, use: Spot) -> None:
        """What was noted ``since`` then at a spot is read there because of what stands at ``use``."""
        self.notes[since:] = [replace(n, use=n.use or use) if n.spot == spot else n for n in self.notes[since:]]

    def raised(self, note: Note, state: State) -> None:
        """Something that raises there: the path ends, as far as later findings depend on it."""
        self.notes.append(replace(note, shadowed=state.failed))
        state.failed = True
