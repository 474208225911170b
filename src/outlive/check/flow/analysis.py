"""Where the walk starts: every module, then every function on its own with what its parameters promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.facts import Parameter
from outlive.check.flow import (
    Flow,
    applications,
    assigned,
    background,
    caching,
    calls,
    classes,
    defaults,
    dependencies,
    factories,
    fields,
    generators,
    graphql,
    modules,
    parcel,
    reopened,
    requests,
    responses,
    streams,
    telling,
    wiring,
    xunit,
)
from outlive.check.flow.dependencies import Dependency, Entered
from outlive.check.flow.elements import EMPTY
from outlive.check.flow.frames import ROOT_STEPS, Frame, Out, OutOfStepsError, Pairs
from outlive.check.flow.interpreter import Interpreter
from outlive.check.flow.log import Log, Note
from outlive.check.flow.state import VAGUE, Object, Plain, Session, State
from outlive.check.flow.values import (
    NONE,
    UNKNOWN,
    Const,
    Context,
    FunctionValue,
    Group,
    Many,
    Ref,
    SessionRef,
    Spot,
    Unknown,
    Value,
)
from outlive.check.ir import Term
from outlive.check.program import ClassSymbol, External, FunctionSymbol, GlobalSymbol, Module
from outlive.check.remembered import Remembered, digest_of
from outlive.check.source import Source
from outlive.check.workers import spread

_COLLECTIONS = frozenset({"list", "List", "Sequence", "Iterable", "set", "tuple", "Tuple", "Collection"})
_ASYNC_OPTIONS = factories.SESSIONS | factories.SCOPED
NESTING = 4
"""How deep constructors are followed, two for each: of a service, of the repository it is given, of its database."""


def analyse(
    run: Interpreter, sources: Mapping[str, Source], jobs: int = 1, remembered: Remembered | None = None
) -> Flow:
    """What happens to the objects of a program.

    Args:
        run: Walks it.
        sources: Its files.
        jobs: How many processes look.
        remembered: What was seen the last time.
    """
    walk_program(run, jobs, remembered)
    return telling.tell(run, sources)


def walk_program(run: Interpreter, jobs: int = 1, remembered: Remembered | None = None) -> None:
    """Walk every module, and every function in which something can show."""
    for module in run.program.modules:
        run.module_env(module)

    def learning(symbol: FunctionSymbol) -> list[State]:
        return _ends(run, symbol, learning=True)

    for learn in (assigned.learn, applications.learn, defaults.learn, wiring.learn):
        learn(run, learning)
    base = run.log
    key = _base_key(run, remembered) if remembered is not None else b""
    files: dict[Module, list[FunctionSymbol]] = {}
    for symbol in run.starts():
        files.setdefault(symbol.module, []).append(symbol)
    logs: dict[Module, Log] = {}
    units = [_Unit(module, starts, key) for module, starts in files.items()]
    if remembered is not None:
        for unit in units:
            known = remembered.recall(unit.module.filename, unit.key)
            if known is not None:
                logs[unit.module] = parcel.unpack(run, known)
    waiting = [unit for unit in units if unit.module not in logs]

    def here(number: int) -> None:
        unit = waiting[number]
        logs[unit.module] = log = _walk_unit(run, unit, base)
        if remembered is not None:
            back(number, parcel.pack(run, log, base))
            logs[unit.module] = log

    def away(number: int) -> bytes:
        return parcel.pack(run, _walk_unit(run, waiting[number], base), base)

    def back(number: int, data: bytes) -> None:
        unit = waiting[number]
        if remembered is not None:
            remembered.keep(unit.module.filename, unit.key, parcel.looked_at(data), data)
        logs[unit.module] = parcel.unpack(run, data)

    spread(jobs, len(waiting), here, away, back)
    run.log = base
    for module in files:
        base.take(logs[module])


class _Unit:
    """The starts in one file, and a digest of all that their walk depends on besides the text of functions."""

    def __init__(self, module: Module, starts: Sequence[FunctionSymbol], base: bytes) -> None:
        self.module = module
        self.starts = starts
        self.key = digest_of([base.hex(), *(symbol.facts.qualname for symbol in starts)])


def _base_key(run: Interpreter, remembered: Remembered) -> bytes:
    """A digest of what every walk depends on: what stands outside of functions, and what modules run."""
    outlines = [part for module in run.program.modules for part in (module.filename, module.facts.outline.hex())]
    carried = sorted(run.carried.setters)  # Looks at functions, too.
    texts = remembered.texts(sorted(run.program.looked_at)).hex()
    named = (
        texts,
        run.templates.digest,
        run.relevant.digest.hex(),
        repr((run.default_expires, run.commits_before_responses)),
        run.providers.digest(run),
        run.resolvers.digest(),
        run.replacements.digest(),
        run.wiring.digest(run),
        run.applications.digest(run),
        repr([module.facts.mappings for module in run.program.modules if module.facts.mappings]),
    )
    return digest_of([*outlines, *carried, *named])


def _walk_unit(run: Interpreter, unit: _Unit, base: Log) -> Log:
    """Walk from the functions of one file; what is noted does not depend on what was walked before."""
    run.log = Log(factories=dict(base.factories))
    for known in (run.summaries, run.given_up, run.lost, run.endless, run.decorated, run.manners):
        known.clear()
    run.kept, run.recalled = {}, {}
    run.program.looked_at = {unit.module.filename}
    for symbol in unit.starts:
        _walk_function(run, symbol)
    if run.kept:
        _walk_again(run, unit.module, unit.starts)
    return run.log


def _walk_again(run: Interpreter, module: Module, starts: Sequence[FunctionSymbol]) -> None:
    """Once more, with what caches have kept."""
    known = {caching.line_of(run, note) for note in run.log.notes if note.kind == "late"}
    fine, unguarded, since = set(run.log.fine), set(run.log.unguarded), len(run.log.notes)
    found: list[Note] = []
    for variant in range(max(map(len, run.kept.values()))):
        run.recalled = {symbol: kept[min(variant, len(kept) - 1)] for symbol, kept in run.kept.items()}
        run.summaries.clear()
        for symbol in dict.fromkeys((*starts, *caching.readers(run, module))):
            _walk_function(run, symbol)
            found += caching.take(run, since, known, symbol)
    run.log.notes += found
    run.log.fine, run.log.unguarded = fine, unguarded


def _walk_function(run: Interpreter, symbol: FunctionSymbol) -> None:
    """Walk from a function, and note what shows when it has ended; once more on one path where all take too long."""
    _ends(run, symbol, learning=False)
    key = (id(symbol.module), symbol.index)
    if key in run.unfinished:
        run.unfinished.remove(key)
        _ends(run, symbol, learning=False, narrow=True)


def _ends(run: Interpreter, symbol: FunctionSymbol, *, learning: bool, narrow: bool = False) -> list[State]:
    """The states in which a function ends, none if that takes too long; who is learning looks no further."""
    facts, before = symbol.facts, run.carried.before(run, symbol)
    run.carrying = bool(before) or symbol in run.carried.leaving
    run.steps, run.begun, run.limit, run.try_depth = 0, 0, ROOT_STEPS, 0
    run.entered, run.lent, run.uses, run.keeping = [], {}, {}, []
    run.resolving, run.left_at, run.is_partial, run.narrow = False, {}, False, narrow
    run.replaced = run.replacements.by(symbol.module)
    root = Frame(run.frame_id(-1, facts.span, symbol.module, symbol.index), symbol.module, facts, {}, 0)
    state = State()
    state.envs[root.id] = {}
    try:
        states = _owner(run, symbol, state, root)
        tested = xunit.class_of(run.program, run.entities, symbol)
        if tested is not None:
            states = xunit.begin(run, states, root, tested)
        for setter in before:
            states = [after for one in states for after in _left_by(run, one, root, setter)][:2]
        came: dict[int, Session] = {}
        if symbol in run.resolvers.takers:
            states = [after for one in states for after in _in_context(run, one, root)]
            came = {sid: session for one in states for sid, session in one.sessions.items()}
        for parameter in facts.parameters:
            after: list[State] = []
            for one in states:
                if parameter.name in one.envs[root.id]:
                    after.append(one)
                    continue
                for two, value in _parameter(run, one, root, symbol.module, parameter):
                    given = Unknown(run.identity("given", root.id, parameter.name))
                    two.own(root.id)[parameter.name] = given if value == UNKNOWN else value
                    after.append(two)
            states = after[:4]
        routes = list(responses.routes(run, symbol))
        is_entry = bool(routes) or run.providers.is_handler(symbol)
        if routes:
            dependencies.note_mixed(run, root, states, facts.name)
            dependencies.forget_changes(states)
        held = {oid for one in states for oid in one.objects} if routes else set[int]()
        run.uses = {}
        out = Out()
        ends = run.block(facts.body, states, root, out)
        pairs = [*((end, NONE) for end in ends), *out.returns]
        if tested is not None:
            pairs = xunit.end(run, pairs, root, tested)
        if learning:
            return [one for one, _ in pairs]
        reopened.left_open(run, root, pairs)
        streams.sent(run, root, pairs, is_entry=is_entry)
        background.still_going(run, pairs, is_entry=is_entry)
        if (run.entered or run.lent) and any(one.pending for one, _ in pairs):
            background.outlived(run, _torn_down(run, root, pairs))
        if routes:
            responses.returned(run, symbol, routes, root, out.returns, held)
            dependencies.leave(run, root, [one for one, _ in pairs], facts.name)
        if facts.decorators and responses.resolves(run, symbol):
            responses.resolved(run, symbol, root, out.returns)
        if symbol in run.resolvers.fields:
            graphql.shared(run, root, came)
        if run.keeping:
            caching.left(run, _torn_down(run, root, pairs))
    except OutOfStepsError:
        run.unfinished.add((id(symbol.module), symbol.index))
        return []
    return [one for one, _ in pairs]


def _torn_down(run: Interpreter, root: Frame, pairs: Pairs) -> list[State]:
    """The ends when the dependencies have ended, too; what is noted on the way is told elsewhere."""
    noted = len(run.log.notes)
    after = dependencies.left(run, root, [one for one, _ in pairs])
    del run.log.notes[noted:]
    return after


def _left_by(run: Interpreter, state: State, root: Frame, setter: FunctionSymbol) -> list[State]:
    """What a dependency or a middleware, called before, leaves with the request."""
    run.passed_on = [] if requests.is_middleware(setter) else None
    pairs = _depended(run, state.fork(), root, dependencies.of_function(run, setter), 0)
    done = [one for one, _ in pairs] if run.passed_on is None else run.passed_on
    run.passed_on = None
    return [one for one in done if requests.has_any(one, root)] or [state]


def _in_context(run: Interpreter, state: State, root: Frame) -> list[State]:
    """What a resolver is given: a context that is made as dependencies are."""
    getter = run.resolvers.getter
    assert getter is not None
    run.resolving = True
    pairs = _depended(run, state, root, dependencies.of_function(run, getter), 0)
    run.resolving = False
    for one, context in pairs:
        graphql.keep(one, root, context)
    return [one for one, _ in pairs]


def _one_path(pairs: Pairs) -> State:
    """The first of several paths; what the others have left without a connection may be without one."""
    state, *others = (one for one, _ in pairs)
    for sid, session in list(state.sessions.items()):
        if session.connected and not all(other.sessions.get(sid, session).connected for other in others):
            state.sessions[sid] = replace(session, connected=False)
    return state


def _owner(run: Interpreter, symbol: FunctionSymbol, state: State, root: Frame) -> list[State]:
    """``self`` of a method, as its constructor leaves it."""
    facts = symbol.facts
    if facts.parent < 0 or not facts.parameters:
        return [state]
    heads = [d.head.rpartition(".")[2] for d in facts.decorators]
    if "staticmethod" in heads or "classmethod" in heads:
        return [state]
    own = ClassSymbol(symbol.module, facts.parent)
    owner = xunit.class_of(run.program, run.entities, symbol) or own
    name = facts.parameters[0].name
    pairs = _instance(run, state, root, owner, facts.name == "__init__")
    for one, value in pairs:
        if run.recalled and isinstance(value, Ref):
            fields.recall(run, one, value)
        one.own(root.id)[name] = value
    return [one for one, _ in pairs]


def _instance(run: Interpreter, state: State, root: Frame, owner: ClassSymbol, bare: bool) -> list[tuple[State, Value]]:
    entity = run.entities.get(owner)
    oid = run.identity("instance", root.id, owner)
    if entity is not None:
        state.objects[oid] = Object(entity, None, None, VAGUE, dict.fromkeys(entity.relationships, VAGUE))
        return [(state, Ref(oid))]
    if classes.session_class(run, owner) is not None:
        return [(state, UNKNOWN)]
    fields: dict[str, Value] = {}
    inside, _, _ = run.program.lineage(owner)
    init = next((c for c in inside if "__init__" in c.facts.methods), None)
    if init is None:
        for class_ in reversed(inside):
            for attribute in class_.facts.attributes:
                if attribute.annotation is not None:
                    typed = _typed(run, state, root, class_.module, attribute.annotation, attribute.name)
                    if not isinstance(typed, Unknown):
                        fields[attribute.name] = typed
    state.objects[oid] = Plain(owner, fields)
    if init is None or bare or root.depth >= NESTING:
        return [(state, Ref(oid))]
    function = FunctionValue(FunctionSymbol(init.module, init.facts.methods["__init__"]), Ref(oid))
    parameters = function.symbol.facts.parameters[1:]
    words: list[tuple[str, Value]] = []
    for parameter in parameters:
        if parameter.annotation is not None and parameter.kind in ("", "k"):
            found = _parameter(run, state, replace_depth(root), init.module, parameter)
            state = found[0][0]
            words.append((parameter.name, found[0][1]))
    pairs = calls.inline(run, function, [], words, False, state, root, init.facts.span, None)
    for one, _ in pairs[:2]:
        _forget_beginnings(one)
    return [(one, Ref(oid)) for one, _ in pairs[:2]]


def _forget_beginnings(state: State) -> None:
    """What is empty, ``None`` or a flag when a constructor is done may be something else when a method is called."""
    for oid, held in list(state.objects.items()):
        if isinstance(held, Plain):
            fields = {
                name: Many(UNKNOWN) if value == EMPTY["list"] else value
                for name, value in held.fields.items()
                if not isinstance(value, Const) or isinstance(value.value, str)
            }
            state.objects[oid] = replace(held, fields=fields)


def replace_depth(root: Frame) -> Frame:
    return Frame(root.id, root.module, root.function, root.closure, root.depth + 1, stack=root.stack)


def _parameter(
    run: Interpreter, state: State, root: Frame, module: Module, parameter: Parameter
) -> list[tuple[State, Value]]:
    """What a parameter stands for: its dependency, its type, or nothing that is known."""
    if run.resolvers.getter is not None and run.resolvers.is_info(module, parameter.annotation):
        return [(state, graphql.INFO)]
    carried = requests.parameter(run, module, parameter.name, parameter.annotation)
    if carried is not None:
        return [(state, carried)]
    dependency = dependencies.of_parameter(run, module, parameter)
    dependency = dependency or run.providers.of_parameter(run, root, parameter.name)
    if dependency is not None:
        span = parameter.annotation.span if parameter.annotation else 0
        pairs = _depended(run, state, root, dependency, span)
        return [(one, _promised(run, one, root, module, parameter, dependency, value)) for one, value in pairs]
    lent = dependencies.of_library(run, module, parameter)
    if lent is not None:
        return [(state, dependencies.lend(run, state, lent))]
    if parameter.annotation is None:
        if parameter.name == "session" and root.function is not None and root.depth == 0:
            # Everybody calls it that; whether it is async shows in what is awaited.
            is_async = _awaits(root.function.body, parameter.name)
            found = _symbolic_session(run, state, root, parameter.name, is_async, "")
            state.sessions[found.sid] = replace(state.sessions[found.sid], expires=None)
            return [(state, found)]
        return [(state, UNKNOWN)]
    typed = _typed(run, state, root, module, parameter.annotation, parameter.name)
    decorators = root.function.decorators if root.function is not None else ()
    if isinstance(typed, SessionRef) and any(each.head.endswith("listens_for") for each in decorators):
        # An event gives the sync session, whatever its listener says.
        state.sessions[typed.sid] = replace(state.sessions[typed.sid], is_async=False)
    return [(state, typed)]


def _promised(
    run: Interpreter,
    state: State,
    root: Frame,
    module: Module,
    parameter: Parameter,
    dependency: Dependency,
    value: Value,
) -> Value:
    """What a dependency gives; where nothing is known of that and the annotation says a session, one."""
    if not isinstance(value, Unknown) or parameter.annotation is None:
        return value
    typed = _typed(run, state, root, module, parameter.annotation, dependency.name)
    if not isinstance(typed, SessionRef):
        return value
    state.own(root.id)[dependency.name] = typed  # Whoever asks for the same gets the same.
    return typed


def _awaits(body: Sequence[ir.Statement], name: str) -> bool:
    """Whether a call of a method of that name's object is awaited, at the top or in a block."""
    made: set[object] = set()
    for node in body:
        if isinstance(node, ir.Call) and node.base == name:
            made.add(node.target)
        if isinstance(node, ir.Await) and node.value in made:
            return True
        blocks = [getattr(node, part) for part in ("head", "body", "orelse", "final") if hasattr(node, part)]
        blocks += [handler.body for handler in getattr(node, "handlers", ())]
        if any(_awaits(block, name) for block in blocks):
            return True
    return False


def _typed(run: Interpreter, state: State, root: Frame, module: Module, annotation: Term, name: str) -> Value:
    """A value of an annotated type."""
    last = annotation.head.rpartition(".")[2]
    if annotation.kind == "item" and last in ("tuple", "Tuple") and annotation.parts and not _is_open(annotation):
        return Group(
            tuple(_typed(run, state, root, module, part, f"{name}[{n}]") for n, part in enumerate(annotation.parts))
        )
    if annotation.kind == "item" and last in _COLLECTIONS and annotation.parts:
        element = _typed(run, state, root, module, annotation.parts[0], f"{name}[]")
        return Many(element) if element != UNKNOWN else UNKNOWN
    if annotation.kind == "item" and last in ("Optional", "Annotated", "NamedDependency") and annotation.parts:
        return _typed(run, state, root, module, annotation.parts[0], name)
    if annotation.kind == "group":
        values = [_typed(run, state, root, module, part, name) for part in annotation.parts if part.text != "None"]
        known = [value for value in values if not isinstance(value, Unknown)]
        return known[0] if len(known) == 1 else UNKNOWN
    entity = run.entities.annotated(module, annotation.text) if annotation.kind == "name" else None
    if entity is not None:
        oid = run.identity("parameter", root.id, name)
        state.objects[oid] = Object(entity, None, None, VAGUE, dict.fromkeys(entity.relationships, VAGUE))
        return Ref(oid)
    symbol = run.program.resolve(module, annotation.head) if annotation.head else None
    application = applications.made(symbol)
    if application is not None:
        return application
    if isinstance(symbol, GlobalSymbol):
        term = run.program.global_term(symbol)
        if term.kind == "item" and term.head.endswith("Annotated") and term.parts:
            return _typed(run, state, root, symbol.module, term.parts[0], name)
        if term.kind == "call" and term.head.endswith("NewType") and len(term.parts) == 2:
            return _typed(run, state, root, symbol.module, term.parts[1], name)
    if isinstance(symbol, External) and (
        symbol.dotted in run.knowledge.receivers or symbol.dotted in run.knowledge.leavers
    ):
        return External(f"{symbol.dotted}()")
    factory = factories.annotated(run, module, annotation)
    if factory is not None:
        return factory
    if isinstance(symbol, External) and symbol.sqlalchemy in _ASYNC_OPTIONS:
        is_async = _ASYNC_OPTIONS[symbol.sqlalchemy] or ".ext.asyncio" in symbol.dotted
        return _symbolic_session(run, state, root, name, is_async, factories.exact_name(symbol))
    if isinstance(symbol, ClassSymbol):
        made = classes.session_class(run, symbol)
        if made is not None:
            return _symbolic_session(run, state, root, name, made.is_async, "")
        if root.depth < NESTING and not symbol.facts.name.endswith(("Schema", "Out", "In")):
            pairs = _instance(run, state, replace_depth(root), run.ports.filled(symbol), False)
            if any(one is state for one, _ in pairs):
                return _alike(state, pairs)
    return UNKNOWN


def _alike(state: State, pairs: list[tuple[State, Value]]) -> Value:
    """An instance as it is on all paths of its constructor."""
    made = pairs[0][1]
    plains = [one.objects.get(made.oid) for one, _ in pairs] if isinstance(made, Ref) else []
    if isinstance(made, Ref) and len(plains) > 1:
        first = plains[0]
        assert isinstance(first, Plain)
        fields = {
            name: value
            for name, value in first.fields.items()
            if all(isinstance(other, Plain) and other.fields.get(name) == value for other in plains)
        }
        state.objects[made.oid] = replace(first, fields=fields)
    return made


def _is_open(annotation: Term) -> bool:
    """``tuple[A, ...]``"""
    return annotation.parts[-1].text == "Ellipsis"


def _symbolic_session(run: Interpreter, state: State, root: Frame, name: str, is_async: bool, exact: str) -> SessionRef:
    sid = run.identity("parameter", root.id, name)
    spot = Spot(root.id, root.function.span if root.function else 0)
    state.sessions[sid] = Session(
        is_async, run.default_expires[is_async], exact, None, spot, begun=True, connected=True
    )
    return SessionRef(sid)


def _depended(
    run: Interpreter, state: State, root: Frame, dependency: Dependency, span: int
) -> list[tuple[State, Value]]:
    """The value of a dependency, at its yield."""
    if root.depth > 3:
        return [(state, UNKNOWN)]
    had = dependencies.known(state, root, dependency)
    if had is not None:
        return [(state, had)]
    function, made = dependency.function, None
    words: list[tuple[str, Value]] = []
    deeper = replace_depth(root)
    if dependency.makes is not None:
        pairs = _instance(run, state, deeper, dependency.makes, dependency.is_class)
        state, made = pairs[0]
        function = replace(function, owner=made)
    elif isinstance(function.owner, Ref):
        modules.enter(run, state, function.owner)
    for parameter in dependency.parameters:
        if parameter.kind in ("", "k"):
            found = _parameter(run, state, deeper, function.symbol.module, parameter)
            state = _one_path(found)
            words.append((parameter.name, found[0][1]))
    pairs = calls.inline(run, function, [], words, False, state, root, span, None)
    done: list[tuple[State, Value]] = []
    for one, value in pairs:
        if not isinstance(value, Context):
            done.append((one, made if dependency.is_class and made is not None else value))
            continue
        run.entered.append(Entered(dependency, value))
        done.extend(generators.advance(run, value, one, root)[0])
    for one, value in done[:2]:
        one.own(root.id).setdefault(dependency.name, value)
    return done[:2] or [(state, UNKNOWN)]
