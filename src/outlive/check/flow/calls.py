"""Calls: into the program, which are interpreted in place, and into the libraries that matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outlive.check import ir
from outlive.check.facts import Function, Parameter
from outlive.check.flow import interpreter as machine
from outlive.check.flow import lifetimes, loading, reads, sessions
from outlive.check.flow.log import Note
from outlive.check.flow.state import LOADED, VAGUE, Object, Plain, Session, State
from outlive.check.flow.values import (
    NONE,
    UNKNOWN,
    Block,
    ClassValue,
    Const,
    Context,
    Factory,
    FunctionValue,
    Group,
    Load,
    Many,
    Mapped,
    MethodValue,
    Option,
    Query,
    Ref,
    Rows,
    SessionRef,
    Spot,
    Value,
)
from outlive.check.ir import Term
from outlive.check.program import ClassSymbol, External, FunctionSymbol, GlobalSymbol, Module, ModuleSymbol
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Frame, Interpreter, Out

Pairs = list[tuple[State, Value]]

_SESSIONS = {"Session": False, "AsyncSession": True}
_FACTORIES = {"sessionmaker": False, "async_sessionmaker": True}
_SAME_ELEMENTS = frozenset({"list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "filter"})
_ONE_ELEMENT = frozenset({"next", "min", "max"})
_SHOWN = frozenset({"str", "repr", "print", "format"})
_SENDS = frozenset({"delay", "apply_async", "send_task"})
_TASK_DECORATORS = ("task", "shared_task")


@dataclass(slots=True)
class Given:
    """The arguments of one call, evaluated."""

    state: State
    frame: Frame
    args: list[Value]
    keywords: list[tuple[str, Value]]
    starred: bool
    out: Out | None = None

    def keyword(self, name: str) -> Value | None:
        return next((value for word, value in self.keywords if word == name), None)

    def argument(self, index: int, name: str) -> Value | None:
        return self.args[index] if index < len(self.args) else self.keyword(name)


def call(run: Interpreter, node: ir.Call, state: State, frame: Frame, out: Out) -> Pairs:
    base = run.value(node.base, state, frame)
    args = [run.value(arg, state, frame) for arg in node.args]
    keywords = [(name, run.value(value, state, frame)) for name, value in node.keywords]
    given = Given(state, frame, args, keywords, node.starred, out)
    if node.method in _SENDS:
        _sent(run, node, given, base)
    if node.method == "append" and isinstance(node.base, str) and isinstance(base, (Many, Group)) and args:
        for oid in lifetimes.refs(args[0]):
            # Where the list is a collection of an object in a session, the new one is cascaded into it.
            appended = state.object(oid)
            if (
                appended is not None
                and appended.life is Life.TRANSIENT
                and isinstance(base, Many)
                and base.element != UNKNOWN
            ):
                state.objects[oid] = replace(appended, life=None)
        run.put(state, frame, node.base, args[0])
        return [(state, NONE)]
    if node.method:
        return method_call(run, node, given, base)
    return plain_call(run, node, given, base)


def method_call(run: Interpreter, node: ir.Call, given: Given, base: Value) -> Pairs:
    state, frame, name = given.state, given.frame, node.method
    match base:
        case SessionRef(sid=sid):
            return sessions.call(run, node, given, sid, name)
        case Factory(scoped=True):
            if name in ("configure", "query_property"):
                return [(state, UNKNOWN)]
            opened = sessions.open_session(run, state, frame, base, node.span)
            return sessions.call(run, node, given, opened.sid, name)
        case Factory():
            if name == "begin":
                opened = sessions.open_session(run, state, frame, base, node.span)
                return [(state, Block(opened.sid, "factory"))]
            if name == "configure" and isinstance(node.base, str):
                changed = told(base, given)
                state.envs[frame.id][node.base] = changed
                if changed.spot in run.log.factories:
                    run.log.factories[changed.spot] = changed
            return [(state, UNKNOWN)]
        case Query():
            return [(state, _query_method(run, node, given, base))]
        case Rows():
            return [(state, _rows_method(base, name))]
        case Option():
            return [(state, loading.chained(base, name, given.args))]
        case Mapped():
            return [(state, base if name in ("of_type", "and_") else UNKNOWN)]
        case Block(sid=sid):
            spot = Spot(frame.id, node.span)
            if name == "commit":
                run.committed(state, sid, spot)
                lifetimes.commit(state, sid, spot)
            elif name == "rollback":
                lifetimes.rollback(state, sid, spot)
            return [(state, base)]
        case Many() | Group():
            return [(state, _collection_method(base, name, given))]
        case FunctionValue() if name in _SENDS or name in ("s", "si", "signature"):
            return [(state, UNKNOWN)]
        case _:
            pass
    if isinstance(base, ClassValue) and name in ("model_validate", "from_orm", "validate"):
        return _validated(run, given, base, node.span)
    pairs: Pairs = []
    for one, function in reads.read(run, state, frame, base, name, node.method_span or node.span, False):
        again = replace(given)
        again.state = one
        if isinstance(function, MethodValue) and function.base == base:
            pairs.append((one, UNKNOWN))
        else:
            pairs.extend(plain_call(run, node, again, function))
    return pairs


def plain_call(run: Interpreter, node: ir.Call, given: Given, function: Value) -> Pairs:
    if isinstance(function, External):
        return library_call(run, node, given, function)
    return apply(run, function, given.args, given.keywords, given, node.span)


def apply(
    run: Interpreter,
    function: Value,
    args: Sequence[Value],
    keywords: Sequence[tuple[str, Value]],
    given: Given,
    span: int,
) -> Pairs:
    state, frame = given.state, given.frame
    match function:
        case FunctionValue():
            return inline(run, function, args, keywords, given.starred, state, frame, span, given.out)
        case Factory():
            return [(state, sessions.open_session(run, state, frame, told(function, given), span))]
        case SessionRef():
            return [(state, function)]
        case ClassValue(symbol=symbol):
            return construct(run, symbol, given, span)
        case MethodValue(base=base, name=name):
            node = ir.Call("", "", name, [], [], given.starred, span, span, [])
            again = Given(state, frame, list(args), list(keywords), given.starred, given.out)
            return method_call(run, node, again, base)
        case Ref(oid=oid) if isinstance(state.objects.get(oid), Plain):
            plain = state.objects[oid]
            assert isinstance(plain, Plain)
            special = reads.method(run, plain.symbol, "__call__")
            if special is not None:
                return inline(
                    run, FunctionValue(special, function), args, keywords, given.starred, state, frame, span, given.out
                )
        case _:
            pass
    _unknown_call(state, [*args, *(value for _, value in keywords)])
    return [(state, UNKNOWN)]


def _unknown_call(state: State, values: Sequence[Value]) -> None:
    """Something that we cannot see may have loaded, refreshed or attached what it was given."""
    for value in values:
        if isinstance(value, SessionRef):
            for oid, obj in state.of_session(value.sid):
                state.objects[oid] = _relieved(obj)
        for oid in lifetimes.refs(value):
            held = state.object(oid)
            if held is not None:
                state.objects[oid] = _relieved(held)


def _relieved(obj: Object) -> Object:
    attributes = {n: VAGUE if s.loss is not None else s for n, s in obj.attributes.items()}
    life = None if obj.life in (Life.PENDING, Life.TRANSIENT) else obj.life
    columns = VAGUE if obj.columns.loss is not None else obj.columns
    return replace(obj, attributes=attributes, columns=columns, life=life)


# -- into the program ------------------------------------------------------------------------------------------------


def inline(
    run: Interpreter,
    function: FunctionValue,
    args: Sequence[Value],
    keywords: Sequence[tuple[str, Value]],
    starred: bool,
    state: State,
    frame: Frame,
    span: int,
    out: Out | None,
) -> Pairs:
    """Interpret a function of the program with these arguments."""
    facts = function.symbol.facts
    if any(d.head.rpartition(".")[2] in ("overload", "abstractmethod") for d in facts.decorators):
        return [(state, UNKNOWN)]
    bound = bind_arguments(run, function, args, keywords, starred)
    if not _matters(run, function, bound, state):
        return [(state, UNKNOWN)]
    if facts.is_generator:
        return [(state, Context(function, tuple(bound.items()), span))]
    inner = enter(run, function, state, frame, span, bound)
    if inner is None:
        _unknown_call(state, list(bound.values()))
        return [(state, UNKNOWN)]
    inside = machine.Out()
    inner.caught.extend(frame.caught)
    ends = run.block(facts.body, [state], inner, inside)
    pairs = [*inside.returns, *((end, NONE) for end in ends)]
    kept: Pairs = []
    for one, value in pairs:
        one.envs.pop(inner.id, None)
        if not any(value == other and one.same(before) for before, other in kept):
            kept.append((one, value))
    if out is not None and run.try_depth:
        for one in machine.prune(inside.raises):
            one.envs.pop(inner.id, None)
            out.raises.append(one)
    return kept[: machine.PATHS]


def _matters(run: Interpreter, function: FunctionValue, bound: dict[str, Value], state: State) -> bool:
    """Whether a call can have to do with an object or a session: of its own accord, or because it is given one."""
    if (id(function.symbol.module), function.symbol.index) in run.relevant:
        return True
    return any(_is_alive(value, state, 2) for value in (*bound.values(), *function.closure.values()))


def _is_alive(value: Value, state: State, depth: int) -> bool:
    match value:
        case Ref(oid=oid):
            found = state.objects.get(oid)
            if isinstance(found, Plain):
                return depth > 0 and any(_is_alive(inner, state, depth - 1) for inner in found.fields.values())
            return True
        case SessionRef() | Context() | FunctionValue() | Block() | MethodValue() | Query() | Rows() | Factory():
            return True
        case Many(element=element):
            return _is_alive(element, state, depth)
        case Group(items=items):
            return any(_is_alive(item, state, depth) for item in items)
        case _:
            return False


def enter(
    run: Interpreter, function: FunctionValue, state: State, frame: Frame, span: int, bound: dict[str, Value]
) -> Frame | None:
    symbol = function.symbol
    key = (id(symbol.module), symbol.index)
    if frame.depth >= machine.DEPTH or key in frame.stack:
        return None
    made = run.frame_id(frame.id, span, symbol.module, symbol.index)
    inner = machine.Frame(
        made, symbol.module, symbol.facts, dict(function.closure), frame.depth + 1, stack=(*frame.stack, key)
    )
    state.envs[made] = bound
    return inner


def generate(
    run: Interpreter,
    context: Context,
    state: State,
    frame: Frame,
    body: Callable[[State, Value], list[State]],
    raised: list[State],
) -> tuple[list[State], list[State]]:
    """Interpret a generator function, with a body at each of its yields; what the body raises is raised there.

    Returns the states at its end, and those with an exception on its way.
    """
    inner = enter(run, context.function, state, frame, context.span, dict(context.arguments))
    if inner is None:
        return body(state, UNKNOWN), []
    inside = machine.Out()

    def on_yield(one: State, value: Value) -> list[State]:
        done = body(one, value)
        inside_now.raises.extend(raised)
        raised.clear()
        return done

    inside_now = inside
    inner.on_yield = on_yield
    facts = context.function.symbol.facts
    ends = _block_with_raises(run, facts.body, state, inner, inside)
    done = [*ends, *(one for one, _ in inside.returns)]
    for one in (*done, *inside.raises):
        one.envs.pop(inner.id, None)
    return machine.prune(done), machine.prune(inside.raises)


def _block_with_raises(
    run: Interpreter, body: Sequence[ir.Statement], state: State, inner: Frame, inside: Out
) -> list[State]:
    run.try_depth += 1
    try:
        return run.block(body, [state], inner, inside)
    finally:
        run.try_depth -= 1


def bind_arguments(
    run: Interpreter,
    function: FunctionValue,
    args: Sequence[Value],
    keywords: Sequence[tuple[str, Value]],
    starred: bool,
) -> dict[str, Value]:
    facts = function.symbol.facts
    bound: dict[str, Value] = {}
    rest = [*([function.owner] if function.owner is not None else []), *args]
    words = dict(keywords)
    for parameter in facts.parameters:
        if parameter.kind == "*":
            bound[parameter.name] = Many(machine.join_all(rest))
            rest = []
        elif parameter.kind == "**":
            extra = {k: v for k, v in words.items() if k not in bound}
            bound[parameter.name] = UNKNOWN if starred else Group(tuple(extra.values()), tuple(extra))
        elif parameter.name in words:
            bound[parameter.name] = words[parameter.name]
        elif rest and parameter.kind == "":
            bound[parameter.name] = rest.pop(0)
        elif parameter.default is not None and not starred:
            bound[parameter.name] = evaluate_term(run, function.symbol.module, parameter.default)
        else:
            bound[parameter.name] = UNKNOWN
    return bound


def evaluate_term(run: Interpreter, module: Module, term: Term) -> Value:
    """A declarative expression: a default, a class attribute."""
    match term.kind:
        case "text":
            return Const(term.text)
        case "value":
            known = {"None": None, "True": True, "False": False}
            return Const(known[term.text]) if term.text in known else UNKNOWN
        case "name":
            first, _, rest = term.text.partition(".")
            value = run.global_value(module, first)
            while rest and value != UNKNOWN:
                first, _, rest = rest.partition(".")
                if not isinstance(value, (External, ModuleSymbol)):
                    return UNKNOWN
                value = run.symbol_value(run.program.member(value, first))
            return value
        case "group":
            parts = tuple(evaluate_term(run, module, part) for part in term.parts)
            return Group(parts) if not term.keywords else UNKNOWN
        case _:
            return UNKNOWN


def construct(run: Interpreter, symbol: ClassSymbol, given: Given, span: int) -> Pairs:
    """``Author(...)``, ``Service(...)``, ``MySession(...)``"""
    state, frame = given.state, given.frame
    factory = session_class(run, symbol)
    if factory is not None:
        expires = _flag(given, "expire_on_commit", None if given.starred else factory.expires)
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
    else:
        inside, _, _ = run.program.lineage(symbol)
        names = [a.name for class_ in reversed(inside) for a in class_.facts.attributes if a.annotation is not None]
        fields = dict(zip(names, given.args, strict=False)) if init is None else {}
        state.objects[oid] = Plain(symbol, {**fields, **(dict(given.keywords) if init is None else {})})
    if init is None:
        return [(state, Ref(oid))]
    bound = FunctionValue(init, Ref(oid))
    pairs = inline(run, bound, given.args, given.keywords, given.starred, state, frame, span, given.out)
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
        if name in _SESSIONS:
            own = any("__init__" in class_.facts.methods for class_ in inside)
            return Factory(_SESSIONS[name], None if own else True, "")
    return None


def _validated(run: Interpreter, given: Given, base: ClassValue, span: int) -> Pairs:
    """``Schema.model_validate(obj)`` reads every field that the schema declares."""
    states = [given.state]
    value = given.args[0] if given.args else UNKNOWN
    for state_value in [value]:
        states = _read_fields(run, states, given.frame, base.symbol, state_value, span, 0)
    return [(one, UNKNOWN) for one in states]


def _read_fields(
    run: Interpreter, states: list[State], frame: Frame, schema: ClassSymbol, value: Value, span: int, depth: int
) -> list[State]:
    if not isinstance(value, Ref) or depth > 3 or not states or states[0].object(value.oid) is None:
        return states
    inside, outside, _ = run.program.lineage(schema)
    if not any(isinstance(b, External) and b.library in ("pydantic", "sqlmodel") for b in outside):
        return states
    entity = states[0].object(value.oid)
    assert entity is not None
    for class_ in reversed(inside):
        for field in class_.facts.attributes:
            if field.annotation is None or field.name.startswith(("_", "model_config")):
                continue
            after: list[State] = []
            for state in states:
                for one, found in reads.read(run, state, frame, value, field.name, span, False):
                    nested = _schema_of(run, class_, field.annotation)
                    element = found.element if isinstance(found, Many) else found
                    if nested is not None:
                        after.extend(_read_fields(run, [one], frame, nested, element, span, depth + 1))
                    else:
                        after.append(one)
            states = after
    return machine.prune(states)


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


# -- into libraries --------------------------------------------------------------------------------------------------


def library_call(run: Interpreter, node: ir.Call, given: Given, function: External) -> Pairs:
    state, frame = given.state, given.frame
    spot = Spot(frame.id, node.span)
    name = function.sqlalchemy
    if name in _SESSIONS:
        expires = _flag(given, "expire_on_commit", None if given.starred else True)
        fixable = given.keyword("expire_on_commit") is None and not given.starred
        made = Factory(
            _SESSIONS[name], expires, name, spot, fixable, autoflush=_flag(given, "autoflush", True) is not False
        )
        return [(state, sessions.open_session(run, state, frame, made, node.span))]
    if name in _FACTORIES:
        return [(state, _factory(run, given, name, spot))]
    if name in ("scoped_session", "async_scoped_session"):
        inner = given.args[0] if given.args else given.keyword("session_factory")
        if isinstance(inner, Factory):
            return [(state, replace(inner, scoped=True, name=""))]
        return [(state, UNKNOWN)]
    if name == "SQLAlchemy":
        return [(state, External(f"{function.dotted}()"))]
    if name == "select":
        return [(state, Query(tuple(given.args), Load(), spot))]
    if name in ("update", "insert", "delete"):
        return [(state, Query(tuple(given.args[:1]), Load(), spot, kind="change"))]
    if name in loading.OPTIONS:
        return [(state, loading.option(name, given.args))]
    if name == "Load":
        return [(state, Option(Load()))]
    if name == "set_committed_value" and len(given.args) == 3:
        _set_committed(given)
        return [(state, UNKNOWN)]
    if name in ("make_transient", "make_transient_to_detached"):
        for oid in lifetimes.refs(given.args[0] if given.args else UNKNOWN):
            held = state.object(oid)
            if held is not None:
                state.objects[oid] = lifetimes.vague(replace(held, life=None))
    if name:
        return [(state, UNKNOWN)]
    return _other_library(run, node, given, function)


def _set_committed(given: Given) -> None:
    target, name, value = given.args
    if isinstance(target, Ref) and isinstance(name, Const) and isinstance(name.value, str):
        obj = given.state.object(target.oid)
        if obj is not None:
            obj = obj.with_status(name.value, LOADED)
            given.state.objects[target.oid] = replace(obj, links={**obj.links, name.value: value})


def _factory(run: Interpreter, given: Given, name: str, spot: Spot) -> Value:
    made_class = given.keyword("class_")
    is_async = _FACTORIES[name]
    made = "AsyncSession" if is_async else "Session"
    if isinstance(made_class, External):
        made = made_class.sqlalchemy if made_class.sqlalchemy in _SESSIONS else ""
        is_async = is_async or "Async" in made_class.last
    elif made_class is not None:
        made = ""
        subclass = session_class(run, made_class.symbol) if isinstance(made_class, ClassValue) else None
        if subclass is not None:
            is_async = subclass.is_async
    expires = _flag(given, "expire_on_commit", None if given.starred else True)
    if made_class is not None and not made and expires is True and given.keyword("expire_on_commit") is None:
        expires = True if isinstance(made_class, ClassValue) else None
    fixable = given.keyword("expire_on_commit") is None and not given.starred
    autoflush = _flag(given, "autoflush", True) is not False
    factory = Factory(is_async, expires, made, spot, fixable, autoflush=autoflush)
    run.log.factories[spot] = factory
    return factory


def told(factory: Factory, given: Given) -> Factory:
    """A factory with the keywords of a call of it, or of its ``configure``."""
    expires = _flag(given, "expire_on_commit", None if given.starred else factory.expires)
    if given.keyword("expire_on_commit") is None:
        return replace(factory, expires=expires)
    return replace(factory, expires=expires, fixable=False, asked=True)


def _flag(given: Given, name: str, default: bool | None) -> bool | None:
    value = given.keyword(name)
    if value is None:
        return default
    return value.value if isinstance(value, Const) and isinstance(value.value, bool) else None


def _other_library(run: Interpreter, node: ir.Call, given: Given, function: External) -> Pairs:
    state, frame = given.state, given.frame
    last, library = function.last, function.library
    first = given.args[0] if given.args else UNKNOWN
    if library == "builtins":
        if last in _SHOWN:
            states = [state]
            names = ("__repr__",) if last == "repr" else ("__str__", "__repr__")
            for value in given.args:
                states = [after for one in states for after in reads.shown(run, one, frame, value, node.span, names)]
            return [(one, UNKNOWN) for one in states]
        if last in _SAME_ELEMENTS:
            value = given.args[-1] if last == "filter" and given.args else first
            value = iterated(run, value, state, frame, node.span)
            return [(state, Many(machine.item(value, UNKNOWN)) if value != UNKNOWN else UNKNOWN)]
        if last in _ONE_ELEMENT:
            return [(state, machine.item(iterated(run, first, state, frame, node.span), UNKNOWN))]
        if last in ("enumerate", "zip"):
            parts = [machine.item(iterated(run, v, state, frame, node.span), UNKNOWN) for v in given.args]
            return [(state, Many(Group((UNKNOWN, *parts) if last == "enumerate" else tuple(parts))))]
        if last in ("getattr", "hasattr") and len(given.args) >= 2:
            name = given.args[1]
            if isinstance(name, Const) and isinstance(name.value, str):
                guard = ["AttributeError"] if last == "hasattr" or len(given.args) > 2 else []
                frame.caught.extend(guard)
                pairs = reads.read(run, state, frame, first, name.value, node.span, False)
                del frame.caught[len(frame.caught) - len(guard) :]
                return pairs if last == "getattr" else [(one, UNKNOWN) for one, _ in pairs]
        if last == "setattr" and len(given.args) == 3:
            name = given.args[1]
            if isinstance(name, Const) and isinstance(name.value, str):
                reads.store(run, state, frame, first, name.value, given.args[2], node.span)
            return [(state, NONE)]
        if last == "super" and isinstance(run.value("self", state, frame), Ref):
            return [(state, UNKNOWN)]
        if last == "map" and len(given.args) == 2:
            element = machine.item(iterated(run, given.args[1], state, frame, node.span), UNKNOWN)
            return [(one, Many(v)) for one, v in apply(run, first, [element], [], given, node.span)]
        return [(state, UNKNOWN)]
    if last in ("run", "run_until_complete", "wait_for", "shield", "cast", "ensure_future") and given.args:
        value = given.args[1] if last == "cast" and len(given.args) > 1 else first
        return [(state, value)]
    if last == "gather":
        return [(state, Group(tuple(given.args)))]
    if last == "closing" and isinstance(first, SessionRef):
        return [(state, Block(first.sid, "closing"))]
    if last == "suppress":
        return [(state, Group(tuple(given.args), ("suppress",)))]
    if last == "nullcontext":
        return [(state, first)]
    if last == "partial" and isinstance(first, (FunctionValue, MethodValue)) and len(given.args) == 1:
        return [(state, first)]
    if last == "Celery":
        return [(state, External(f"{function.dotted}()"))]
    return [(state, UNKNOWN)]


def iterated(run: Interpreter, value: Value, state: State, frame: Frame, span: int) -> Value:
    """What iterating over a value gives: a legacy query runs, a result yields its rows."""
    if isinstance(value, Query) and value.kind == "query":
        rows = _run_query(run, value, state, frame, span)
        return Many(rows.scalar if len(value.entities) == 1 else rows.row)
    if isinstance(value, Rows):
        return Many(value.row)
    return value


def _run_query(run: Interpreter, query: Query, state: State, frame: Frame, span: int) -> Rows:
    spot = Spot(frame.id, span)
    if query.sid is not None:
        lifetimes.begin(state, query.sid)
        lifetimes.autoflush(state, query.sid, spot)
    return sessions.rows_of(run, state, query.sid, query, spot)


def _query_method(run: Interpreter, node: ir.Call, given: Given, query: Query) -> Value:
    state, name = given.state, node.method
    if name == "options":
        return replace(query, load=loading.with_options(query.load, given.args, given.starred))
    if (
        name
        in (
            "with_only_columns",
            "with_entities",
            "add_columns",
            "values",
            "subquery",
            "cte",
            "alias",
            "exists",
            "scalar_subquery",
            "from_statement",
            "union",
            "union_all",
            "select_from",
        )
        and name != "select_from"
    ):
        return replace(query, entities=(UNKNOWN,)) if name != "from_statement" else query
    if name in ("execution_options", "populate_existing"):
        return query
    if query.kind != "query":
        return query
    if name in ("update", "delete", "count"):
        if query.sid is not None:
            for oid, obj in state.of_session(query.sid):
                if obj.columns.loss is None:
                    state.objects[oid] = replace(obj, columns=VAGUE)
        return UNKNOWN
    rows = None
    if name in (
        "all",
        "first",
        "one",
        "one_or_none",
        "get",
        "scalar",
        "get_or_404",
        "first_or_404",
        "one_or_404",
        "paginate",
        "yield_per",
    ):
        rows = _run_query(run, query, state, given.frame, node.span)
        one = rows.scalar if len(query.entities) == 1 or name == "scalar" else rows.row
        if name == "all":
            return Many(one)
        return UNKNOWN if name == "paginate" else Many(one) if name == "yield_per" else one
    return query


_ROW_METHODS = frozenset({"first", "one", "one_or_none", "fetchone", "fetchmany", "next"})


def _rows_method(rows: Rows, name: str) -> Value:
    if name == "scalars":
        return Rows(rows.scalar, rows.scalar)
    if name in ("scalar", "scalar_one", "scalar_one_or_none"):
        return rows.scalar
    if name in ("all", "fetchall", "partitions"):
        return Many(rows.row)
    if name in ("one", "first", "one_or_none", "fetchone"):
        return rows.row
    if name in ("unique", "tuples", "yield_per", "freeze"):
        return rows
    return UNKNOWN


def _collection_method(base: Many | Group, name: str, given: Given) -> Value:
    if name in ("pop", "popleft"):
        return machine.item(base, given.args[0] if given.args else UNKNOWN)
    if name in ("copy", "values", "union", "keys"):
        return base if name != "values" else Many(machine.item(base, UNKNOWN))
    if name == "get":
        return machine.item(base, given.args[0]) if given.args else UNKNOWN
    if name == "items":
        return Many(Group((UNKNOWN, machine.item(base, UNKNOWN))))
    return UNKNOWN


def _sent(run: Interpreter, node: ir.Call, given: Given, base: Value) -> None:
    """Arguments of ``task.delay(...)``, ``task.apply_async(args=[...])``, ``app.send_task(name, args=[...])``."""
    if isinstance(base, (Ref, SessionRef, Many, Group, Query, Rows)):
        return
    values = [*given.args, *(value for _, value in given.keywords)]
    for value, span in zip(values, node.spans, strict=False):
        for oid in lifetimes.refs(value):
            obj = given.state.object(oid)
            if obj is not None:
                spot = Spot(given.frame.id, span)
                run.log.add(
                    Note("handover", spot, node.method, obj, cause=spot, oid=oid, use=Spot(given.frame.id, node.span))
                )
                break


__all__ = ["Function", "FunctionSymbol", "GlobalSymbol", "Parameter", "Session"]
