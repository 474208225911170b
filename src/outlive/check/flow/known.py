"""What is known of a name's value, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

from outlive.check.flow.observations import Exit, Loss
from outlive.check.flow.state import Object, Plain, Session, State, Status
from outlive.check.flow.values import (
    ClassValue,
    Factory,
    Group,
    Load,
    Many,
    Query,
    Ref,
    Rows,
    SessionRef,
    Spot,
    Unknown,
    Value,
)
from outlive.lifecycle.places import Place
from outlive.lifecycle.states import State as Life

PlaceOf: TypeAlias = Callable[[Spot], Place]

_LOST = {
    Loss.COMMIT: "expired by the commit at",
    Loss.ROLLBACK: "expired by the rollback at",
    Loss.FAILED_FLUSH: "expired by the failed flush at",
    Loss.FLUSH: "expired by the flush at",
    Loss.EXPIRE: "expired at",
    Loss.REFRESH: "dropped by the refresh at",
}
_LEFT = {
    Exit.CLOSE: "its session closes at",
    Exit.EXPUNGE: "expunged at",
    Exit.LOSS: "nothing holds its session any longer since",
    Exit.COPY: "a copy that a cache made at",
    Exit.PROCESS: "a copy for another process, pickled at",
    Exit.ROLLBACK: "transient again by the rollback at",
}
_EXPIRY = {
    True: "a commit expires its objects",
    False: "expire_on_commit=False",
    None: "whether a commit expires its objects is not known",
}


class Known(Struct, frozen=True):
    """What is known of one name on one path.

    Attributes:
        name: As in the program: ``order``, ``self.session``.
        text: What it stands for.
        details: Of a mapped object: what its attributes are, each with their names.
    """

    name: str
    text: str
    details: tuple[tuple[str, str], ...] = ()


class Names(Struct, frozen=True):
    """The names of one frame on one path.

    Attributes:
        known: Those that stand for something whose life matters.
        unknown: Those that may.
    """

    known: tuple[Known, ...]
    unknown: tuple[str, ...]


def names(place: PlaceOf, state: State, values: Mapping[str, Value]) -> Names:
    """What is known of these names.

    Args:
        place: Where a spot is.
        state: The path.
        values: Names, each with what it stands for.
    """
    teller = _Teller(place, state, values)
    known = [known for name, value in values.items() for known in teller.of(name, value)]
    return Names(tuple(known), tuple(name for name, value in values.items() if isinstance(value, Unknown)))


class _Teller(Struct, frozen=True):
    place: PlaceOf
    state: State
    values: Mapping[str, Value]

    def of(self, name: str, value: Value, *, nested: bool = False) -> Iterator[Known]:
        match value:
            case SessionRef(sid=sid) if sid in self.state.sessions:
                yield Known(name, self.session(self.state.sessions[sid]))
            case Ref(oid=oid):
                found = self.state.objects.get(oid)
                if isinstance(found, Object):
                    yield Known(name, self.object(found), tuple(self.attributes(found)))
                elif isinstance(found, Plain):
                    yield Known(name, f"an object of the class {found.symbol.facts.name}")
                    if not nested:
                        for field, inner in found.fields.items():
                            yield from self.of(f"{name}.{field}", inner, nested=True)
            case Many(element=element):
                for known in self.of(name, element, nested=True):
                    yield Known(known.name, f"a collection, of each: {known.text}", known.details)
            case Group(items=items, names=keys) if not nested:
                for index, item in enumerate(items):
                    yield from self.of(f"{name}[{keys[index]!r}]" if keys else f"{name}[{index}]", item, nested=True)
            case Query() | Rows() | Factory():
                yield Known(name, self.other(value))
            case _:
                return

    def session(self, session: Session) -> str:
        words = [session.name or ("an AsyncSession" if session.is_async else "a Session"), _EXPIRY[session.expires]]
        if session.closed is not None and not session.begun:
            words.append(f"closed at {self.place(session.closed)}")
        elif session.begun:
            words.append("a transaction may be open")
        return ", ".join(words)

    def object(self, obj: Object) -> str:
        words = [obj.entity.name, str(obj.life) if obj.life else "whether it is in a session is not known"]
        if obj.exit is not None:
            words.append(f"{_LEFT[obj.exit[0]]} {self.place(obj.exit[1])}")
        elif obj.sid is not None:
            words[-1] += "".join(
                f" in {name}"
                for name, value in self.values.items()
                if isinstance(value, SessionRef) and value.sid == obj.sid
            )
        if obj.born is not None:
            words.append(f"{'made' if obj.made else 'loaded'} at {self.place(obj.born)}")
        return ", ".join(words)

    def attributes(self, obj: Object) -> Iterator[tuple[str, str]]:
        groups: dict[str, list[str]] = {}
        quiet = {name for name, relation in obj.entity.relationships.items() if relation.quiet}
        for name in (*obj.entity.columns, *obj.entity.relationships):
            if name not in quiet:
                groups.setdefault(self.status(obj.life, obj.status(name)), []).append(name)
        for status, members in groups.items():
            yield status, "all" if len(groups) == 1 else ", ".join(members)

    def status(self, life: Life | None, status: Status) -> str:
        if status.vague:
            return "not known"
        if status.loss is None:
            # What was never set reads as None until there is a row.
            return "can be read" if life in (Life.TRANSIENT, Life.PENDING) else "loaded"
        if status.loss is Loss.NEVER_LOADED or status.spot is None:
            return "not loaded"
        return f"{_LOST[status.loss]} {self.place(status.spot)}"

    def other(self, value: Query | Rows | Factory) -> str:
        match value:
            case Factory():
                return f"makes {value.name or 'sessions'}, {_EXPIRY[value.expires]}"
            case Query(kind="change"):
                return "an INSERT, UPDATE or DELETE"
            case Query():
                return f"a query for {self.selected(value)}{_options(value.load)}"
            case Rows():
                return "the result of a query"

    def selected(self, query: Query) -> str:
        return ", ".join(
            entity.symbol.facts.name if isinstance(entity, ClassValue) else "columns" for entity in query.entities
        )


def _options(load: Load) -> str:
    if load.vague:
        return ", with options that cannot be read"
    loaded = [name for name, _ in load.rels] + sorted(load.columns)
    return f", loading {', '.join(loaded)}" if loaded else ""
