"""Where the walk starts: every module, then every function on its own with what its parameters promise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from outlive.check import ir
from outlive.check.entities import Entities
from outlive.check.facts import Parameter
from outlive.check.flow import Flow, calls, classes, responses, telling
from outlive.check.flow.frames import STEPS, Frame, Out, OutOfStepsError
from outlive.check.flow.interpreter import Interpreter
from outlive.check.flow.state import VAGUE, Object, Plain, Session, State
from outlive.check.flow.values import UNKNOWN, Context, FunctionValue, Group, Many, Ref, SessionRef, Spot, Value
from outlive.check.ir import Term
from outlive.check.program import ClassSymbol, External, FunctionSymbol, GlobalSymbol, Module, Program
from outlive.check.source import Source

_COLLECTIONS = frozenset({"list", "List", "Sequence", "Iterable", "set", "tuple", "Tuple", "Collection"})
_ASYNC_OPTIONS = {"Session": False, "AsyncSession": True, "scoped_session": False, "async_scoped_session": True}


def analyse(program: Program, sources: Mapping[str, Source]) -> Flow:
    """What happens to the objects of a program."""
    run = Interpreter(program, Entities(program))
    for module in program.modules:
        run.module_env(module)
    _learn_defaults(run)
    for module in program.modules:
        for index in range(len(module.facts.functions)):
            if (id(module), index) in run.relevant:
                _walk_function(run, FunctionSymbol(module, index))
    return telling.tell(run, sources)


def _learn_defaults(run: Interpreter) -> None:
    """A session that comes in as a parameter is made by the program's factory, if all of its factories agree."""
    for is_async in (False, True):
        found = {factory.expires for factory in run.log.factories.values() if factory.is_async == is_async}
        run.default_expires[is_async] = found.pop() if len(found) == 1 else None


def _walk_function(run: Interpreter, symbol: FunctionSymbol) -> None:
    facts = symbol.facts
    run.steps, run.limit, run.try_depth = 0, STEPS, 0
    root = Frame(run.frame_id(-1, facts.span, symbol.module, symbol.index), symbol.module, facts, {}, 0)
    state = State()
    state.envs[root.id] = {}
    try:
        states = _owner(run, symbol, state, root)
        for parameter in facts.parameters:
            after: list[State] = []
            for one in states:
                if parameter.name in one.envs[root.id]:
                    after.append(one)
                    continue
                for two, value in _parameter(run, one, root, symbol.module, parameter):
                    two.own(root.id)[parameter.name] = value
                    after.append(two)
            states = after[:4]
        out = Out()
        run.block(facts.body, states, root, out)
        if facts.decorators:
            responses.returned(run, symbol, root, out.returns)
    except OutOfStepsError:
        pass


def _owner(run: Interpreter, symbol: FunctionSymbol, state: State, root: Frame) -> list[State]:
    """``self`` of a method, as its constructor leaves it."""
    facts = symbol.facts
    if facts.parent < 0 or not facts.parameters:
        return [state]
    heads = [d.head.rpartition(".")[2] for d in facts.decorators]
    if "staticmethod" in heads or "classmethod" in heads:
        return [state]
    owner = ClassSymbol(symbol.module, facts.parent)
    name = facts.parameters[0].name
    pairs = _instance(run, state, root, owner, facts.name == "__init__")
    for one, value in pairs:
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
                    if typed != UNKNOWN:
                        fields[attribute.name] = typed
    state.objects[oid] = Plain(owner, fields)
    if init is None or bare or root.depth >= 2:
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
    return [(one, Ref(oid)) for one, _ in pairs[:2]]


def replace_depth(root: Frame) -> Frame:
    return Frame(root.id, root.module, root.function, root.closure, root.depth + 1, stack=root.stack)


def _parameter(
    run: Interpreter, state: State, root: Frame, module: Module, parameter: Parameter
) -> list[tuple[State, Value]]:
    """What a parameter stands for: its dependency, its type, or nothing that is known."""
    dependency = _dependency(run, module, parameter)
    if dependency is not None:
        return _depended(run, state, root, dependency, parameter.annotation.span if parameter.annotation else 0)
    if parameter.annotation is None:
        if parameter.name == "session" and root.function is not None and root.depth == 0:
            # Everybody calls it that; whether it is async shows in what is awaited.
            is_async = _awaits(root.function.body, parameter.name)
            found = _symbolic_session(run, state, root, parameter.name, is_async, "")
            state.sessions[found.sid] = replace(state.sessions[found.sid], expires=None)
            return [(state, found)]
        return [(state, UNKNOWN)]
    return [(state, _typed(run, state, root, module, parameter.annotation, parameter.name))]


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
    if annotation.kind == "item" and last in ("Optional", "Annotated") and annotation.parts:
        return _typed(run, state, root, module, annotation.parts[0], name)
    if annotation.kind == "group":
        values = [_typed(run, state, root, module, part, name) for part in annotation.parts if part.text != "None"]
        known = [value for value in values if value != UNKNOWN]
        return known[0] if len(known) == 1 else UNKNOWN
    symbol = run.program.resolve(module, annotation.head) if annotation.head else None
    if isinstance(symbol, GlobalSymbol):
        term = run.program.global_term(symbol)
        if term.kind == "item" and term.head.endswith("Annotated") and term.parts:
            return _typed(run, state, root, symbol.module, term.parts[0], name)
    if isinstance(symbol, External) and symbol.sqlalchemy in _ASYNC_OPTIONS:
        is_async = _ASYNC_OPTIONS[symbol.sqlalchemy] or ".ext.asyncio" in symbol.dotted
        exact = symbol.sqlalchemy if symbol.dotted.startswith("sqlalchemy.") and "scoped" not in symbol.last else ""
        return _symbolic_session(run, state, root, name, is_async, exact)
    if isinstance(symbol, ClassSymbol):
        factory = classes.session_class(run, symbol)
        if factory is not None:
            return _symbolic_session(run, state, root, name, factory.is_async, "")
        entity = run.entities.get(symbol)
        if entity is not None:
            oid = run.identity("parameter", root.id, name)
            state.objects[oid] = Object(entity, None, None, VAGUE, dict.fromkeys(entity.relationships, VAGUE))
            return Ref(oid)
        if root.depth == 0 and not symbol.facts.name.endswith(("Schema", "Out", "In")):
            pairs = _instance(run, state, replace_depth(root), symbol, False)
            if len(pairs) == 1 and pairs[0][0] is state:
                return pairs[0][1]
    return UNKNOWN


def _is_open(annotation: Term) -> bool:
    """``tuple[A, ...]``"""
    return annotation.parts[-1].text == "Ellipsis"


def _symbolic_session(run: Interpreter, state: State, root: Frame, name: str, is_async: bool, exact: str) -> SessionRef:
    sid = run.identity("parameter", root.id, name)
    spot = Spot(root.id, root.function.span if root.function else 0)
    state.sessions[sid] = Session(is_async, run.default_expires[is_async], exact, None, spot, begun=True)
    return SessionRef(sid)


def _dependency(run: Interpreter, module: Module, parameter: Parameter) -> FunctionValue | None:
    """The function that FastAPI calls for it: ``= Depends(f)``, ``Annotated[T, Depends(f)]``, an alias of that."""
    default, annotation = parameter.default, parameter.annotation
    if default is not None and default.head.rpartition(".")[2] == "Depends" and default.parts:
        return _function(run, module, default.parts[0])
    seen = 0
    while annotation is not None and seen < 3:
        if annotation.kind == "item" and annotation.head.endswith("Annotated"):
            for part in annotation.parts[1:]:
                if part.head.rpartition(".")[2] == "Depends" and part.parts:
                    return _function(run, module, part.parts[0])
            return None
        symbol = run.program.resolve(module, annotation.head) if annotation.head else None
        if not isinstance(symbol, GlobalSymbol):
            return None
        module, annotation = symbol.module, run.program.global_term(symbol)
        seen += 1
    return None


def _function(run: Interpreter, module: Module, term: Term) -> FunctionValue | None:
    symbol = run.program.resolve(module, term.head) if term.kind == "name" else None
    return FunctionValue(symbol) if isinstance(symbol, FunctionSymbol) else None


def _depended(
    run: Interpreter, state: State, root: Frame, function: FunctionValue, span: int
) -> list[tuple[State, Value]]:
    """The value of a dependency, at its yield."""
    if root.depth > 3:
        return [(state, UNKNOWN)]
    words: list[tuple[str, Value]] = []
    deeper = replace_depth(root)
    for parameter in function.symbol.facts.parameters:
        if parameter.kind in ("", "k"):
            found = _parameter(run, state, deeper, function.symbol.module, parameter)
            state = found[0][0]
            words.append((parameter.name, found[0][1]))
    pairs = calls.inline(run, function, [], words, False, state, root, span, None)
    done: list[tuple[State, Value]] = []
    for one, value in pairs:
        if not isinstance(value, Context):
            done.append((one, value))
            continue

        def collect(at: State, given: Value) -> list[State]:
            done.append((at, given))
            return []

        calls.generate(run, value, one, root, collect, [])
    return done[:2] or [(state, UNKNOWN)]
