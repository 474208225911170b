"""Calls: into the program, which are interpreted in place, and into the libraries that matter."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.entities import Entity
from outlive.check.facts import Function
from outlive.check.flow import (
    background,
    caching,
    classes,
    conditions,
    containers,
    coroutines,
    decorators,
    dumps,
    endless,
    factories,
    generators,
    graphql,
    library,
    lifetimes,
    loading,
    managers,
    orphans,
    queries,
    queues,
    raising,
    reads,
    rendering,
    requests,
    schemas,
    sessions,
    shelves,
    stacks,
    summaries,
)
from outlive.check.flow.arguments import Given, bind_arguments, unpacked
from outlive.check.flow.frames import (
    BOUNDED,
    CALL_STEPS,
    DEPTH,
    FEWER_STEPS,
    LITTLE_STEPS,
    PATHS,
    Frame,
    Out,
    OutOfStepsError,
    Pairs,
)
from outlive.check.flow.meeting import prune, prune_raised
from outlive.check.flow.state import VAGUE, Object, Plain, State
from outlive.check.flow.values import (
    NONE,
    SOME_ANSWER,
    UNKNOWN,
    Block,
    ClassValue,
    Const,
    Context,
    Coroutine,
    Factory,
    FunctionValue,
    Group,
    Handle,
    Many,
    Mapped,
    MethodValue,
    Option,
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
from outlive.check.program import External, FunctionSymbol
from outlive.lifecycle.states import State as Life

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


_HARMLESS = frozenset({*sys.stdlib_module_names, "sqlalchemy", "sqlmodel"})
"""Libraries of which it is known what they do with a session."""

_MAKES = re.compile(
    r"self\.\w+ *(?::[^=\n]+)?= *(?:\[\]|\{\}|(?:\w+\.)*(?:dict|list|set|deque|defaultdict|[A-Z]\w*)\()"
)
"""An attribute gets a container, or an instance of a class."""


def call(run: Interpreter, node: ir.Call, state: State, frame: Frame, out: Out) -> Pairs:
    base = run.value(node.base, state, frame)
    args = [run.value(arg, state, frame) for arg in node.args]
    keywords = [(name, run.value(value, state, frame)) for name, value in node.keywords]
    given = Given(state, frame, args, keywords, node.starred, out)
    containers.give_away(run, node, given)
    if node.method == "options" and node.unpacked and isinstance(base, (Query, Option)):
        whole = unpacked(run, node, given)
        if all(isinstance(each, Option) for each in whole.args):
            given = whole
    if isinstance(base, (External, Many, Group)):
        for value in (*args, *(value for _, value in keywords)):
            orphans.keep(state, value)
    if node.method and base == NONE:
        return [(one, UNKNOWN) for one in raising.no_attribute(run, state, out)]
    if state.pending:
        _hand_on(run, node, given, base)
    if node.method in containers.CHANGING:
        containers.change(run, node, given, base)
    if node.method in run.knowledge.sends:
        queues.sent(run, node, given, base)
    if node.method == "append" and isinstance(node.base, str) and isinstance(base, (Many, Group)) and args:
        run.put(state, frame, node.base, args[0])
        containers.bring_home(run, state, frame, node.base, node.home, node.span)
        return [(state, NONE)]
    if node.method:
        return method_call(run, node, given, base)
    return plain_call(run, node, given, base)


def _hand_on(run: Interpreter, node: ir.Call, given: Given, base: Value) -> None:
    """Work that is given to a call: ``wait_for`` and its like wait for it, a set of a module only holds it."""
    values = (*given.args, *(value for _, value in given.keywords))
    if given.starred:
        given.state.pending = {}  # Any of it may be among what is not seen.
    if not any(handle for value in values for handle in background.handles(value)):
        return
    if isinstance(base, External) and (node.method or base.last) in background.WAITING:
        for value in values:
            background.wait(run, given.state, value)
    elif node.method == "append" and isinstance(base, (Many, Group)):
        pass  # It is still ours.
    elif isinstance(base, External) and (base.dotted in run.knowledge.streams or given.keyword("background")):
        pass  # The response has it run when it has been sent.
    elif node.method not in ("add", "append", "discard") or node.base in given.state.envs.get(given.frame.id, {}):
        background.let_go(given.state, values)


def method_call(run: Interpreter, node: ir.Call, given: Given, base: Value) -> Pairs:
    state, frame, name = given.state, given.frame, node.method
    match base:
        case SessionRef() | Block() | Context() | Stack() if name in (*managers.ENTER, *managers.EXIT):
            return managers.by_hand(run, node, given, base)
        case Stack():
            return stacks.method(run, given, base, name, node.span)
        case SessionRef():
            return coroutines.call(run, node, given, base)
        case Factory(scoped=True):
            if name == "query_property":
                return [(state, UNKNOWN)]
            if name == "configure":
                changed = factories.told(base, given)
                sessions.configured(run, state, frame, changed, node.span)
                if isinstance(node.base, str):
                    state.own(frame.id)[node.base] = changed
                return [(state, UNKNOWN)]
            opened = sessions.open_session(run, state, frame, base, node.span)
            return coroutines.call(run, node, given, opened)
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
            return [(state, queries.rows_method(run, base, name, given, node.span))]
        case Option():
            return [(state, loading.chained(base, name, given.args, given.starred))]
        case Mapped():
            return [(state, UNKNOWN if name == "of_type" else base)]
        case Block(sid=sid, kind=kind):
            if name in ("commit", "rollback"):
                managers.end(run, state, sid, kind, Spot(frame.id, node.span), saves=name == "commit")
            return [(state, base)]
        case Handle():
            return background.method(run, given, base, name)
        case Context() if name in ("__next__", "__anext__", "close", "aclose"):
            return generators.method(run, node, given, base)
        case Many() | Group():
            found = queries.collection_method(base, name, given)
            return [(state, _or_default(name, given) if found == UNKNOWN else found)]
        case Shelf():
            return [(state, shelves.method(run, given, base, name))]
        case MethodValue(base=FunctionValue() as load, name=graphql.LOADER) if name in graphql.LOADS and node.awaited:
            return graphql.loaded(run, node, given, load)
        case FunctionValue() if name in run.knowledge.sends or name in run.knowledge.signs:
            return [(state, UNKNOWN)]
        case _:
            pass
    if name in managers.ASSERTING and (not isinstance(base, External) or base.dotted.endswith("()")):
        return [(state, Group(tuple(given.args[:1]), managers.EXPECTING))]
    read = schemas.call(run, given, base, name, node.span)
    if read is None:
        read = rendering.call(run, node, given, base)
    if read is not None:
        return read
    if isinstance(base, Unknown):
        answer = _or_default(name, given)
        return [(one, answer if value == UNKNOWN else value) for one, value in plain_call(run, node, given, UNKNOWN)]
    if name in dumps.METHODS and isinstance(base, Ref) and _is_sqlmodel(run, state.object(base.oid), name):
        dumps.dumped(run, state, base, Spot(frame.id, node.span), name)
        return [(state, UNKNOWN)]
    pairs: Pairs = []
    for one, function in reads.read(run, state, frame, base, name, node.method_span or node.span, False):
        again = replace(given)
        again.state = one
        if isinstance(function, MethodValue) and function.base == base:
            pairs.append((one, UNKNOWN))
        else:
            pairs.extend(plain_call(run, node, again, function))
    return pairs


def _or_default(name: str, given: Given) -> Unknown:
    """``counts.get(key, 0)`` is not ``None``."""
    default = given.args[1] if name == "get" and len(given.args) == 2 else NONE
    return SOME_ANSWER if isinstance(default, Const) and default != NONE else UNKNOWN


def _is_sqlmodel(run: Interpreter, obj: Object | None, method: str) -> bool:
    """Whether a method is SQLModel's own."""
    return obj is not None and obj.entity.is_sqlmodel and reads.method(run, obj.entity.symbol, method) is None


def plain_call(run: Interpreter, node: ir.Call, given: Given, function: Value) -> Pairs:
    if isinstance(function, External):
        unknown_call(given.state, _sessions_given_away(function, given))
        return library.library_call(run, node, given, function)
    if given.starred:
        given = unpacked(run, node, given)
    flag = _open_flag(node, given) if isinstance(function, FunctionValue) else None
    if flag is not None:
        return _both_ways(run, node, given, function, flag)
    coroutine = function if isinstance(function, FunctionValue) and function.symbol.facts.is_async else None
    if coroutine and (node.handed or (not node.awaited and endless.never_returns(run, coroutine.symbol))):
        return coroutines.of_function(run, node, given, coroutine, [(given.state, UNKNOWN)])
    pairs = apply(run, function, given.args, given.keywords, given, node.span)
    if coroutine and not node.awaited:
        return coroutines.of_function(run, node, given, coroutine, pairs)
    return pairs


def _sessions_given_away(function: External, given: Given) -> Sequence[Value]:
    """The sessions that a library is given, to do with them what it likes; not those for work that is seen."""
    if function.library in _HARMLESS:
        return ()
    values = (*given.args, *(value for _, value in given.keywords))
    is_work = any(isinstance(value, (Coroutine, FunctionValue, MethodValue)) for value in values)
    return () if is_work else [value for value in values if isinstance(value, SessionRef)]


def _open_flag(node: ir.Call, given: Given) -> str | None:
    """A flag of the caller that is passed on, and was not decided yet."""
    facts = given.frame.function
    env = given.state.envs.get(given.frame.id, {})
    for parameter in facts.parameters if facts is not None else ():
        of_bool = parameter.annotation is not None and parameter.annotation.text == "bool"
        by_default = parameter.default is not None and parameter.default.text in ("True", "False")
        if (of_bool or by_default) and isinstance(env.get(parameter.name), Unknown) and parameter.name in node.operands:
            return parameter.name
    return None


def _both_ways(run: Interpreter, node: ir.Call, given: Given, function: Value, flag: str) -> Pairs:
    """What a call does with a flag depends on what the caller does with it later."""
    pairs: Pairs = []
    known = given.state.assumed.get((given.frame.id, flag))
    for answer in (True, False) if known is None else (known,):
        state = given.state.fork()
        state.own(given.frame.id)[flag] = Const(answer)
        args = [run.value(operand, state, given.frame) for operand in node.args]
        keywords = [(name, run.value(operand, state, given.frame)) for name, operand in node.keywords]
        again = Given(state, given.frame, args, keywords, node.starred, given.out)
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
        case FunctionValue(symbol=symbol) | ClassValue(symbol=symbol) if symbol.facts.name in run.replaced:
            pass
        case FunctionValue():
            return inline(run, function, args, keywords, given.starred, state, frame, span, given.out)
        case Factory():
            return [(state, sessions.open_session(run, state, frame, factories.told(function, given), span))]
        case SessionRef():
            return [(state, function)]
        case Handle():
            background.let_go(state, (function,))
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
                state.objects[oid] = lifetimes.relieved(lifetimes.maybe_inserted(state, obj))
            if value.sid in state.sessions:
                state.sessions[value.sid] = replace(state.sessions[value.sid], unsaved=None)
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
    decorated = [term.head.rpartition(".")[2] for term in function.symbol.facts.decorators]
    if "overload" in decorated or "abstractmethod" in decorated:
        return [(state, UNKNOWN)]
    if decorated and not function.bare:
        around = decorators.around(run, function)
        if around is None:
            unknown_call(state, [*args, *(value for _, value in keywords)])
            return [(state, UNKNOWN)]
        if around is not function:
            args = [*((function.owner,) if function.owner is not None else ()), *function.args, *args]
            keywords = [*function.keywords.items(), *keywords]
            return inline(run, around, args, keywords, starred, state, frame, span, out)
    bound = bind_arguments(run, function, args, keywords, starred)
    for name, entity in _mapped_parameters(run, function.symbol):
        if isinstance(bound[name], Unknown):
            # Whatever is given, the annotation says what it is.
            oid = run.identity("argument", frame.id, span, name)
            state.objects[oid] = Object(entity, None, None, VAGUE, dict.fromkeys(entity.relationships, VAGUE))
            bound[name] = Ref(oid)
    kept_by = caching.of_function(run, function.symbol)
    known = caching.hit(run, state, function.symbol) if kept_by is not None else None
    if known is not None:
        return [(state, known)]
    pairs = _followed(run, function, bound, state, frame, span, out)
    # Of an abstract method somebody else makes one that returns.
    if "NotImplementedError" not in function.symbol.facts.text and endless.never_returns(run, function.symbol):
        return []
    promised = factories.annotated(run, function.symbol.module, function.symbol.facts.returns)
    if promised is not None:
        pairs[:] = [(one, promised if isinstance(value, Unknown) else value) for one, value in pairs]
    if kept_by is not None:
        caching.miss(run, kept_by, bound, pairs)
    return pairs


def _followed(
    run: Interpreter,
    function: FunctionValue,
    bound: dict[str, Value],
    state: State,
    frame: Frame,
    span: int,
    out: Out | None,
) -> Pairs:
    """Interpret a function with what its parameters stand for."""
    facts = function.symbol.facts
    if not _matters(run, function, bound, state):
        _note_raise(run, facts, state, out)
        return [] if endless.never_returns(run, function.symbol) else [(state, UNKNOWN)]
    if facts.is_generator:
        return [(state, generators.made(run, function, bound, state, frame, span))]
    summed = summaries.call(run, function, bound, state, frame, span)
    if summed is not None:
        _note_raise(run, facts, state, out)
        return summed
    inner = enter(run, function, state, frame, span, bound)
    if inner is None:
        unknown_call(state, list(reach(state, bound.values())))
        return [(state, UNKNOWN)]
    inside = Out()
    inner.caught.extend(frame.caught)
    if frame.depth >= BOUNDED or function.bare:
        ends = run.block(facts.body, [state], inner, inside)
    else:
        before = state.fork()
        bounded = _within_bounds(run, function.symbol, state, before, inner, inside)
        if bounded is None:
            before.leave(inner.id)
            unknown_call(before, list(reach(before, bound.values())))
            return [(before, UNKNOWN)]
        ends = bounded
    nothing = NONE if facts.body else UNKNOWN  # `...` stands for what somebody else does.
    pairs = [*inside.returns, *((end, nothing) for end in ends)]
    kept: Pairs = []
    for one, value in pairs:
        orphans.left(run, one, inner, value)
        one.leave(inner.id)
        same = next((before for before, other in kept if value == other and before.same(one)), None)
        if same is None:
            kept.append((one, value))
        else:
            same.stand_for(one)
    if out is not None and run.try_depth:
        for one in prune_raised(inside.raises):
            one.leave(inner.id)
            out.raises.append(one)
    return kept[:PATHS]


def _note_raise(run: Interpreter, facts: Function, state: State, out: Out | None) -> None:
    """A function that is not followed may raise what it names."""
    if out is not None and run.try_depth and "raise " in facts.text:
        raised = state.fork()
        raised.raised = UNKNOWN
        out.raises.append(raised)


def _within_bounds(
    run: Interpreter, symbol: FunctionSymbol, state: State, before: State, inner: Frame, inside: Out
) -> list[State] | None:
    """Interpret a body, from ``before`` on one path alone where all take too long; ``None`` when that does, too."""
    if not run.narrow and (id(symbol.module), symbol.index) not in run.given_up:
        ends = _bounded(run, symbol, state, inner, inside)
        if ends is not None:
            return ends
        state = before.fork()
        inside.returns, inside.raises = [], []
    narrow, run.narrow = run.narrow, True
    try:
        return _bounded(run, symbol, state, inner, inside)
    finally:
        run.narrow = narrow


def _bounded(run: Interpreter, symbol: FunctionSymbol, state: State, inner: Frame, inside: Out) -> list[State] | None:
    """Interpret a body with a part of the steps that are left; ``None`` when they do not suffice."""
    key = (id(symbol.module), symbol.index)
    # Nothing comes after one path alone, so that it may take more of them.
    too_long, part, many = (run.lost, 3 / 4, CALL_STEPS // 2) if run.narrow else (run.given_up, 1 / 2, LITTLE_STEPS)
    limit, depth, nesting, before, begun = run.limit, run.try_depth, run.nesting, run.begun, run.steps
    most = FEWER_STEPS if key in too_long else CALL_STEPS
    run.begun, run.limit = begun, begun + min(most, int((limit - begun) * part))
    try:
        return run.block(symbol.facts.body, [state], inner, inside)
    except OutOfStepsError:
        if run.steps > limit:
            raise
        run.try_depth, run.nesting = depth, nesting
        if run.steps - begun > many:
            too_long.add(key)  # Else it is the caller who had none left.
        return None
    finally:
        run.begun, run.limit = before, limit


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
                entity = run.entities.annotated(symbol.module, term.text)
                if entity is not None:
                    found.append((parameter.name, entity))
    return found


def _matters(run: Interpreter, function: FunctionValue, bound: dict[str, Value], state: State) -> bool:
    """Whether a call can have to do with an object or a session: of its own accord, or because it is given one."""
    if (id(function.symbol.module), function.symbol.index) in run.relevant:
        return True
    if function.symbol.facts.name == "__init__" and _makes_something(function.symbol.facts, bound):
        return True
    return any(_is_alive(value, state, 2) for value in (*bound.values(), *function.closure.values()))


def _makes_something(constructor: Function, bound: dict[str, Value]) -> bool:
    """Whether an instance has something in which objects can be kept later."""
    given = list(bound.values())[1:]
    known = any(isinstance(value, External) and value.dotted.endswith("()") for value in given)
    return known or any(isinstance(value, Ref) for value in given) or _MAKES.search(constructor.text) is not None


def _is_alive(value: Value, state: State, depth: int) -> bool:
    match value:
        case Ref(oid=oid):
            found = state.objects.get(oid)
            if isinstance(found, Plain):
                return depth > 0 and any(_is_alive(inner, state, depth - 1) for inner in found.fields.values())
            return True
        case (
            SessionRef()
            | Context()
            | Stack()
            | Coroutine()
            | FunctionValue()
            | ClassValue()
            | Block()
            | MethodValue()
            | Query()
            | Rows()
            | Factory()
        ):
            return True
        case External():
            return value in (graphql.INFO, requests.REQUEST)
        case Many(element=element):
            return _is_alive(element, state, depth)
        case Group(items=items):
            return any(_is_alive(item, state, depth) for item in items)
        case _:
            return False


def enter(
    run: Interpreter,
    function: FunctionValue,
    state: State,
    frame: Frame,
    span: int,
    bound: dict[str, Value],
    home: int | None = None,
) -> Frame | None:
    """The frame of a call, unless that is too deep; ``home`` where another frame has made the call."""
    symbol = function.symbol
    key = _on_stack(function)
    if frame.depth >= DEPTH or key in frame.stack:
        return None
    # A function and what its decorators put around it are one call.
    depth = frame.depth if function.bare and frame.depth else frame.depth + 1
    made = run.frame_id(frame.id if home is None else home, span, symbol.module, symbol.index)
    around = state.envs.get(function.home, {})
    closure = {name: around.get(name, value) for name, value in function.closure.items()}
    inner = Frame(made, symbol.module, symbol.facts, closure, depth, stack=(*frame.stack, key))
    state.envs[made] = bound
    conditions.presume(state, made, symbol.facts, bound)
    return inner


def _on_stack(function: FunctionValue) -> tuple[int, ...]:
    """What tells a call from those around it: what a decorator makes of two functions is two."""
    around = [each.symbol for each in function.closure.values() if isinstance(each, FunctionValue) and each.bare]
    return tuple(part for symbol in (function.symbol, *around) for part in (id(symbol.module), symbol.index))


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
    inner = enter(run, context.function, state, frame, context.span, dict(context.arguments), context.home)
    if inner is None:
        return body(state, UNKNOWN), []
    inside = Out()

    def on_yield(one: State, value: Value, _: int, out: Out) -> list[State]:
        done = body(one, value)
        out.raises.extend(raised)
        raised.clear()
        return done

    inner.on_yield = on_yield
    facts = context.function.symbol.facts
    ends = block_with_raises(run, facts.body, state, inner, inside)
    done = [*ends, *(one for one, _ in inside.returns)]
    for one in (*done, *inside.raises):
        one.leave(inner.id)
    return prune(done), prune_raised(inside.raises)


def block_with_raises(
    run: Interpreter, body: Sequence[ir.Statement], state: State, inner: Frame, inside: Out
) -> list[State]:
    run.try_depth += 1
    try:
        return run.block(body, [state], inner, inside)
    finally:
        run.try_depth -= 1
