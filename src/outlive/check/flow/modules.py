"""What the names of a module stand for after it has run, as far as that outlives its run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check.flow.frames import Frame
from outlive.check.flow.state import Plain, State
from outlive.check.flow.values import (
    NONE,
    UNKNOWN,
    ClassValue,
    Const,
    Factory,
    FunctionValue,
    MethodValue,
    Query,
    Ref,
    SessionRef,
    Value,
)
from outlive.check.program import External, Module, ModuleSymbol

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


NESTING = 3
"""How deep instances within instances are kept: ``app.services.database``."""


def joined(run: Interpreter, states: Sequence[State], frame: Frame) -> State:
    """One state for all ways through a statement of a module: what they do not agree on is not known."""
    one, *others = states
    env = one.own(frame.id)
    for other in others:
        one.objects = {**other.objects, **one.objects}
        one.sessions = {**other.sessions, **one.sessions}
        one.assumed = {asked: answer for asked, answer in one.assumed.items() if other.assumed.get(asked) == answer}
    for name in dict.fromkeys(name for state in states for name in state.envs[frame.id]):
        values = [state.envs[frame.id].get(name) for state in states]
        # Whoever calls a factory that may be missing has seen to it that it is there.
        found = [value for value in values if value is not None and value != NONE]
        is_factory = bool(found) and isinstance(found[0], Factory)
        if found and (is_factory or len(found) == len(values)) and all(alike(run, each, found[0]) for each in found):
            env[name] = found[0]
            if isinstance(found[0], Factory) and any(each != found[0] for each in found):
                env[name] = replace(found[0], fixable=False)
        elif not found and None not in values:
            env[name] = NONE
        elif None in values:
            env.pop(name, None)  # Where it is imported, that is what it stands for.
        else:
            env[name] = UNKNOWN
    return one


def left_by(run: Interpreter, module: Module, end: State, frame: Frame) -> dict[str, Value]:
    env: dict[str, Value] = {}
    free = set(module.facts.free)
    for name, value in end.envs[frame.id].items():
        if isinstance(value, Const):
            if name not in free:  # Else some function assigns it.
                env[name] = value
            continue
        outlasting = kept(run, (id(module), name), value, end, NESTING)
        if outlasting is not None:
            env[name] = outlasting
    return env


def alike(run: Interpreter, one: Value, other: Value) -> bool:
    """Whether two values do the same, wherever they were made."""
    return one == other or told(run, one) == told(run, other)


def told(run: Interpreter, value: Value) -> object:
    """What a value does, in plain words that are the same in every process."""
    match value:
        case Factory():
            return "factory", value.is_async, value.expires, value.name, value.scoped, value.autoflush, value.final
        case FunctionValue(symbol=symbol):
            held = sorted((name, repr(told(run, inner))) for name, inner in value.closure.items())
            return "function", symbol.module.filename, symbol.facts.qualname, held
        case Ref(oid=oid) if oid in run.global_plains:
            plain = run.global_plains[oid]
            held = sorted((name, repr(told(run, field))) for name, field in plain.fields.items())
            return "instance", plain.symbol.module.filename, plain.symbol.facts.qualname, held
        case External() | Const():
            return repr(value)
        case _:
            return type(value).__name__


def kept(run: Interpreter, key: tuple[object, ...], value: Value, end: State, depth: int) -> Value | None:
    """What outlasts a run: factories, functions, sessions, and instances with these in their fields."""
    match value:
        case SessionRef(sid=sid) if sid in end.sessions:
            shared = run.identity("global", *key)
            run.global_sessions[shared] = replace(end.sessions[sid], begun=True, connected=True, closed=None)
            return SessionRef(shared)
        case Ref(oid=oid) if depth:
            plain = end.objects.get(oid)
            if not isinstance(plain, Plain):
                return None
            shared = run.identity("global", *key)
            # What is ``None`` or a flag now is set by somebody later; a factory, once made, stays.
            fields = {
                name: inner
                for name, field in plain.fields.items()
                if (inner := kept(run, (*key, name), field, end, depth - 1)) is not None
            }
            run.global_plains[shared] = Plain(plain.symbol, fields)
            return Ref(shared)
        case FunctionValue(owner=Ref()):
            return None
        case MethodValue(base=Factory()) | MethodValue(name="TypeAdapter"):
            return value
        case Factory() | External() | ModuleSymbol() | ClassValue() | FunctionValue() | Query():
            return value
        case _:
            return None


def enter(run: Interpreter, state: State, value: Ref) -> None:
    """An instance that a module has made, and those within it, as every walk finds them."""
    waiting = [value]
    while waiting:
        oid = waiting.pop().oid
        plain = run.global_plains.get(oid)
        if plain is not None and oid not in state.objects:
            state.objects[oid] = plain
            waiting.extend(field for field in plain.fields.values() if isinstance(field, Ref))
