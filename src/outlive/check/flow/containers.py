"""Lists and collections that a call changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow import children, fields, lifetimes, overwritten, ownership
from outlive.check.flow.arguments import Given
from outlive.check.flow.frames import Frame
from outlive.check.flow.state import VAGUE, Object, Plain, State
from outlive.check.flow.values import UNKNOWN, Group, Many, MethodValue, Option, Ref, Rows, Spot, Unknown, Value
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


CHANGING = frozenset(
    {
        "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft", "remove",
        "setdefault", "update",
    }
)  # fmt: skip
"""Methods after which a collection that was empty may not be, or the other way round."""

_GAINING = frozenset({"add", "appendleft", "extend", "insert", "setdefault", "update"})

_BY_OTHERS = frozenset({"extend", "update"})
"""Those of them that may be given nothing."""

_EMPTY = Group(())


def give_away(run: Interpreter, node: ir.Call, given: Given) -> None:
    """An empty list that is an argument may be filled there, and one of loader options extended."""
    if not given.args and not given.keywords:
        return
    values = (*given.args, *(value for _, value in given.keywords))
    for operand, value in zip(node.operands, values, strict=True):
        if isinstance(value, Group) and isinstance(operand, str) and _may_grow(value):
            run.bind(given.state, given.frame, operand, Many(UNKNOWN))


def _may_grow(value: Group) -> bool:
    return value == _EMPTY or any(isinstance(each, Option) for each in value.items)


def change(run: Interpreter, node: ir.Call, given: Given, base: Value) -> None:
    """``items.append(item)`` and its like."""
    state, args = given.state, given.args
    if node.method in ("append", "add", "insert") and args:
        ownership.appended(run, state, given.frame, base, args[-1], Spot(given.frame.id, node.span))
    if isinstance(base, MethodValue) and isinstance(base.base, Ref):
        _fill(run, state, base.base.oid, base.name, args)
    elif isinstance(base, Group):
        for oid, name in [*_given(state, base)]:
            _gain(run, state, oid, name, args)
    if not isinstance(node.base, str):
        return
    is_filled = _is_filled(state, given, node)
    state.assumed.pop((given.frame.id, node.base), None)
    if is_filled:
        state.assumed[given.frame.id, node.base] = True  # Also of a list that somebody else has made.
    if node.method == "append":
        if isinstance(base, Many) and args:
            _append(run, state, base, args[0])
        return
    if node.method == "clear" and isinstance(base, (Many, Group)):
        state.own(given.frame.id)[node.base] = Many(UNKNOWN)
        bring_home(run, state, given.frame, node.base, node.home, node.span)
        return
    more: Sequence[Value] = (UNKNOWN,) if isinstance(base, Group) and not base.names else ()
    if node.method in _GAINING and args and isinstance(base, (Many, Group)):
        more = _gained(node.method, args) or more
    for value in more:
        run.put(state, given.frame, node.base, value)
    if more and not is_filled:
        state.assumed.pop((given.frame.id, node.base), None)
    if more:
        bring_home(run, state, given.frame, node.base, node.home, node.span)


def _is_filled(state: State, given: Given, node: ir.Call) -> bool:
    """Whether there is certainly something in a collection behind such a call."""
    if node.method not in _GAINING and node.method != "append":
        return False
    if state.assumed.get((given.frame.id, str(node.base)), False):
        return True
    return bool(given.args) and (node.method not in _BY_OTHERS or _has_elements(state, given, node.args[0]))


def _has_elements(state: State, given: Given, operand: ir.Operand) -> bool:
    """Whether there is anything in what a collection is extended by."""
    if given.args and isinstance(given.args[0], Group):
        return bool(given.args[0].items)
    return isinstance(operand, str) and state.assumed.get((given.frame.id, operand), False)


def _gained(method: str, args: Sequence[Value]) -> Sequence[Value]:
    """What a collection gains: ``items.extend(rows)``, ``items.add(row)``, ``by_id.setdefault(1, row)``."""
    if method not in _BY_OTHERS:
        return args[-1:]
    match args[0]:
        case Group(items=items):
            return items
        case Many(element=element):
            return (element,)
        case Rows(row=row):
            return (row,)
        case _:
            return ()


def bring_home(
    run: Interpreter, state: State, frame: Frame, name: str, home: Sequence[tuple[ir.Operand, str]], span: int
) -> None:
    """A container that was taken from a field or from another one has gained a value: ``self.items.append(item)``."""
    for holder, part in home:
        held, outer = state.envs[frame.id].get(name, UNKNOWN), run.value(holder, state, frame)
        plain = state.objects.get(outer.oid) if isinstance(outer, Ref) else None
        if isinstance(outer, Ref) and isinstance(plain, Plain) and part in plain.fields:
            state.objects[outer.oid] = replace(plain, fields={**plain.fields, part: held})
            fields.filled(run, state, frame, outer, part, held, span)
        if part != "[]" or not isinstance(outer, Many) or not isinstance(holder, str):
            return
        state.own(frame.id)[holder] = Many(held)
        name = holder


def _append(run: Interpreter, state: State, collection: Many, value: Value) -> None:
    """Where the list is a collection of an object, its session takes in the element, and the other side is set."""
    for oid in lifetimes.refs(value):
        appended = state.object(oid)
        if appended is not None and appended.life is Life.TRANSIENT and not isinstance(collection.element, Unknown):
            state.objects[oid] = replace(appended, life=None)
    if isinstance(value, Ref) and any(state.object(oid) for oid in lifetimes.refs(collection.element)):
        _set_to_one(run, state, value.oid)
    key = run.key_of(collection.element.oid if isinstance(collection.element, Ref) else 0)
    if key[:1] == ("child",):
        overwritten.related(run, state, key[1], key[2], value)


def _fill(run: Interpreter, state: State, oid: int, name: str, values: Sequence[Value]) -> None:
    """The collection of a new object, which is empty when it is read, gets its first elements."""
    obj = state.object(oid)
    if obj is not None and name in obj.entity.relationships:
        state.objects[oid] = obj.with_status(name, VAGUE)
        _gain(run, state, oid, name, values)


def _gain(run: Interpreter, state: State, oid: int, name: str, values: Sequence[Value]) -> None:
    for value in values:
        overwritten.related(run, state, oid, name, value)
        for each in [*lifetimes.refs(value)]:
            _set_to_one(run, state, each)


def _given(state: State, value: Group) -> Iterator[tuple[int, str]]:
    """The new objects that were given a list, and where: ``Author(books=[book])``."""
    for oid, obj in state.objects.items():
        if isinstance(obj, Object) and obj.made:
            yield from ((oid, name) for name, link in obj.links.items() if link is value)


def _set_to_one(run: Interpreter, state: State, oid: int) -> None:
    """The other side of a collection is another object from now on."""
    obj = state.object(oid)
    for name, relationship in obj.entity.relationships.items() if obj is not None else ():
        if not relationship.many and obj is not None and obj.status(name).loss is not None:
            state.objects[oid] = obj = obj.with_status(name, VAGUE)
            children.forget_child(run, state, oid, name)
