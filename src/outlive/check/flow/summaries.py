"""Summaries: what a call does that is given no mapped object and no session.

Such a call opens its own session or none, so what it returns depends on its arguments alone.  It is interpreted once
per kind of arguments, with its own bounds; every further call gets the result with places and identities of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from outlive.check.flow import conditions, generators, graphql, orphans, requests
from outlive.check.flow.frames import PATHS, Frame, Out, OutOfStepsError
from outlive.check.flow.state import Object, Plain, Session, State, Status
from outlive.check.flow.values import (
    NONE,
    UNKNOWN,
    Block,
    ClassValue,
    Const,
    Context,
    Coroutine,
    FunctionValue,
    Group,
    Handle,
    Many,
    Member,
    MethodValue,
    Query,
    Ref,
    Rows,
    SessionRef,
    Shelf,
    Spot,
    Stack,
    Unknown,
    Value,
)
from outlive.check.program import External, FunctionSymbol, ModuleSymbol

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


NESTING = 6
VARIANTS = 6
PLAINS = 12


class Ending(Struct, frozen=True):
    """One way in which a call can return: its value, what is alive behind it, and what was asked on the way.

    ``waiting`` are the frames of generators that wait at their ``yield``, and of exit stacks.
    """

    value: Value
    objects: Mapping[int, Object | Plain]
    sessions: Mapping[int, Session]
    answers: Mapping[str, bool] = {}
    waiting: Mapping[int, Mapping[str, Value]] = {}

    def is_like(self, other: Ending) -> bool:
        return replace(self, answers={}) == replace(other, answers={})


Summary = tuple[Ending, ...]


def call(
    run: Interpreter, function: FunctionValue, bound: dict[str, Value], state: State, frame: Frame, span: int
) -> list[tuple[State, Value]] | None:
    """The results of a call; ``None`` where it has to be interpreted in place."""
    if function.closure or run.passed_on is not None:  # Whoever waits for a request to be passed on looks at each walk.
        return None
    given = _Arguments(state)
    inputs = tuple((name, given.value(value)) for name, value in bound.items())
    if given.alive:
        return None
    symbol = function.symbol
    source = run.frame_id(-1, symbol.facts.span, symbol.module, symbol.index)
    summary = _summary(run, symbol, source, inputs, given)
    if summary is None:
        return None
    target = run.frame_id(frame.id, span, symbol.module, symbol.index)
    states = [state, *(state.fork() for _ in summary[1:])]
    pairs: list[tuple[State, Value]] = []
    for one, ending in zip(states, summary, strict=True):
        moved = Moved(run, source, target, given.actual)
        value = moved.value(ending.value)
        for oid, obj in ending.objects.items():
            one.objects[moved.oid(oid)] = moved.object(obj)
        for sid, session in ending.sessions.items():
            one.sessions[moved.oid(sid)] = moved.session(session)
        for waiting, env in ending.waiting.items():
            one.envs[moved.frame(waiting)] = {name: moved.value(each) for name, each in env.items()}
        for question, answer in ending.answers.items():
            one.answer(question, answer)
        pairs.append((one, value))
    return pairs


class _Arguments:
    """The arguments of a call, as they look to the callee: plain instances are numbered in the order of the walk."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.alive = False
        self.numbers: dict[int, int] = {}
        self.plains: list[Plain] = []
        self.actual: dict[int, int] = {}

    def value(self, value: Value) -> Value:
        match value:
            case Ref(oid=oid):
                found = self.state.objects.get(oid)
                if not isinstance(found, Plain) or found.entered is not None or len(self.plains) > PLAINS:
                    self.alive = True
                    return UNKNOWN
                number = self.numbers.get(oid)
                if number is None:
                    number = self.numbers[oid] = -2 - len(self.numbers)
                    self.actual[number] = oid
                    position = len(self.plains)
                    self.plains.append(found)
                    fields = {name: self.value(each) for name, each in found.fields.items()}
                    self.plains[position] = Plain(found.symbol, fields)
                return Ref(number)
            case Many(element=element):
                return Many(self.value(element))
            case Group(items=items, names=names):
                return Group(tuple(self.value(item) for item in items), names)
            case Unknown():
                return UNKNOWN  # Whatever it is: a summary serves many calls.
            case External() if value in (graphql.INFO, requests.REQUEST):
                self.alive = True
                return UNKNOWN
            case Const() | Member() | External() | ClassValue() | ModuleSymbol() | Shelf():
                return value
            case FunctionValue(owner=owner, closure=closure) if owner is None and not closure:
                return value
            case _:
                self.alive = True
                return UNKNOWN


def _summary(
    run: Interpreter, symbol: FunctionSymbol, source: int, inputs: tuple[tuple[str, Value], ...], given: _Arguments
) -> Summary | None:
    variants = run.summaries.setdefault((id(symbol.module), symbol.index), {})
    key = (inputs, tuple((plain.symbol, tuple(plain.fields.items())) for plain in given.plains))
    if key in variants:
        return variants[key]
    if len(variants) >= VARIANTS:
        key = (tuple((name, _general(value)) for name, value in inputs), key[1])
        if key in variants:
            return variants[key]
    if run.nesting >= NESTING:
        return (Ending(UNKNOWN, {}, {}),)
    variants[key] = (Ending(UNKNOWN, {}, {}),)  # What a recursive call finds.
    variants[key] = found = _interpret(run, symbol, source, dict(key[0]), given)
    return found


def _general(value: Value) -> Value:
    return UNKNOWN if isinstance(value, Const) and isinstance(value.value, str) else value


def _interpret(
    run: Interpreter, symbol: FunctionSymbol, source: int, bound: dict[str, Value], given: _Arguments
) -> Summary | None:
    state = State()
    state.envs[source] = bound
    conditions.presume(state, source, symbol.facts, bound)
    before = dict(zip(given.actual, given.plains, strict=True))
    state.objects.update(before)
    frame = Frame(source, symbol.module, symbol.facts, {}, 0, stack=((id(symbol.module), symbol.index),))
    out = Out()
    try:
        with run.aside():
            run.nesting += 1
            ends = run.block(symbol.facts.body, [state], frame, out)
    except OutOfStepsError:
        return (Ending(UNKNOWN, {}, {}),)
    endings: list[Ending] = []
    nothing = NONE if symbol.facts.body else UNKNOWN  # `...` stands for what somebody else does.
    for end, value in [*out.returns, *((end, nothing) for end in ends)]:
        if any(run.is_shared(sid) for sid in end.sessions):
            return None
        orphans.left(run, end, frame, value)
        one = ending(run, end, value, before)
        same = next((n for n, other in enumerate(endings) if one.is_like(other)), None)
        if same is None:
            endings.append(one)
        else:
            both = dict(endings[same].answers.items() & one.answers.items())
            endings[same] = replace(endings[same], answers=both)
    # Where it never returns (it raises, or the walk was lost), the caller goes on without knowing.
    return tuple(endings[:PATHS]) or (Ending(UNKNOWN, {}, {}),)


def ending(run: Interpreter, state: State, value: Value, before: Mapping[int, Plain]) -> Ending:
    """A value with everything that can be reached from it, or from an argument that was changed."""
    objects: dict[int, Object | Plain] = {}
    sessions: dict[int, Session] = {}
    frames: dict[int, Mapping[str, Value]] = {}
    waiting = [value]
    for number, plain in before.items():
        now = state.objects.get(number)
        if isinstance(now, Plain) and now != plain:
            objects[number] = now
            waiting.extend(now.fields.values())
    while waiting:
        match waiting.pop():
            case Ref(oid=oid) if oid in state.objects and oid not in objects and oid not in before:
                found = objects[oid] = state.objects[oid]
                if isinstance(found, Plain):
                    waiting.extend(found.fields.values())
                    continue
                waiting.extend(found.links.values())
                waiting.extend(Ref(run.identity("child", oid, name)) for name in found.entity.relationships)
                if found.sid is not None:
                    waiting.append(SessionRef(found.sid))
            case SessionRef(sid=sid) | Block(sid=sid) if sid in state.sessions:
                sessions[sid] = state.sessions[sid]
            case Many(element=element):
                waiting.append(element)
            case Group(items=items):
                waiting.extend(items)
            case Rows(row=row, scalar=scalar):
                waiting.extend((row, scalar))
            case MethodValue(base=base):
                waiting.append(base)
            case Coroutine(value=inner, sid=own, made_by=made_by):
                waiting.extend((inner, *((SessionRef(own),) if own is not None else ())))
                if made_by is not None:
                    waiting.append(made_by)
            case Query(sid=sid) if sid is not None:
                waiting.append(SessionRef(sid))
            case FunctionValue(owner=owner, closure=closure):
                waiting.extend(closure.values())
                if owner is not None:
                    waiting.append(owner)
            case Context(function=function, arguments=arguments) as context:
                waiting.append(function)
                waiting.extend(argument for _, argument in arguments)
                waiting.append(Stack(generators.frame_of(run, context)))
            case Stack(frame=frame) if frame in state.envs and frame not in frames:
                frames[frame] = state.envs[frame]
                waiting.extend(state.envs[frame].values())
            case _:
                pass
    return Ending(value, objects, sessions, state.answers(), frames)


class Moved:
    """Places and identities of a summary, seen from one of its calls."""

    def __init__(self, run: Interpreter, source: int, target: int, actual: Mapping[int, int]) -> None:
        self.run = run
        self.target = target
        self.frames = {source: target}
        self.oids = dict(actual)

    def frame(self, frame: int) -> int:
        moved = self.frames.get(frame)
        if moved is None:
            parent, span, module, index = self.run.frames[frame]
            above = self.frame(parent) if parent >= 0 else parent
            moved = frame if above == parent else self.run.frame_id(above, span, module, index)
            self.frames[frame] = moved
        return moved

    def spot(self, spot: Spot | None) -> Spot | None:
        return None if spot is None else self.place(spot)

    def place(self, spot: Spot) -> Spot:
        moved = Spot(self.frame(spot.frame), spot.span)
        factory = self.run.factory_of.get(spot)
        if factory is not None:
            self.run.factory_of[moved] = factory
        return moved

    def oid(self, oid: int) -> int:
        moved = self.oids.get(oid)
        if moved is None:
            kind = self.run.key_of(oid)
            if kind[0] == "global":
                return oid
            if kind[0] == "child":
                moved = self.run.identity("child", self.oid(kind[1]), kind[2])
            else:
                moved = self.run.identity("moved", self.target, oid)
            self.oids[oid] = moved
            if oid in self.run.added_at:
                spot, span = self.run.added_at[oid]
                self.run.added_at[moved] = self.place(spot), span
        return moved

    def session(self, session: Session) -> Session:
        return replace(
            session,
            spot=self.place(session.spot),
            closed=self.spot(session.closed),
            anew=self.spot(session.anew),
            unsaved=self.spot(session.unsaved),
        )

    def status(self, status: Status) -> Status:
        return status if status.spot is None else replace(status, spot=self.place(status.spot))

    def object(self, obj: Object | Plain) -> Object | Plain:
        if isinstance(obj, Plain):
            fields = {name: self.value(value) for name, value in obj.fields.items()}
            return replace(obj, fields=fields, entered=self.spot(obj.entered))
        return replace(
            obj,
            sid=None if obj.sid is None else self.oid(obj.sid),
            columns=self.status(obj.columns),
            attributes={name: self.status(status) for name, status in obj.attributes.items()},
            links={name: self.value(value) for name, value in obj.links.items()},
            born=self.spot(obj.born),
            query=self.spot(obj.query),
            exit=None if obj.exit is None else (obj.exit[0], self.place(obj.exit[1])),
            merged=None if obj.merged is None else (self.place(obj.merged[0]), obj.merged[1]),
        )

    def value(self, value: Value) -> Value:
        match value:
            case Ref(oid=oid):
                return Ref(self.oid(oid))
            case SessionRef(sid=sid):
                return replace(value, sid=self.oid(sid))
            case Block(sid=sid):
                return replace(value, sid=self.oid(sid))
            case Many(element=element):
                return Many(self.value(element))
            case Group(items=items):
                return replace(value, items=tuple(self.value(item) for item in items))
            case Rows(row=row, scalar=scalar):
                return Rows(self.value(row), self.value(scalar))
            case MethodValue(base=base):
                return replace(value, base=self.value(base))
            case Coroutine(value=inner, spot=spot, sid=own, made_by=made_by):
                made = self.value(made_by) if made_by is not None else None
                assert made is None or isinstance(made, Context)
                return Coroutine(self.value(inner), self.place(spot), None if own is None else self.oid(own), made)
            case Handle():
                return UNKNOWN  # Whoever handed the work over has been looked at by itself.
            case Query(spot=spot, sid=sid):
                return replace(value, spot=self.place(spot), sid=None if sid is None else self.oid(sid))
            case FunctionValue(owner=owner, closure=closure):
                return replace(
                    value,
                    owner=None if owner is None else self.value(owner),
                    closure={name: self.value(each) for name, each in closure.items()},
                    home=-1,
                )
            case Context(function=function, arguments=arguments):
                moved = self.value(function)
                assert isinstance(moved, FunctionValue)
                arguments = tuple((n, self.value(v)) for n, v in arguments)
                return replace(value, function=moved, arguments=arguments, home=self.frame(value.home))
            case Stack(frame=frame):
                return Stack(self.frame(frame))
            case _:
                return value  # A factory too: it is made at one line, whoever asks for it.
