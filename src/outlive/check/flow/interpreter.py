"""Statements: abstract interpretation, path by path.

States are copied where paths part and dropped where they meet with nothing to tell them apart.  Calls into the
program are interpreted in place, so a helper that commits needs no annotation.  Every bound (paths, depth, steps)
errs on the side of silence.
"""

from __future__ import annotations

import builtins
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from functools import cached_property
from hashlib import blake2b
from typing import Any

from outlive.check import ir
from outlive.check.entities import Entities, Entity
from outlive.check.flow import (
    background,
    caching,
    calls,
    conditions,
    containers,
    coroutines,
    exits,
    generators,
    lifetimes,
    loops,
    modules,
    orphans,
    queries,
    raising,
    reads,
    requests,
    responses,
    sessions,
    shelves,
    streams,
)
from outlive.check.flow.applications import Applications
from outlive.check.flow.caching import Caching, Keeping, Kept
from outlive.check.flow.decorators import Manner
from outlive.check.flow.dependencies import Entered, Leaving, Lent
from outlive.check.flow.elements import item, join, join_all
from outlive.check.flow.frames import AT_EASE, MANY, PATHS, STEPS, Frame, Out, OutOfStepsError
from outlive.check.flow.graphql import Resolvers
from outlive.check.flow.log import Log, Note
from outlive.check.flow.meeting import forget, most_at_stake, prune
from outlive.check.flow.mentions import Mentions
from outlive.check.flow.ports import Ports
from outlive.check.flow.providers import Providers
from outlive.check.flow.reach import Reach
from outlive.check.flow.relevance import Relevance
from outlive.check.flow.replaced import Replaced
from outlive.check.flow.sharing import Use
from outlive.check.flow.state import Plain, Session, State
from outlive.check.flow.summaries import Summary
from outlive.check.flow.values import (
    NONE,
    SOMETHING,
    UNKNOWN,
    ClassValue,
    Const,
    Coroutine,
    Factory,
    FunctionValue,
    Group,
    Many,
    Mapped,
    Option,
    Ref,
    Rows,
    SessionRef,
    Shelf,
    Spot,
    Value,
)
from outlive.check.flow.wiring import Wiring
from outlive.check.knowledge import Knowledge, knowledge
from outlive.check.program import ClassSymbol, External, FunctionSymbol, GlobalSymbol, Module, ModuleSymbol, Program
from outlive.check.targets import NEWEST, Version
from outlive.check.templates import Templates

_BUILTINS = frozenset({*dir(builtins), "exit", "quit"})
_CALM = frozenset({"bool", "hasattr", "isinstance", "len", "list", "print", "range", "repr", "set", "str", "tuple"})
"""Functions that do not raise, as far as a handler around them is concerned."""

_CALM_METHODS = frozenset(
    {"aclose", "add", "add_all", "append", "close", "critical", "debug", "exception", "info", "rollback", "warning"}
)
"""And methods: what adds, closes or rolls back, and what writes into a log."""


_LOOKS = frozenset({"compare", "equal", "in", "none", "some", "test"})
"""Ways to look at a value that keep nothing of it."""


class Interpreter:
    """Walks one program."""

    def __init__(
        self,
        program: Program,
        fastapi: Version = NEWEST,
        known: Knowledge | None = None,
        templates: Templates | None = None,
    ) -> None:
        self.program = program
        self.templates = templates or Templates()
        self.fastapi = fastapi
        self.commits_before_responses = responses.commit_first(program)
        self.providers = Providers(program)
        self.ports = Ports(program)
        self.replacements = Replaced(program)
        self.replaced: frozenset[str] = frozenset()
        self.entities = Entities(program)
        self.knowledge = known or knowledge()
        self.log = Log()
        self.frames: dict[int, tuple[int, int, Module, int]] = {}
        self.module_values: dict[int, dict[str, Value]] = {}
        self.global_sessions: dict[int, Session] = {}
        self.global_plains: dict[int, Plain] = {}
        self.global_terms: dict[tuple[int, str], Value] = {}
        self.default_expires: dict[bool, bool | None] = {False: None, True: None}
        self.factory_of: dict[Spot, Factory] = {}
        self.added_at: dict[int, tuple[Spot, int]] = {}
        self._frame_ids: dict[tuple[int, int, int, int], int] = {}
        self._ids: dict[tuple[object, ...], int] = {}
        self._keys: list[tuple[object, ...]] = [()]
        self.summaries: dict[tuple[int, int], dict[object, Summary | None]] = {}
        self.nesting = 0
        self.decorated: dict[FunctionSymbol, FunctionValue | None] = {}
        self.manners: dict[tuple[FunctionSymbol, bool], Manner] = {}
        self.endless: dict[FunctionSymbol, bool] = {}
        # Not `error(`: that of an `ArgumentParser` is rare, and every log has one.
        self.leaving_words = {f"{name.rpartition('.')[2]}(" for name in self.knowledge.noreturns} - {"error("}
        self.mapped_parameters: dict[tuple[int, int], list[tuple[str, Entity]]] = {}
        self.mentions = Mentions()
        lenders = {call.rpartition(".")[2] for call in self.knowledge.lenders}
        self.relevant = Relevance(program, self.mentions, self.entities, {*self.knowledge.sends, *lenders})
        self.steps: int = 0
        self.begun: int = 0
        self.limit: int = STEPS
        self.given_up: set[tuple[int, int]] = set()
        self.lost: set[tuple[int, int]] = set()
        self.narrow = False
        self.unfinished: set[tuple[int, int]] = set()
        self.try_depth: int = 0
        self.guards: int = 0
        self.uses: dict[tuple[Spot, int], Use] = {}
        self.entered: list[Entered] = []
        self.lent: dict[int, Lent] = {}
        self.leaving: Leaving | None = None
        self.caching: dict[caching.Symbol, Caching | None] = {}
        self.keeping: list[Keeping] = []
        self.kept: dict[caching.Symbol, list[Kept]] = {}
        self.recalled: dict[caching.Symbol, Kept] = {}
        self.called_once: frozenset[FunctionSymbol] | None = None
        self.is_partial = False
        self.carrying = False
        self.left_at: dict[int, Spot] = {}
        self.passed_on: list[State] | None = None
        self.resolvers = Resolvers(program)
        self.resolving = False
        self.wiring = Wiring()
        self.applications = Applications(program)

    @cached_property
    def carried(self) -> requests.Carried:
        """What travels with requests."""
        return requests.Carried(self)

    def starts(self) -> Iterable[FunctionSymbol]:
        """The functions from which the walk starts."""
        senders = {call.rpartition(".")[2] for call in self.knowledge.handovers}
        return Reach(
            self.program,
            self.entities,
            self.mentions,
            senders | self.knowledge.sends,
            (*self.carried.links(), *self.resolvers.links()),
            self.knowledge.lenders,
            self.wiring,
            self.applications.held,
        ).roots()

    def frame_id(self, parent: int, span: int, module: Module, index: int) -> int:
        key = (parent, span, id(module), index)
        found = self._frame_ids.get(key)
        if found is None:
            within = module.function(index).span if index >= 0 else 0
            name = f"{parent} {span} {within} {module.filename}".encode(errors="surrogatepass")
            # The same number wherever it is counted, so that walks of several processes can be put together.
            found = int.from_bytes(blake2b(name, digest_size=7).digest(), "big")
            self._frame_ids[key] = found
            self.frames[found] = parent, span, module, index
        return found

    def identity(self, *key: object) -> int:
        found = self._ids.get(key)
        if found is None:
            found = self._ids[key] = len(self._keys)
            self._keys.append(key)
        return found

    def key_of(self, identity: int) -> tuple[Any, ...]:
        """What an identity was made from."""
        return self._keys[identity]

    def is_shared(self, sid: int) -> bool:
        """Whether it is the session of a module or of a ``scoped_session``, which any function can use."""
        return self._keys[sid][0] in ("global", "scoped")

    def committed(self, state: State, sid: int, spot: Spot) -> None:
        session = state.sessions.get(sid)
        if session is not None and session.factory is not None:
            self.factory_of[spot] = session.factory
        if session is not None and self.leaving is not None and session.unsaved in self.leaving.unsaved:
            cause, use = Spot(self.leaving.frame, 0), session.unsaved
            self.log.add(Note("commit", spot, self.leaving.operation, cause=cause, use=use))

    def value(self, operand: ir.Operand, state: State, frame: Frame) -> Value:
        if isinstance(operand, ir.Lit):
            return UNKNOWN if operand.opaque else Const(operand.value)
        env = state.envs.get(frame.id)
        found = env.get(operand) if env is not None else None
        if found is not None:
            return found
        found = frame.closure.get(operand)
        if found is None:
            found = self.global_value(frame.module, operand)
        return self.present(found, state)

    def present(self, value: Value, state: State) -> Value:
        """What a module's name stands for, with the session or the instance that this is, as every walk finds it."""
        if isinstance(value, SessionRef) and value.sid not in state.sessions and value.sid in self.global_sessions:
            state.sessions[value.sid] = self.global_sessions[value.sid]
        elif isinstance(value, Ref) and value.oid not in state.objects:
            modules.enter(self, state, value)
        return value

    def global_value(self, module: Module, name: str) -> Value:
        symbol = self.program.name(module, name)
        if symbol is None:
            return External(f"builtins.{name}") if name in _BUILTINS else UNKNOWN
        return self.symbol_value(symbol)

    def symbol_value(self, symbol: object) -> Value:
        match symbol:
            case ClassSymbol():
                return ClassValue(symbol)
            case FunctionSymbol():
                return FunctionValue(symbol)
            case External() | ModuleSymbol():
                return symbol
            case GlobalSymbol(module=module, name=name):
                return self.module_env(module).get(name) or shelves.of_global(self, symbol) or UNKNOWN
            case _:
                return UNKNOWN

    def module_env(self, module: Module) -> dict[str, Value]:
        """What a module's names stand for after it has run, as far as that outlives its run."""
        found = self.module_values.get(id(module))
        if found is None:
            found = self.module_values[id(module)] = {}
            found.update(self.run_module(module))
        return found

    @contextmanager
    def aside(self) -> Generator[None]:
        """What is walked beside the function has steps of its own, and none of its handlers."""
        saved = self.steps, self.begun, self.limit, self.try_depth, self.nesting, self.narrow
        self.steps, self.begun, self.limit, self.try_depth, self.narrow = 0, 0, STEPS, 0, False
        try:
            yield
        finally:
            self.steps, self.begun, self.limit, self.try_depth, self.nesting, self.narrow = saved

    def run_module(self, module: Module) -> dict[str, Value]:
        summaries, self.summaries = (
            self.summaries,
            {},
        )  # What is called here does not see what its module has yet to make.
        frame = Frame(self.frame_id(-1, 0, module, -1), module, None, {}, 0)
        state = State()
        state.envs[frame.id] = {}
        out = Out()
        try:
            with self.aside():
                ends = [state]
                for statement in module.facts.body:
                    after = self.block([statement], ends, frame, out)
                    if not after:
                        break  # ``sys.exit(main())``: until then its names stood for what they stood for.
                    ends = [modules.joined(self, after, frame)] if len(after) > 1 else after
        except OutOfStepsError:
            self.unfinished.add((id(module), -1))
            ends = []
        self.summaries = summaries
        return modules.left_by(self, module, ends[0], frame) if ends else {}

    def block(self, statements: Sequence[ir.Statement], states: list[State], frame: Frame, out: Out) -> list[State]:
        for statement in statements:
            if not states:
                break
            count = len(states)
            if count == 1:
                states = self.statement(statement, states[0], frame, out)
            else:
                after: list[State] = []
                for number, state in enumerate(states):
                    if number >= self.width:  # Those before have used up the steps.
                        self.is_partial = True
                        break
                    after.extend(self.statement(statement, state, frame, out))
                states = after
            if len(states) > count or (count > 1 and isinstance(statement, ir.Forget)):
                states = prune(states)
            if len(states) > 1:
                width = self.width
                self.is_partial = self.is_partial or len(states) > width
                states = most_at_stake(states, width)
        return states

    @property
    def width(self) -> int:
        """How many paths are followed at once: the fewer, the more steps are used up, so that a walk sees the end."""
        if self.narrow:
            return 1
        used = (self.steps - self.begun) / (self.limit - self.begun)
        return PATHS if used < AT_EASE else max(1, int(PATHS * (1 - used) / (1 - AT_EASE)))

    def statement(self, node: ir.Statement, state: State, frame: Frame, out: Out) -> list[State]:
        self.steps += 1 + len(state.objects) // MANY  # A flush, a commit, a query looks at all of them.
        if self.steps > self.limit:
            raise OutOfStepsError
        match node:  # What is met most often comes first.
            case ir.Call():
                if self.try_depth and not _is_calm(node):
                    raising.note(self, node, state, frame, out)
                return self.bound(calls.call(self, node, state, frame, out), node.target, frame)
            case ir.Read():
                base = self.value(node.base, state, frame)
                if base == NONE:
                    return raising.no_attribute(self, state, out)
                pairs = reads.read(self, state, frame, base, node.name, node.span, node.tested)
                return self.bound(pairs, node.target, frame)
            case ir.If():
                return conditions.branch(self, node, state, frame, out)
            case ir.Touch():
                values = [self.value(operand, state, frame) for operand in node.operands]
                if node.how in _LOOKS:
                    values = [coroutines.used(self, state, frame, value, "", node.span) for value in values]
                states = [state]
                if node.how in ("format", "text"):
                    for value in values:
                        states = [after for one in states for after in reads.shown(self, one, frame, value, node.span)]
                made = queries.condition(values, node.how)
                if node.how == "in" and isinstance(values[1], SessionRef):
                    made = sessions.holds(state, values[1].sid, values[0])
                if node.how in ("add", "join") and not isinstance(made, Mapped):
                    made = _together(values)
                if _is_there(values, node.how) and made == UNKNOWN:
                    made = SOMETHING
                for one in states:
                    self.bind(one, frame, node.target, made)
                return states
            case ir.Bind():
                self.bind(state, frame, node.target, self.value(node.value, state, frame))
            case ir.Forget():
                for name in node.names:
                    self.bind(state, frame, name, UNKNOWN)
                if node.above >= 0:
                    env = state.own(frame.id)
                    for name in [n for n in env if n[0] == "%" and n[1:].isdecimal() and int(n[1:]) > node.above]:
                        del env[name]
            case ir.Return():
                if not frame.depth or (state.sessions and orphans.has_session(state, frame)):
                    state.own(frame.id)[orphans.RETURN] = Const(node.span)
                value = self.value(node.value, state, frame)
                if not frame.depth:
                    streams.returned(self, state, frame, value, node.span)
                out.returns.append((state, value))
                return []
            case ir.Raise():
                if self.try_depth:
                    state.raised = raising.kind_of(self, frame.module, node.name)
                    out.raises.append(state)
                return []
            case ir.Pack():
                items = self.packed(node, state, frame)
                names = tuple(str(key.value) if isinstance(key, ir.Lit) and _is_word(key) else "" for key in node.keys)
                if node.kind == "dict" and (not all(names) or not names):
                    self.bind(state, frame, node.target, Many(join_all(items)))
                else:
                    self.bind(state, frame, node.target, Group(items, names))
            case ir.Store():
                value = self.value(node.value, state, frame)
                reads.store(self, state, frame, self.value(node.base, state, frame), node.name, value, node.span)
                if isinstance(node.base, str):
                    forget(state, frame, f"{node.base}.{node.name}")
            case ir.Await():
                value = coroutines.awaited(self.value(node.value, state, frame))
                if state.pending:
                    background.wait(self, state, value)
                state.suspended = True
                self.bind(state, frame, node.target, value)
            case ir.For():
                return loops.loop(self, node, state, frame, out)
            case ir.Item():
                base = self.value(node.base, state, frame)
                index = self.value(node.index, state, frame)
                base = queries.iterated(self, base, state, frame, node.span)
                if isinstance(base, Ref) and not node.sliced:
                    pairs = reads.item_of_instance(self, state, frame, base, index, node.span)
                    return self.bound(pairs, node.target, frame)
                found = shelves.taken(self, state, base) if isinstance(base, Shelf) else item(base, index)
                self.bind(state, frame, node.target, base if node.sliced else found)
            case ir.Put():
                value, base = self.value(node.value, state, frame), self.value(node.base, state, frame)
                if isinstance(base, Shelf):
                    shelves.filled(self, state, base, value, Spot(frame.id, node.span))
                    lifetimes.keep(state, value)
                elif isinstance(node.base, str):
                    self.put(state, frame, node.base, value, node.key)
                    containers.bring_home(self, state, frame, node.base, node.home, node.span)
            case ir.Try():
                return exits.try_(self, node, state, frame, out)
            case ir.Continue():
                out.continues.append(state)
                return []
            case ir.Unpack():
                self.unpack(node, state, frame)
            case ir.With():
                return exits.with_(self, node, state, frame, out)
            case ir.Yield():
                return generators.yielded(self, node, state, frame, out)
            case ir.MakeFunction():
                self.bind(state, frame, node.target, self.closure(node, state, frame))
            case ir.MakeClass():
                self.bind(state, frame, node.target, ClassValue(ClassSymbol(frame.module, node.index)))
            case ir.Break():
                out.breaks.append(state)
                return []
            case ir.While():
                return loops.while_(self, node, state, frame, out)
        return [state]

    def packed(self, node: ir.Pack, state: State, frame: Frame) -> tuple[Value, ...]:
        """The items of a display; of ``*xs`` all that is in ``xs``, or one element and what else there may be."""
        items = [[self.value(item, state, frame)] for item in node.items]
        for index, operand in node.starred:
            whole = self.value(operand, state, frame)
            if isinstance(whole, Group) and not whole.names:
                items[index] = list(whole.items)
            else:
                items[index].append(UNKNOWN)
        return tuple(coroutines.kept(value) for each in items for value in each)

    def closure(self, node: ir.MakeFunction, state: State, frame: Frame) -> FunctionValue:
        """A function with the values of the names around it that it reads."""
        symbol = FunctionSymbol(frame.module, node.index)
        env = state.envs[frame.id]
        captured: dict[str, Value] = {}
        if frame.function is not None:
            for name in symbol.facts.loads:
                value = env.get(name, frame.closure.get(name))
                if value is not None:
                    captured[name] = value
        return FunctionValue(symbol, None, captured, frame.id)

    def bind(self, state: State, frame: Frame, name: str, value: Value) -> None:
        env = state.own(frame.id)
        old = env.get(name)
        env[name] = value
        if isinstance(old, SessionRef) and old != value and name[0] != "%":
            orphans.renamed(self, state, frame, name, old, value)
        if state.assumed and not name.startswith("%"):
            forget(state, frame, name)

    def bound(self, pairs: list[tuple[State, Value]], target: str, frame: Frame) -> list[State]:
        for state, value in pairs:
            env = state.own(frame.id)
            old = env.get(target)
            env[target] = value
            if isinstance(old, SessionRef) and old != value and target[0] != "%":
                orphans.renamed(self, state, frame, target, old, value)
        return [state for state, _ in pairs]

    def unpack(self, node: ir.Unpack, state: State, frame: Frame) -> None:
        value = self.value(node.value, state, frame)
        if isinstance(value, Rows):
            value = value.row
        part: Value
        for position, target in enumerate(node.targets):
            if node.star >= 0:
                part = _starred(value, node, position)
            elif isinstance(value, Group) and not value.names and len(value.items) == len(node.targets):
                part = value.items[position]
            else:
                part = value.element if isinstance(value, Many) else UNKNOWN
            self.bind(state, frame, target, part)

    def put(self, state: State, frame: Frame, name: str, value: Value, key: ir.Operand = "") -> None:
        """A container under a name gains a value."""
        orphans.keep(state, value)
        value = coroutines.kept(value)
        current = state.envs[frame.id].get(name, UNKNOWN)
        match current:
            case Group(items=items, names=names) if _is_word(key) and len(names) == len(items):
                assert isinstance(key, ir.Lit)
                current = _with_item(items, names, str(key.value), value)
            case Many(element=element):
                current = Many(join(element, value))
            case Group(items=items, names=()) if isinstance(value, (Coroutine, Option)) and value not in items:
                current = Group((*items, value))
            case Group(items=items):
                current = Many(join(join_all(items), value))
            case _:
                lifetimes.keep(state, value)
                return
        state.own(frame.id)[name] = current
        forget(state, frame, name)
        state.assumed[frame.id, name] = True  # It is no longer empty.


def _is_calm(node: ir.Call) -> bool:
    """Whether a call does not raise, as far as a handler around it is concerned."""
    return node.calm or node.method in _CALM_METHODS or (isinstance(node.base, str) and node.base in _CALM)


def _starred(value: Value, node: ir.Unpack, position: int) -> Value:
    """What a target of ``first, *others = value`` gets, where all items are known."""
    if not isinstance(value, Group) or value.names or len(value.items) < len(node.targets) - 1:
        return UNKNOWN
    behind = len(node.targets) - 1 - node.star
    if position == node.star:
        return Group(value.items[position : len(value.items) - behind])
    return value.items[position if position < node.star else position - len(node.targets)]


def _is_word(key: ir.Operand) -> bool:
    return isinstance(key, ir.Lit) and isinstance(key.value, str) and not key.opaque


def _with_item(items: tuple[Value, ...], names: tuple[str, ...], name: str, value: Value) -> Group:
    """A dict of known keys, with one of them set."""
    known = {**dict(zip(names, items, strict=True)), name: value}
    return Group(tuple(known.values()), tuple(known))


def _is_there(values: Sequence[Value], how: str) -> bool:
    """Whether a text made of these, or their sum, is certainly neither empty nor 0."""
    if how == "text" or (how == "format" and SOMETHING in values):
        return True
    told = [value.value for value in values if isinstance(value, Const)]
    if how != "add" or any(isinstance(each, int) and each < 0 for each in told):
        return False
    is_sum = len(told) + values.count(SOMETHING) == len(values) and (any(told) or SOMETHING in values)
    return is_sum or any(isinstance(each, str) and each for each in told)


def _together(values: Sequence[Value]) -> Value:
    """Lists that are added; whether there is a loader option at all is tested by those who get them."""
    items = tuple(each for value in values if isinstance(value, Group) for each in value.items)
    if all(isinstance(value, Group) and not value.names for value in values) and items:
        return Group(items)
    if any(isinstance(value, Many) for value in values) and all(isinstance(value, (Group, Many)) for value in values):
        return Many(join_all([item(value, UNKNOWN) for value in values]))
    return UNKNOWN
