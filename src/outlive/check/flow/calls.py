"""Calls: into the program, which are interpreted in place, and into the libraries that matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from outlive.check import ir
from outlive.check.entities import Entity
from outlive.check.flow import (
    classes,
    containers,
    decorators,
    endless,
    factories,
    library,
    lifetimes,
    loading,
    orphans,
    queries,
    queues,
    reads,
    sessions,
    summaries,
)
from outlive.check.flow.arguments import Given, bind_arguments
from outlive.check.flow.frames import (
    BOUNDED,
    CALL_STEPS,
    DEPTH,
    FEWER_STEPS,
    PATHS,
    SHARE,
    Frame,
    Out,
    OutOfStepsError,
    Pairs,
)
from outlive.check.flow.meeting import prune
from outlive.check.flow.state import VAGUE, Object, Plain, State
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
from outlive.check.program import ClassSymbol, External, FunctionSymbol
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


def call(run: Interpreter, node: ir.Call, state: State, frame: Frame, out: Out) -> Pairs:
    base = run.value(node.base, state, frame)
    args = [run.value(arg, state, frame) for arg in node.args]
    keywords = [(name, run.value(value, state, frame)) for name, value in node.keywords]
    given = Given(state, frame, args, keywords, node.starred, out)
    containers.give_away(run, node, given)
    if isinstance(base, (External, Many, Group)):
        for value in (*args, *(value for _, value in keywords)):
            orphans.keep(state, value)
    if node.method in containers.CHANGING:
        containers.change(run, node, given, base)
    if node.method in queues.SENDS:
        queues.sent(run, node, given, base)
    if node.method == "append" and isinstance(node.base, str) and isinstance(base, (Many, Group)) and args:
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
                changed = factories.told(base, given)
                state.own(frame.id)[node.base] = changed
                if changed.spot in run.log.factories:
                    run.log.factories[changed.spot] = changed
            return [(state, UNKNOWN)]
        case Query():
            return [(state, queries.query_method(run, node, given, base))]
        case Rows():
            return [(state, queries.rows_method(base, name))]
        case Option():
            return [(state, loading.chained(base, name, given.args, given.starred))]
        case Mapped():
            return [(state, base)]
        case Block(sid=sid):
            spot = Spot(frame.id, node.span)
            if name == "commit":
                run.committed(state, sid, spot)
                lifetimes.commit(state, sid, spot)
            elif name == "rollback":
                lifetimes.rollback(state, sid, spot)
            return [(state, base)]
        case Many() | Group():
            return [(state, queries.collection_method(base, name, given))]
        case FunctionValue() if name in queues.SENDS or name in ("s", "si", "signature"):
            return [(state, UNKNOWN)]
        case _:
            pass
    if isinstance(base, ClassValue) and name in ("model_validate", "from_orm", "validate"):
        return classes.validated(run, given, base, node.span)
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
        return library.library_call(run, node, given, function)
    flag = _open_flag(node, given) if isinstance(function, FunctionValue) else None
    if flag is not None:
        return _both_ways(run, node, given, function, flag)
    return apply(run, function, given.args, given.keywords, given, node.span)


def _open_flag(node: ir.Call, given: Given) -> str | None:
    """A flag of the caller that is passed on, and was not decided yet."""
    facts = given.frame.function
    env = given.state.envs.get(given.frame.id, {})
    for parameter in facts.parameters if facts is not None else ():
        of_bool = parameter.annotation is not None and parameter.annotation.text == "bool"
        by_default = parameter.default is not None and parameter.default.text in ("True", "False")
        if (of_bool or by_default) and env.get(parameter.name) == UNKNOWN and parameter.name in node.operands:
            return parameter.name
    return None


def _both_ways(run: Interpreter, node: ir.Call, given: Given, function: Value, flag: str) -> Pairs:
    """What a call does with a flag depends on what the caller does with it later."""
    pairs: Pairs = []
    known = given.state.assumed.get((given.frame.id, flag))
    for answer in (True, False) if known is None else (known,):
        state = given.state.fork()
        state.own(given.frame.id)[flag] = value = Const(answer)
        args = [value if operand == flag else each for operand, each in zip(node.args, given.args, strict=True)]
        keywords = [
            (name, value if operand == flag else each)
            for (name, operand), (_, each) in zip(node.keywords, given.keywords, strict=True)
        ]
        again = Given(state, given.frame, args, keywords, given.starred, given.out)
        pairs.extend(plain_call(run, node, again, function))
    return pairs


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
            return [(state, sessions.open_session(run, state, frame, factories.told(function, given), span))]
        case SessionRef():
            return [(state, function)]
        case ClassValue(symbol=symbol):
            return classes.construct(run, symbol, given, span)
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
    unknown_call(state, [*args, *(value for _, value in keywords)])
    return [(state, UNKNOWN)]


def unknown_call(state: State, values: Sequence[Value]) -> None:
    """Something that we cannot see may have loaded, refreshed or attached what it was given."""
    for value in values:
        orphans.keep(state, value)
        if isinstance(value, SessionRef):
            for oid, obj in state.of_session(value.sid):
                state.objects[oid] = lifetimes.relieved(obj)
        for oid in lifetimes.refs(value):
            held = state.object(oid)
            if held is not None:
                life = None if held.life in (Life.PENDING, Life.TRANSIENT) else held.life
                state.objects[oid] = replace(lifetimes.relieved(held), life=life)


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
    if decorators.hides(run, function.symbol):
        unknown_call(state, [*args, *(value for _, value in keywords)])
        return [(state, UNKNOWN)]
    bound = bind_arguments(run, function, args, keywords, starred)
    for name, entity in _mapped_parameters(run, function.symbol):
        if bound[name] == UNKNOWN:
            # Whatever is given, the annotation says what it is.
            oid = run.identity("argument", frame.id, span, name)
            state.objects[oid] = Object(entity, None, None, VAGUE, dict.fromkeys(entity.relationships, VAGUE))
            bound[name] = Ref(oid)
    if not _matters(run, function, bound, state):
        return [] if endless.never_returns(run, function.symbol) else [(state, UNKNOWN)]
    if facts.is_generator:
        return [(state, Context(function, tuple(bound.items()), span))]
    summed = summaries.call(run, function, bound, state, frame, span)
    if summed is not None:
        return summed
    inner = enter(run, function, state, frame, span, bound)
    if inner is None:
        unknown_call(state, list(bound.values()))
        return [(state, UNKNOWN)]
    inside = Out()
    inner.caught.extend(frame.caught)
    before = state.fork() if frame.depth < BOUNDED else None
    ends = _within_bounds(run, function, state, inner, inside, before is not None)
    if ends is None:
        given_up = state if before is None else before
        given_up.leave(inner.id)
        unknown_call(given_up, list(reach(given_up, bound.values())))
        return [(given_up, UNKNOWN)]
    pairs = [*inside.returns, *((end, NONE) for end in ends)]
    kept: Pairs = []
    for one, value in pairs:
        orphans.left(run, one, inner, value)
        one.leave(inner.id)
        if not any(value == other and one.same(before) for before, other in kept):
            kept.append((one, value))
    if out is not None and run.try_depth:
        for one in prune(inside.raises):
            one.leave(inner.id)
            out.raises.append(one)
    return kept[:PATHS]


def _within_bounds(
    run: Interpreter, function: FunctionValue, state: State, inner: Frame, inside: Out, bounded: bool
) -> list[State] | None:
    """Interpret a body; ``None`` when that takes too long for one call."""
    body = function.symbol.facts.body
    if not bounded:
        return run.block(body, [state], inner, inside)
    key = (id(function.symbol.module), function.symbol.index)
    limit, depth, nesting, begun = run.limit, run.try_depth, run.nesting, run.steps
    run.limit = min(limit, begun + (FEWER_STEPS if key in run.given_up else CALL_STEPS))
    try:
        return run.block(body, [state], inner, inside)
    except OutOfStepsError:
        if run.steps > limit:
            raise
        run.try_depth, run.nesting = depth, nesting
        run.given_up.add(key)
        return None
    finally:
        run.limit = limit
        if run.steps <= limit:
            run.steps = begun + (run.steps - begun) // SHARE


def reach(state: State, values: Iterable[Value], depth: int = 3) -> Iterator[Value]:
    """Values, and what stands in the fields of those that are plain instances."""
    for value in values:
        yield value
        for oid in lifetimes.refs(value) if depth else ():
            held = state.objects.get(oid)
            if isinstance(held, Plain):
                yield from reach(state, held.fields.values(), depth - 1)


def _mapped_parameters(run: Interpreter, symbol: FunctionSymbol) -> list[tuple[str, Entity]]:
    """The parameters that are annotated with a mapped class, or with an optional one."""
    key = (id(symbol.module), symbol.index)
    found = run.mapped_parameters.get(key)
    if found is None:
        found = run.mapped_parameters[key] = []
        for parameter in symbol.facts.parameters:
            term = parameter.annotation
            if term is not None and term.head.rpartition(".")[2] == "Optional" and term.parts:
                term = term.parts[0]
            if term is not None and term.kind == "group" and len(term.parts) == 2 and term.parts[1].text == "None":
                term = term.parts[0]
            if parameter.kind in ("", "k") and term is not None and term.kind == "name":
                class_ = run.program.resolve(symbol.module, term.text)
                entity = run.entities.get(class_) if isinstance(class_, ClassSymbol) else None
                if entity is not None:
                    found.append((parameter.name, entity))
    return found


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
    if frame.depth >= DEPTH or key in frame.stack:
        return None
    made = run.frame_id(frame.id, span, symbol.module, symbol.index)
    home = state.envs.get(function.home, {})
    closure = {name: home.get(name, value) for name, value in function.closure.items()}
    inner = Frame(made, symbol.module, symbol.facts, closure, frame.depth + 1, stack=(*frame.stack, key))
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
    inside = Out()

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
        one.leave(inner.id)
    return prune(done), prune(inside.raises)


def _block_with_raises(
    run: Interpreter, body: Sequence[ir.Statement], state: State, inner: Frame, inside: Out
) -> list[State]:
    run.try_depth += 1
    try:
        return run.block(body, [state], inner, inside)
    finally:
        run.try_depth -= 1
