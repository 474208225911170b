"""Schemas that read the attributes of an object: pydantic, SQLModel, msgspec, marshmallow and types of Strawberry.

Source: pydantic 2.14, SQLModel 0.0.50, msgspec 0.22 and marshmallow 4.4, run.  An attribute that cannot be read fails
the validation; msgspec swallows the error and takes the field's default, where it has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check.facts import Attribute
from outlive.check.flow import calls, reads
from outlive.check.flow.arguments import Given
from outlive.check.flow.frames import Frame, Pairs
from outlive.check.flow.meeting import prune
from outlive.check.flow.state import Plain, State
from outlive.check.flow.values import (
    UNKNOWN,
    ClassValue,
    FunctionValue,
    Group,
    Many,
    MethodValue,
    Ref,
    Spot,
    Value,
)
from outlive.check.ir import Term
from outlive.check.program import ClassSymbol, External, FunctionSymbol

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

VALIDATES = frozenset({"from_orm", "model_validate", "validate"})
ADAPTER = "TypeAdapter"
_DUMPS = frozenset({"dump", "dumps"})
_LIBRARIES = {
    "marshmallow": "marshmallow",
    "marshmallow_sqlalchemy": "marshmallow",
    "msgspec": "msgspec",
    "pydantic": "pydantic",
    "sqlmodel": "pydantic",
}
_TYPES = frozenset({"strawberry.interface", "strawberry.type"})
_HIDING = frozenset({"pre_dump", "root_validator"})
_COMPUTED = frozenset({"Constant", "Function", "Method"})


def library_of(run: Interpreter, schema: ClassSymbol) -> str:
    """The library that a schema is made with; empty for another class."""
    inside, outside, _ = run.program.lineage(schema)
    if any(_is_type(run, class_) for class_ in inside):
        return "strawberry"
    found = (_LIBRARIES.get(base.library) for base in outside if isinstance(base, External))
    return next((library for library in found if library is not None), "")


def _is_type(run: Interpreter, class_: ClassSymbol) -> bool:
    """``@strawberry.type``"""
    return any(run.program.is_one_of(class_.module, each, _TYPES) for each in class_.facts.decorators)


def call(run: Interpreter, given: Given, base: Value, name: str, span: int) -> Pairs | None:
    """``Schema.model_validate(obj)``, ``TypeAdapter(Schema).validate_python(obj)``, ``Schema().dump(obj)``."""
    value = given.args[0] if given.args else given.keyword("obj") or UNKNOWN
    match base:
        case ClassValue(symbol=schema) if name in VALIDATES:
            pass
        case MethodValue(base=kind, name="TypeAdapter") if name == "validate_python":
            return converted(run, given, value, kind, span)
        case Ref(oid=oid) if name in _DUMPS:
            held = given.state.objects.get(oid)
            # What it was made with may leave out fields.
            if not isinstance(held, Plain) or not set(held.fields) <= {"many"}:
                return None
            if library_of(run, held.symbol) != "marshmallow" or reads.method(run, held.symbol, name) is not None:
                return None
            schema = held.symbol
        case _:
            return None
    one = value.element if isinstance(value, Many) and isinstance(base, Ref) else value
    return [(after, UNKNOWN) for after in read_fields(run, [given.state], given.frame, schema, one, span)]


def converted(run: Interpreter, given: Given, value: Value, kind: Value, span: int) -> Pairs:
    """A value is read as a type: a schema, or a list of them."""
    if isinstance(kind, Many) and isinstance(value, Many):
        kind, value = kind.element, value.element
    if not isinstance(kind, ClassValue):
        return [(given.state, UNKNOWN)]
    states = read_fields(run, [given.state], given.frame, kind.symbol, value, span)
    return [(one, UNKNOWN) for one in states]


def read_fields(
    run: Interpreter, states: list[State], frame: Frame, schema: ClassSymbol, value: Value, span: int, depth: int = 0
) -> list[State]:
    """What a schema reads from an object, and from what stands behind its relationships."""
    if not isinstance(value, Ref) or depth > 3 or not states or states[0].object(value.oid) is None:
        return states
    is_asked = library_of(run, schema) == "strawberry"
    states, done = _validated(run, states, frame, schema, value, span, depth)
    for name, nested, declared in _fields(run, schema):
        after: list[State] = []
        for state in states:
            noted = len(run.log.notes)
            pairs = reads.read(run, state, frame, value, name, span, False)
            run.log.say_where(noted, Spot(frame.id, span), declared, "schema")
            if is_asked:
                _asked(run, noted, Spot(frame.id, span), name)
            for one, found in pairs:
                if nested is not None:
                    after.extend(read_fields(run, [one], frame, nested, _one(found), span, depth + 1))
                else:
                    after.append(one)
        states = after
    return prune(states + done)


def _asked(run: Interpreter, since: int, spot: Spot, name: str) -> None:
    """A client of GraphQL says what it wants, and what is loaded often depends on that."""
    run.log.notes[since:] = [replace(note, asked=True) for note in run.log.notes[since:]]
    if len(run.log.notes) == since:
        run.log.unguarded.add((spot, name))


def _validated(
    run: Interpreter, states: list[State], frame: Frame, schema: ClassSymbol, value: Ref, span: int, depth: int
) -> tuple[list[State], list[State]]:
    """What validators read that see an object before its fields are read; where they give a dict, it is read instead.

    Source: pydantic 2.14, run: the validator that is defined last runs first, those of a base class at the end.
    """
    done: list[State] = []
    for validator in _validators(run, schema):
        after: list[State] = []
        for state in states:
            noted = len(run.log.notes)
            pairs = calls.inline(run, validator, [value], [], False, state, frame, span, None)
            run.log.say_who(noted, Spot(frame.id, span), "schema")
            for one, found in pairs:
                if found == value:
                    after.append(one)
                else:
                    done += _read_given(run, one, frame, schema, found, span, depth)
        states = prune(after)
    return states, done


def _read_given(
    run: Interpreter, state: State, frame: Frame, schema: ClassSymbol, given: Value, span: int, depth: int
) -> list[State]:
    """What the schemas of fields read from the values of a dict."""
    values = dict(zip(given.names, given.items, strict=False)) if isinstance(given, Group) else {}
    states = [state]
    for name, nested, _ in _fields(run, schema) if values else ():
        if nested is not None:
            inner = _one(values.get(name, UNKNOWN))
            states = read_fields(run, states, frame, nested, inner, span, depth + 1)
    return states


def _one(value: Value) -> Value:
    return value.element if isinstance(value, Many) else value


def _validators(run: Interpreter, schema: ClassSymbol) -> Iterator[FunctionValue]:
    """``@model_validator(mode="before")``, in the order in which they run."""
    seen: set[str] = set()
    for class_ in run.program.lineage(schema)[0]:
        for name, index in reversed(class_.facts.methods.items()):
            function = FunctionSymbol(class_.module, index)
            if name not in seen and any(_mode(each) == "before" for each in function.facts.decorators):
                yield FunctionValue(function, ClassValue(schema), bare=True)
            seen.add(name)


def _fields(run: Interpreter, schema: ClassSymbol) -> Iterator[tuple[str, ClassSymbol | None, Spot]]:
    """The attributes that a schema reads, what reads what stands there, and where that is declared."""
    library = library_of(run, schema)
    inside, _, _ = run.program.lineage(schema)
    if not library or any(_hides(class_) or _chooses(class_) or _has_a_getter(run, class_) for class_ in inside):
        return
    seen: set[str] = set()
    for class_ in inside:
        for field in class_.facts.attributes:
            name = _dumped(run, class_, field) if library == "marshmallow" else _source_of(field)
            if name is None or field.name in seen:
                continue
            seen.add(field.name)
            kind = field.value if library == "marshmallow" else field.annotation
            nested = _schema_of(run, class_, kind) if kind is not None else None
            yield name, nested, Spot(run.frame_id(-1, 0, class_.module, -1), field.span)


def _chooses(class_: ClassSymbol) -> bool:
    """``class Meta`` says which fields there are."""
    meta = f"{class_.facts.qualname}.Meta"
    chosen = (other.attributes for other in class_.module.facts.classes if other.qualname == meta)
    return any(attribute.name in ("exclude", "fields") for attributes in chosen for attribute in attributes)


def _has_a_getter(run: Interpreter, class_: ClassSymbol) -> bool:
    """The ``getter_dict`` of a schema decides what is read of an object: ``class Config`` of pydantic 1 names it.

    Source: pydantic 1.10, ``BaseModel.from_orm``; ``GetterDict`` itself reads every field.
    """
    given = [(class_.module, value) for word, value in class_.facts.keywords if word == "getter_dict"]
    for config in _configs(run, class_):
        given += [(config.module, a.value) for a in config.facts.attributes if a.name == "getter_dict" and a.value]
    getters = [run.program.resolve(module, value.head) for module, value in given]
    return any(not isinstance(each, External) or each.last != "GetterDict" for each in getters)


def _configs(run: Interpreter, class_: ClassSymbol) -> Iterator[ClassSymbol]:
    """``class Config`` in a schema, and what that inherits from."""
    for index, other in enumerate(class_.module.facts.classes):
        if other.qualname == f"{class_.facts.qualname}.Config":
            yield from run.program.lineage(ClassSymbol(class_.module, index))[0]


def _dumped(run: Interpreter, class_: ClassSymbol, field: Attribute) -> str | None:
    """The attribute that a field of marshmallow reads; ``None`` where it computes its value, or is for loading only."""
    value = field.value
    symbol = run.program.resolve(class_.module, value.head) if value is not None and value.kind == "call" else None
    if value is None or not isinstance(symbol, External) or not symbol.library.startswith("marshmallow"):
        return None
    loading = value.keyword("load_only")
    if value.head.rpartition(".")[2] in _COMPUTED or (loading is not None and loading.text != "False"):
        return None
    attribute = value.keyword("attribute")
    if attribute is not None:
        return attribute.text if attribute.kind == "text" and "." not in attribute.text else None
    return field.name


def _source_of(field: Attribute) -> str | None:
    """The attribute that a field is read from: its name or its alias; ``None`` where none is, or that is not known."""
    if field.annotation is None or field.name.startswith(("_", "model_config")):
        return None
    if field.annotation.head.rpartition(".")[2] in ("ClassVar", "Private"):
        return None
    if field.value is None or field.value.kind != "call":
        return field.name
    if field.value.keyword("resolver") is not None:
        return None
    alias = field.value.keyword("validation_alias") or field.value.keyword("alias")
    if alias is None:
        return field.name
    return alias.text if alias.kind == "text" else None


def _hides(class_: ClassSymbol) -> bool:
    """Something gets to see the object before its fields are read, may give something else, and is not followed."""
    return any(
        decorator.head.rpartition(".")[2] in _HIDING or _mode(decorator) == "wrap"
        for index in class_.facts.methods.values()
        for decorator in class_.module.function(index).decorators
    )


def _mode(decorator: Term) -> str:
    """``before``, ``after`` or ``wrap`` of ``@model_validator(mode="...")``."""
    if decorator.head.rpartition(".")[2] != "model_validator":
        return ""
    mode = decorator.keyword("mode")
    return mode.text if mode is not None and mode.kind == "text" else "wrap"


def _schema_of(run: Interpreter, owner: ClassSymbol, annotation: Term) -> ClassSymbol | None:
    stack = [annotation]
    while stack:
        term = stack.pop()
        if term.kind == "call" and (term.keyword("only") or term.keyword("exclude")):
            return None
        stack.extend(term.parts)
        if term.kind == "name":
            symbol = run.program.resolve(owner.module, term.text)
            if isinstance(symbol, ClassSymbol):
                return symbol
    return None
