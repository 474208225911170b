"""What a walk has noted, as data that another process understands."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from outlive.check.entities import Guard
from outlive.check.flow.log import Log, Meeting, Note
from outlive.check.flow.observations import Exit
from outlive.check.flow.state import VAGUE, Object, Session, Status
from outlive.check.flow.values import Factory, Spot
from outlive.check.program import ClassSymbol, Module, Program
from outlive.check.templates import Templates

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


class _Subject(msgspec.Struct, array_like=True):
    """What is told of an object: its class (file and index there), and where it comes from."""

    filename: str
    index: int
    born: Spot | None
    query: Spot | None
    path: tuple[tuple[str, str], ...]
    optioned: bool
    made: bool


class _Noted(msgspec.Struct, array_like=True):
    """A :class:`Note`; ``oid`` is a number only within the parcel."""

    kind: str
    spot: Spot
    name: str
    subject: _Subject | None
    status: Status | None
    exit: tuple[Exit, Spot] | None
    session: Session | None
    cause: Spot | None
    oid: int
    text: str
    use: Spot | None
    shadowed: bool
    suspended: bool
    doubtful: bool
    handed: tuple[int, int, int]
    meeting: Meeting | None
    guard: Guard


class _Framed(msgspec.Struct, array_like=True):
    """A frame: its caller, the call, and the span of the function in its file; 0 for the file itself."""

    id: int
    parent: int
    span: int
    filename: str
    function: int


class _Parcel(msgspec.Struct, array_like=True):
    """``looked_at`` are the files with functions that this depends on."""

    looked_at: list[str]
    frames: list[_Framed]
    notes: list[_Noted]
    fine: list[Spot]
    unguarded: list[tuple[Spot, str]]
    factories: list[Factory]
    factory_of: list[tuple[Spot, Factory]]
    added_at: list[tuple[int, Spot, int]]


_decoder = msgspec.msgpack.Decoder(_Parcel)


def pack(run: Interpreter, log: Log, base: Log) -> bytes:
    """A log of this process; whoever unpacks it has the base."""
    fine = list(log.fine)
    notes = [_noted(note) for note in log.notes]
    factories = [each for spot, each in log.factories.items() if base.factories.get(spot) != each]
    spots = {spot for note in log.notes for spot in _spots(note)} | log.fine
    factory_of = [(spot, run.factory_of[spot]) for spot in spots if spot in run.factory_of]
    added = [(oid, *run.added_at[oid]) for oid in {note.oid for note in log.notes} if oid in run.added_at]
    spots.update(spot for _, spot, _ in added)
    spots.update(each.spot for each in (*factories, *(made for _, made in factory_of)) if each.spot is not None)
    waiting = {spot.frame for spot in spots} | {note.handed[0] for note in log.notes if note.handed != (0, 0, 0)}
    frames: dict[int, _Framed] = {}
    while waiting:
        frame = waiting.pop()
        if frame not in frames and frame >= 0:
            parent, span, module, index = run.frames[frame]
            within = module.function(index).span if index >= 0 else 0
            frames[frame] = _Framed(frame, parent, span, module.filename, within)
            waiting.add(parent)
    looked_at = run.program.looked_at | {frame.filename for frame in frames.values()}
    return msgspec.msgpack.encode(
        _Parcel(
            sorted(looked_at), list(frames.values()), notes, fine, list(log.unguarded), factories, factory_of, added
        )
    )


def unpack(run: Interpreter, data: bytes) -> Log:
    """A log that another process, or another run, has packed."""
    sent = _decoder.decode(data)
    places = _Places(run.program, run.templates)
    for frame in sent.frames:
        if frame.id not in run.frames:
            module = places.module(frame.filename)
            run.frames[frame.id] = frame.parent, frame.span, module, places.function(module, frame.function)
    run.factory_of.update(sent.factory_of)
    own = {oid: run.identity("sent", len(run.added_at), oid) for oid, _, _ in sent.added_at}
    run.added_at.update({own[oid]: (spot, span) for oid, spot, span in sent.added_at})
    notes = [_note(run, places, noted, own.get(noted.oid, 0)) for noted in sent.notes]
    factories = {factory.spot: factory for factory in sent.factories if factory.spot is not None}
    return Log(notes, set(sent.fine), factories, set(sent.unguarded))


def looked_at(data: bytes) -> list[str]:
    """The files with functions that what was noted depends on."""
    return _decoder.decode(data).looked_at


class _Places:
    """Files and functions by what a parcel calls them."""

    def __init__(self, program: Program, templates: Templates) -> None:
        self.program = program
        self.templates = templates
        self._functions: dict[Module, dict[int, int]] = {}

    @cached_property
    def modules(self) -> dict[str, Module]:
        return {module.filename: module for module in self.program.modules}

    def module(self, filename: str) -> Module:
        """A file of the program, or a template."""
        return self.modules.get(filename) or self.templates.modules[filename]

    def function(self, module: Module, span: int) -> int:
        """The index of a function; -1 for the module."""
        if not span:
            return -1
        known = self._functions.setdefault(module, {})
        if span not in known:
            known.update((function.span, n) for n, function in enumerate(module.facts.functions))
        if span not in known:
            known.update((function.span, n) for n, function in module.all_functions())
        return known[span]


def _spots(note: Note) -> list[Spot]:
    found = [note.spot, note.cause, note.use]
    if note.status is not None:
        found.append(note.status.spot)
    if note.exit is not None:
        found.append(note.exit[1])
    if note.obj is not None:
        found += [note.obj.born, note.obj.query]
    if note.session is not None:
        found += [note.session.spot, note.session.closed, note.session.anew]
        found.append(note.session.factory.spot if note.session.factory is not None else None)
    if note.meeting is not None:
        found += [note.meeting.first, note.meeting.use, note.meeting.other, note.meeting.left]
    return [spot for spot in found if spot is not None]


def _noted(note: Note) -> _Noted:
    subject = None
    if note.obj is not None:
        obj, symbol = note.obj, note.obj.entity.symbol
        subject = _Subject(
            symbol.module.filename, symbol.index, obj.born, obj.query, obj.path, obj.optioned, obj.made
        )  # fmt: skip
    return _Noted(
        note.kind, note.spot, note.name, subject, note.status, note.exit, note.session, note.cause, note.oid,
        note.text, note.use, note.shadowed, note.suspended, note.doubtful, note.handed, note.meeting,
        note.guard,
    )  # fmt: skip


def _note(run: Interpreter, places: _Places, noted: _Noted, oid: int) -> Note:
    obj = None
    if noted.subject is not None:
        symbol = ClassSymbol(places.modules[noted.subject.filename], noted.subject.index)
        entity = run.entities.get(symbol) or run.entities.below(symbol)
        assert entity is not None
        obj = Object(entity, None, None, VAGUE)
        obj = replace(
            obj, born=noted.subject.born, query=noted.subject.query, path=noted.subject.path,
            optioned=noted.subject.optioned, made=noted.subject.made,
        )  # fmt: skip
    return Note(
        noted.kind, noted.spot, noted.name, obj, noted.status, noted.exit, noted.session, noted.cause, oid,
        noted.text, noted.use, noted.shadowed, noted.suspended, noted.doubtful, noted.handed, noted.meeting,
        noted.guard,
    )  # fmt: skip
