"""Classes of the program that are called: mapped ones, sessions, schemas and others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.facts import Function
from outlive.check.flow import calls, children, factories, overwritten, reads, relevance, sessions
from outlive.check.flow.arguments import Given
from outlive.check.flow.elements import EMPTY
from outlive.check.flow.frames import Pairs
from outlive.check.flow.state import LOADED, Object, Plain, State
from outlive.check.flow.values import (
    NONE,
    UNKNOWN,
    ClassValue,
    Const,
    Factory,
    FunctionValue,
    Group,
    Ref,
    Spot,
    Super,
    Value,
)
from outlive.check.program import ClassSymbol, External, FunctionSymbol
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_NEVER_MAPPED = frozenset(f"builtins.{name}" for name in ("bool", "dict", "float", "int", "list", "str", "tuple"))


def construct(run: Interpreter, symbol: ClassSymbol, given: Given, span: int) -> Pairs:
    """``Author(...)``, ``Service(...)``, ``MySession(...)``"""
    state, frame = given.state, given.frame
    factory = session_class(run, symbol)
    if factory is not None:
        expires = factories.flag(given, "expire_on_commit", None if given.starred else factory.expires)
        made = replace(factory, expires=expires, spot=Spot(frame.id, span))
        return [(state, sessions.open_session(run, state, frame, made, span))]
    entity = run.entities.get(symbol)
    spot = Spot(frame.id, span)
    oid = run.identity("object", spot, symbol)
    init = reads.method(run, symbol, "__init__")
    if entity is not None:
        links = dict(given.keywords)
        obj = Object(entity, None, Life.TRANSIENT, LOADED, dict.fromkeys(links, LOADED), links, born=spot, made=True)
        if given.starred or (given.args and init is None):
            # Which attributes it sets is not known: its key may be among them.
            obj = replace(obj, attributes={**dict.fromkeys(entity.columns, LOADED), **obj.attributes})
        state.objects[oid] = obj
        for name in entity.relationships:
            children.forget_child(run, state, oid, name)
            children.fill_other_side(run, state, entity, links.get(name, UNKNOWN))
            if name in links:
                overwritten.related(run, state, oid, name, links[name])
    else:
        inside, _, _ = run.program.lineage(symbol)
        names = [a.name for class_ in reversed(inside) for a in class_.facts.attributes if a.annotation is not None]
        fields: dict[str, Value] = {}
        if init is None:
            fields = {**_defaults(inside), **dict(zip(names, given.args, strict=False)), **dict(given.keywords)}
        extension = factories.of_extension(run, symbol, given)
        if extension is not None:
            fields["session"] = extension
        state.objects[oid] = Plain(symbol, fields)
    if init is None:
        return [(state, Ref(oid))]
    bound = FunctionValue(init, Ref(oid))
    pairs = calls.inline(run, bound, given.args, given.keywords, given.starred, state, frame, span, given.out)
    if run.wiring.watched:
        for one, _ in pairs:
            run.wiring.note(run, one, oid)
    if entity is not None:
        for one, _ in pairs:
            obj_after = one.object(oid)
            if obj_after is not None:
                filled = {**dict.fromkeys(entity.columns, LOADED), **obj_after.attributes}
                one.objects[oid] = replace(obj_after, attributes=filled)
    return [(one, Ref(oid)) for one, _ in pairs]


def _defaults(lineage: Sequence[ClassSymbol]) -> dict[str, Value]:
    """The containers that an instance begins with: ``books: list[Book] = field(default_factory=list)``."""
    made: dict[str, Value] = {}
    for class_ in reversed(lineage):
        for attribute in class_.facts.attributes:
            term = attribute.value if attribute.annotation is not None else None
            factory = term and (term.keyword("default_factory") or term.keyword("factory"))
            if factory is not None and factory.text in EMPTY:
                made[attribute.name] = EMPTY[factory.text]
    return made


def super_of(run: Interpreter, given: Given) -> Value:
    """``super()`` in a method, ``super(Class, self)`` anywhere."""
    frame = given.frame
    if len(given.args) == 2:
        behind, owner = given.args
        return Super(owner, behind.symbol) if isinstance(behind, ClassValue) else UNKNOWN
    if frame.function is None or frame.function.parent < 0 or not frame.function.parameters:
        return UNKNOWN
    owner = run.value(frame.function.parameters[0].name, given.state, frame)
    return Super(owner, ClassSymbol(frame.module, frame.function.parent))


def session_class(run: Interpreter, symbol: ClassSymbol) -> Factory | None:
    """A subclass of a session, which may have any method."""
    inside, outside, _ = run.program.lineage(symbol)
    names = [base.sqlalchemy for base in outside if isinstance(base, External)]
    for name in names:
        if name in factories.SESSIONS:
            return Factory(factories.SESSIONS[name], _expires(inside), "")
    return None


def _expires(lineage: Sequence[ClassSymbol]) -> bool | None:
    """``expire_on_commit`` of a subclass of a session, where its caller does not say it."""
    own = [FunctionSymbol(c.module, c.facts.methods["__init__"]) for c in lineage if "__init__" in c.facts.methods]
    if not own:
        return True
    init = own[0].facts
    above = [node for node in relevance.walk(init.body) if isinstance(node, ir.Call) and node.method == "__init__"]
    texts = [c.module.function(index).text for c in lineage for index in c.facts.methods.values()]
    mentions = sum(text.count("expire_on_commit") for text in texts)
    if len(own) > 1 or len(above) != 1 or mentions > 1 or not _passes_on(init, above[0]):
        return None
    said = dict(above[0].keywords).get("expire_on_commit")
    if isinstance(said, ir.Lit) and isinstance(said.value, bool):
        return said.value
    return None if mentions else True


def _passes_on(init: Function, above: ir.Call) -> bool:
    """Whether the keywords that a constructor hands to the next one are those that it is given, and no others."""
    given = {parameter.name for parameter in init.parameters if parameter.kind == "**"}
    changed = rf"\b(?:{'|'.join(given)})(?:\.(?:setdefault|update)\(|\[|\s*\|?=)"
    return given.issuperset(above.mapped) and not (given and re.search(changed, init.text))


def is_instance(run: Interpreter, state: State, value: Value, kind: Value) -> Value:
    """``isinstance(value, kind)``, where it can be decided: a class of the program may have subclasses."""
    kinds = kind.items if isinstance(kind, Group) else (kind,)
    if value == NONE:
        return Const(False) if all(isinstance(k, ClassValue) or _is_no_type_of_none(k) for k in kinds) else UNKNOWN
    held = state.objects.get(value.oid) if isinstance(value, Ref) else None
    if held is None:
        return UNKNOWN
    symbol = held.entity.symbol if isinstance(held, Object) else held.symbol
    lineage, outside, known = run.program.lineage(symbol)
    known = known and not any(isinstance(base, External) and base.last == "Protocol" for base in outside)
    answers: set[Value] = set()
    for each in kinds:
        if isinstance(held, Object) and isinstance(each, External) and each.dotted in _NEVER_MAPPED:
            continue
        if not isinstance(each, ClassValue):
            answers.add(UNKNOWN)
        elif each.symbol in lineage:
            return Const(True)
        elif not known or symbol in run.program.lineage(each.symbol)[0]:
            answers.add(UNKNOWN)
    return UNKNOWN if answers else Const(False)


def _is_no_type_of_none(kind: Value) -> bool:
    return isinstance(kind, External) and kind.last not in ("NoneType", "object")
