"""Classes of the program that are called: mapped ones, sessions, schemas and others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outlive.check.facts import Attribute
from outlive.check.flow import calls, children, factories, reads, sessions
from outlive.check.flow.arguments import Given
from outlive.check.flow.frames import Frame, Pairs
from outlive.check.flow.meeting import prune
from outlive.check.flow.state import LOADED, Object, Plain, State
from outlive.check.flow.values import UNKNOWN, ClassValue, Const, Factory, FunctionValue, Group, Many, Ref, Spot, Value
from outlive.check.ir import Term
from outlive.check.program import ClassSymbol, External
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


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
    else:
        inside, _, _ = run.program.lineage(symbol)
        names = [a.name for class_ in reversed(inside) for a in class_.facts.attributes if a.annotation is not None]
        fields = dict(zip(names, given.args, strict=False)) if init is None else {}
        state.objects[oid] = Plain(symbol, {**fields, **(dict(given.keywords) if init is None else {})})
    if init is None:
        return [(state, Ref(oid))]
    bound = FunctionValue(init, Ref(oid))
    pairs = calls.inline(run, bound, given.args, given.keywords, given.starred, state, frame, span, given.out)
    if entity is not None:
        for one, _ in pairs:
            obj_after = one.object(oid)
            if obj_after is not None:
                filled = {**dict.fromkeys(entity.columns, LOADED), **obj_after.attributes}
                one.objects[oid] = replace(obj_after, attributes=filled)
    return [(one, Ref(oid)) for one, _ in pairs]


def session_class(run: Interpreter, symbol: ClassSymbol) -> Factory | None:
    """A subclass of a session: it may have any method, and its constructor may set any flag."""
    inside, outside, _ = run.program.lineage(symbol)
    names = [base.sqlalchemy for base in outside if isinstance(base, External)]
    for name in names:
        if name in factories.SESSIONS:
            own = any("__init__" in class_.facts.methods for class_ in inside)
            return Factory(factories.SESSIONS[name], None if own else True, "")
    return None


def is_instance(run: Interpreter, state: State, value: Value, kind: Value) -> Value:
    """``isinstance(value, kind)``, where it can be decided: a class of the program may have subclasses."""
    held = state.objects.get(value.oid) if isinstance(value, Ref) else None
    if held is None:
        return UNKNOWN
    symbol = held.entity.symbol if isinstance(held, Object) else held.symbol
    lineage, outside, known = run.program.lineage(symbol)
    known = known and not any(isinstance(base, External) and base.last == "Protocol" for base in outside)
    answers: set[Value] = set()
    for each in kind.items if isinstance(kind, Group) else (kind,):
        if not isinstance(each, ClassValue):
            answers.add(UNKNOWN)
        elif each.symbol in lineage:
            return Const(True)
        elif not known or symbol in run.program.lineage(each.symbol)[0]:
            answers.add(UNKNOWN)
    return UNKNOWN if answers else Const(False)


def validated(run: Interpreter, given: Given, base: ClassValue, span: int) -> Pairs:
    """``Schema.model_validate(obj)`` reads every field that the schema declares."""
    value = given.args[0] if given.args else UNKNOWN
    states = read_fields(run, [given.state], given.frame, base.symbol, value, span)
    return [(one, UNKNOWN) for one in states]


def read_fields(
    run: Interpreter, states: list[State], frame: Frame, schema: ClassSymbol, value: Value, span: int, depth: int = 0
) -> list[State]:
    """What a schema reads from an object, and from what stands behind its relationships."""
    if not isinstance(value, Ref) or depth > 3 or not states or states[0].object(value.oid) is None:
        return states
    inside, outside, _ = run.program.lineage(schema)
    if not any(isinstance(b, External) and b.library in ("pydantic", "sqlmodel") for b in outside):
        return states
    if any(_looks_first(class_) for class_ in inside):
        return states
    seen: set[str] = set()
    for class_ in inside:
        for field in class_.facts.attributes:
            name = _source_of(field)
            if name is None or field.name in seen:
                continue
            seen.add(field.name)
            declared = Spot(run.frame_id(-1, 0, class_.module, -1), field.span)
            nested = _schema_of(run, class_, field.annotation) if field.annotation is not None else None
            after: list[State] = []
            for state in states:
                noted = len(run.log.notes)
                pairs = reads.read(run, state, frame, value, name, span, False)
                run.log.say_where(noted, Spot(frame.id, span), declared)
                for one, found in pairs:
                    element = found.element if isinstance(found, Many) else found
                    if nested is not None:
                        after.extend(read_fields(run, [one], frame, nested, element, span, depth + 1))
                    else:
                        after.append(one)
            states = after
    return prune(states)


def _source_of(field: Attribute) -> str | None:
    """The attribute that a field is read from: its name or its alias; ``None`` where none is, or that is not known."""
    if field.annotation is None or field.name.startswith(("_", "model_config")):
        return None
    if field.annotation.head.rpartition(".")[2] == "ClassVar":
        return None
    if field.value is None or field.value.kind != "call":
        return field.name
    alias = field.value.keyword("validation_alias") or field.value.keyword("alias")
    if alias is None:
        return field.name
    return alias.text if alias.kind == "text" else None


def _looks_first(class_: ClassSymbol) -> bool:
    """A validator gets to see the object before its fields are read, and may give something else."""
    return any(
        decorator.head.rpartition(".")[2] in ("model_validator", "root_validator")
        for index in class_.facts.methods.values()
        for decorator in class_.module.function(index).decorators
    )


def _schema_of(run: Interpreter, owner: ClassSymbol, annotation: Term) -> ClassSymbol | None:
    stack = [annotation]
    while stack:
        term = stack.pop()
        stack.extend(term.parts)
        if term.kind == "name":
            symbol = run.program.resolve(owner.module, term.text)
            if isinstance(symbol, ClassSymbol):
                return symbol
    return None
