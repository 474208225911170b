"""Conditions: the ways that one can go, and what is known afterwards."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.facts import Function
from outlive.check.flow import choices, lifetimes
from outlive.check.flow.elements import is_none
from outlive.check.flow.factories import SCOPED, SESSIONS
from outlive.check.flow.frames import Frame, Out
from outlive.check.flow.meeting import prune
from outlive.check.flow.mentions import names_in
from outlive.check.flow.state import Plain, State
from outlive.check.flow.values import (
    NONE,
    SOMETHING,
    UNKNOWN,
    Block,
    Const,
    Factory,
    FunctionValue,
    Group,
    Handle,
    Many,
    Ref,
    SessionRef,
    Unknown,
    Value,
)
from outlive.check.ir import Term
from outlive.check.program import ClassSymbol, Symbol
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


_SESSIONS = frozenset({*SESSIONS, *SCOPED})
_SIZE = re.compile(r"(?P<alone>[\w.]+)|len\((?P<name>[\w.]+)\) (?P<how>Gt|GtE|Eq|Lt|LtE) (?P<number>\d+)")
_COMPARE = {"Gt": operator.gt, "GtE": operator.ge, "Eq": operator.eq, "Lt": operator.lt, "LtE": operator.le}

_MEMBER = re.compile(r"(?:\w+\.)+(?P<what>\w+ (?:Eq|Is) (?:(?:\w+\.)*_?[A-Z]\w*\.\w+|'.*'))")
"""``item.status == JobStatus.RUNNING``: whoever asks another object for the same is likely to get the same answer."""


def branch(run: Interpreter, node: ir.If, state: State, frame: Frame, out: Out) -> list[State]:
    after: list[State] = []
    for truth, chosen in ways(run, node.test, node.key, node.negated, state, frame):
        after.extend(run.block(node.body if truth else node.orelse, [chosen], frame, out))
    return prune(after)


def ways(
    run: Interpreter, test: ir.Operand, key: str, negated: bool, state: State, frame: Frame
) -> list[tuple[bool, State]]:
    """The answers that a condition can have on this path, each with its state."""
    known = truth(run, test, key, state, frame)
    if not key and isinstance(test, str) and test.startswith("%") and known is not None:
        state.own(frame.id).pop(test, None)  # A truth is tested once; paths may meet again without it.
    if known is not None:
        return [(known != negated, state)]
    made: list[tuple[bool, State]] = []
    for answer in (True, False):
        chosen = state.fork() if answer else state
        if key:
            assume(chosen, frame, key, answer)
            find_empty(run, chosen, frame, key, answer)
        made.append((answer != negated, chosen))
    return made


def truth(run: Interpreter, test: ir.Operand, key: str, state: State, frame: Frame) -> bool | None:
    value = run.value(test, state, frame)
    size = _SIZE.fullmatch(key) if "." in key else None
    if size is not None and _is_untouched(run, state, frame, size["name"] or size["alone"]):
        return _COMPARE[size["how"]](0, int(size["number"])) if size["how"] else False
    if isinstance(value, Const):
        return bool(value.value)
    if key.endswith(" Is None"):
        subject = run.value(key.removesuffix(" Is None"), state, frame) if "." not in key else UNKNOWN
        known = is_none(subject)
        if known is not None or _is_true(run, state, subject):
            return bool(known)
    elif isinstance(value, Group):
        return bool(value.items)
    elif _is_true(run, state, value):
        return True
    if not key:
        return None
    known = state.assumed.get((frame.id, key))
    return choices.answer(state, frame, key) if known is None else known


def _is_true(run: Interpreter, state: State, value: Value) -> bool:
    """Whether it is true in any case; so is an instance of a class that never says that one is false."""
    if isinstance(value, (SessionRef, Block, FunctionValue, Factory, Handle)) or value == SOMETHING:
        return True
    plain = state.objects.get(value.oid) if isinstance(value, Ref) else None
    if not isinstance(value, Ref) or not isinstance(plain, Plain) or run.key_of(value.oid)[0] != "object":
        return False
    return all(
        class_.facts.methods.keys().isdisjoint(("__bool__", "__len__"))
        and all(base.text == "object" or isinstance(found, ClassSymbol) for base, found in _bases(run, class_))
        for class_ in run.program.lineage(plain.symbol)[0]
    )


def _bases(run: Interpreter, symbol: ClassSymbol) -> Iterable[tuple[Term, Symbol | None]]:
    return zip(symbol.facts.bases, run.program.bases(symbol), strict=True)


def assume(state: State, frame: Frame, key: str, answer: bool) -> None:
    state.assumed[frame.id, key] = answer
    for asked, found in choices.single(key, answer):
        member = _MEMBER.fullmatch(asked)
        if member is not None:
            state.answer(member["what"], found)
    env = state.own(frame.id)
    if key.endswith(" Is None"):
        name = key.removesuffix(" Is None")
        if answer:
            state.assumed[frame.id, name] = False
            if name in env:
                _be_none(state, env[name])
                env[name] = NONE
    elif answer:
        state.assumed[frame.id, f"{key} Is None"] = False
    elif isinstance(env.get(key), Ref):
        _be_none(state, env[key])


def presume(state: State, frame: int, facts: Function, bound: Mapping[str, Value]) -> None:
    """Who gives an object for one that may be left out gives one, as a rule; so with a session that nobody sees."""
    for parameter in facts.parameters:
        given = bound.get(parameter.name)
        if parameter.default is None or not isinstance(given, (Unknown, Ref)):
            continue
        names = {name.rpartition(".")[2] for name in names_in(parameter.annotation)}
        if isinstance(given, Ref) or not names.isdisjoint(_SESSIONS) or parameter.name in ("db", "session"):
            state.assumed[frame, parameter.name] = True
            state.assumed[frame, f"{parameter.name} Is None"] = False


def _be_none(state: State, value: Value) -> None:
    """What a function has found missing is missing under the names that its callers have for it."""
    if isinstance(value, Ref):
        for frame in [frame for frame, env in state.envs.items() if value in env.values()]:
            env = state.own(frame)
            env.update((name, NONE) for name, held in env.items() if held == value)


def find_empty(run: Interpreter, state: State, frame: Frame, key: str, answer: bool) -> None:
    """A condition has found nothing behind a relationship: nothing of it can be read on this path."""
    name = key.removesuffix(" Is None")
    if answer != key.endswith(" Is None"):
        return
    value = _named(run, state, frame, name)
    missing = state.object(value.oid) if isinstance(value, Ref) and "." in name else None
    if isinstance(value, Ref) and missing is not None:
        state.objects[value.oid] = lifetimes.vague(replace(missing, life=None))
    if isinstance(value, Many) and isinstance(value.element, Ref):
        kind = run.key_of(value.element.oid)
        owner = state.object(kind[1]) if kind[0] == "child" else None
        if owner is not None:
            state.objects[kind[1]] = replace(owner, empty=owner.empty | {kind[2]})


def _is_untouched(run: Interpreter, state: State, frame: Frame, name: str) -> bool:
    """Whether it is a collection of a new object that nothing was put into: it is empty."""
    owner, _, attribute = name.rpartition(".")
    value = _named(run, state, frame, owner) if owner else UNKNOWN
    obj = state.object(value.oid) if isinstance(value, Ref) else None
    if obj is None or not obj.made or obj.life not in (Life.TRANSIENT, Life.PENDING):
        return False
    relationship = obj.entity.relationships.get(attribute)
    may_be_many = relationship is not None and relationship.many is not False
    return may_be_many and attribute not in obj.links and not obj.status(attribute).vague


def _named(run: Interpreter, state: State, frame: Frame, name: str) -> Value:
    """What ``order.items`` stands for, as far as no read is needed to know it."""
    first, *rest = name.split(".")
    value = state.envs.get(frame.id, {}).get(first, UNKNOWN)
    for position, attribute in enumerate(rest):
        if not isinstance(value, Ref):
            return UNKNOWN
        held = state.objects.get(value.oid)
        if isinstance(held, Plain):
            value = held.fields.get(attribute, UNKNOWN)
            continue
        relationship = held.entity.relationships.get(attribute) if held is not None else None
        if held is None or relationship is None or attribute in held.links:
            return held.links.get(attribute, UNKNOWN) if held is not None else UNKNOWN
        inner = Ref(run.identity("child", value.oid, attribute))
        value = Many(inner) if relationship.many and position == len(rest) - 1 else inner
    return value
