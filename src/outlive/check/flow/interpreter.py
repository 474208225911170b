"""Statements: abstract interpretation, path by path.

States are copied where paths part and dropped where they meet with nothing to tell them apart.  Calls into the
program are interpreted in place, so a helper that commits needs no annotation.  Every bound (paths, depth, steps)
errs on the side of silence.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from outlive.check import ir
from outlive.check.entities import Entities
from outlive.check.facts import Function
from outlive.check.flow import calls, lifetimes, reads
from outlive.check.flow.log import Log
from outlive.check.flow.relevance import relevant_functions
from outlive.check.flow.summaries import Summary
from outlive.check.flow.state import LOADED, Object, Plain, Session, State, Status
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
    Query,
    Ref,
    Rows,
    SessionRef,
    Spot,
    Value,
)
from outlive.check.program import (
    ClassSymbol,
    External,
    FunctionSymbol,
    GlobalSymbol,
    Module,
    ModuleSymbol,
    Program,
)

PATHS = 8
DEPTH = 7
STEPS = 6_000
_BUILTINS = frozenset(dir(builtins))

OnYield = Callable[[State, Value], list[State]]


@dataclass(slots=True)
class Frame:
    """One function being interpreted."""

    id: int
    module: Module
    function: Function | None
    closure: dict[str, Value]
    depth: int
    on_yield: OnYield | None = None
    stack: tuple[tuple[int, int], ...] = ()
    caught: list[str] = field(default_factory=list[str])
    locals: bool = True


@dataclass(slots=True)
class Out:
    """The ways out of a block other than its end."""

    returns: list[tuple[State, Value]] = field(default_factory=list[tuple[State, Value]])
    breaks: list[State] = field(default_factory=list[State])
    continues: list[State] = field(default_factory=list[State])
    raises: list[State] = field(default_factory=list[State])


class OutOfStepsError(Exception):
    """The walk from one root has become too long; what was seen so far stands."""


class Interpreter:
    """Walks one program."""

    def __init__(self, program: Program, entities: Entities) -> None:
        self.program = program
        self.entities = entities
        self.log = Log()
        self.frames: list[tuple[int, int, Module, int]] = []
        self.module_values: dict[int, dict[str, Value]] = {}
        self.global_sessions: dict[int, Session] = {}
        self.global_terms: dict[tuple[int, str], Value] = {}
        self.default_expires: dict[bool, bool | None] = {False: None, True: None}
        self.factory_of: dict[Spot, Factory] = {}
        self.added_at: dict[int, tuple[Spot, int]] = {}
        self._frame_ids: dict[tuple[int, int, int, int], int] = {}
        self._ids: dict[tuple[object, ...], int] = {}
        self._keys: list[tuple[object, ...]] = [()]
        self.summaries: dict[tuple[int, int], dict[object, Summary | None]] = {}
        self.nesting = 0
        self.relevant = relevant_functions(program)
        self.steps = 0
        self.try_depth = 0

    # -- identities: equal for equal places, so that loops become stable -----------------------------------------

    def frame_id(self, parent: int, span: int, module: Module, index: int) -> int:
        key = (parent, span, id(module), index)
        found = self._frame_ids.get(key)
        if found is None:
            found = self._frame_ids[key] = len(self.frames)
            self.frames.append((parent, span, module, index))
        return found

    def identity(self, *key: object) -> int:
        found = self._ids.get(key)
        if found is None:
            found = self._ids[key] = len(self._keys)
            self._keys.append(key)
        return found

    def key_of(self, identity: int) -> tuple[object, ...]:
        return self._keys[identity]

    def is_shared(self, sid: int) -> bool:
        """Whether it is the session of a module or of a ``scoped_session``, which any function can use."""
        return self._keys[sid][0] in ("global", "scoped")

    def committed(self, state: State, sid: int, spot: Spot) -> None:
        session = state.sessions.get(sid)
        if session is not None and session.factory is not None:
            self.factory_of[spot] = session.factory

    # -- names ---------------------------------------------------------------------------------------------------

    def value(self, operand: ir.Operand, state: State, frame: Frame) -> Value:
        if isinstance(operand, ir.Lit):
            return UNKNOWN if operand.opaque else Const(operand.value)
        env = state.envs.get(frame.id, {})
        found = env.get(operand)
        if found is not None:
            return found
        found = frame.closure.get(operand)
        if found is None:
            found = self.global_value(frame.module, operand)
        if isinstance(found, SessionRef) and found.sid not in state.sessions and found.sid in self.global_sessions:
            state.sessions[found.sid] = self.global_sessions[found.sid]
        return found

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
                return self.module_env(module).get(name, UNKNOWN)
            case _:
                return UNKNOWN

    def module_env(self, module: Module) -> dict[str, Value]:
        """What a module's names stand for after it has run, as far as that outlives its run."""
        found = self.module_values.get(id(module))
        if found is None:
            found = self.module_values[id(module)] = {}
            found.update(self.run_module(module))
        return found

    def run_module(self, module: Module) -> dict[str, Value]:
        saved, self.steps, depth, self.try_depth = self.steps, 0, self.try_depth, 0
        frame = Frame(self.frame_id(-1, 0, module, -1), module, None, {}, 0)
        state = State()
        state.envs[frame.id] = {}
        out = Out()
        try:
            ends = self.block(module.facts.body, [state], frame, out)
        except OutOfStepsError:
            ends = []
        self.steps, self.try_depth = saved, depth
        env: dict[str, Value] = {}
        free = {name for function in module.facts.functions for name in function.free}
        for end in ends[:1]:
            for name, value in end.envs[frame.id].items():
                if isinstance(value, SessionRef) and value.sid in end.sessions:
                    sid = self.identity("global", id(module), name)
                    self.global_sessions[sid] = replace(end.sessions[value.sid], begun=True, closed=None)
                    env[name] = SessionRef(sid)
                elif isinstance(value, Const) and name in free:
                    continue  # Some function assigns it.
                elif isinstance(value, (Factory, External, ModuleSymbol, ClassValue, FunctionValue, Query, Const)):
                    env[name] = value
        return env

    # -- blocks --------------------------------------------------------------------------------------------------

    def block(self, statements: Sequence[ir.Statement], states: list[State], frame: Frame, out: Out) -> list[State]:
        for statement in statements:
            if not states:
                break
            count = len(states)
            if count == 1:
                states = self.statement(statement, states[0], frame, out)
            else:
                after: list[State] = []
                for state in states:
                    after.extend(self.statement(statement, state, frame, out))
                states = after
            if len(states) > count or (count > 1 and isinstance(statement, ir.Forget)):
                states = prune(states)
        return states

    def statement(self, node: ir.Statement, state: State, frame: Frame, out: Out) -> list[State]:
        self.steps += 1
        if self.steps > STEPS:
            raise OutOfStepsError
        match node:
            case ir.Read():
                base = self.value(node.base, state, frame)
                pairs = reads.read(self, state, frame, base, node.name, node.span, node.tested)
                return self.bound(pairs, node.target, frame)
            case ir.Call():
                if self.try_depth:
                    note_raise(out, state)
                return self.bound(calls.call(self, node, state, frame, out), node.target, frame)
            case ir.Bind():
                self.bind(state, frame, node.target, self.value(node.value, state, frame))
            case ir.Await():
                self.bind(state, frame, node.target, self.value(node.value, state, frame))
            case ir.If():
                return self.branch(node, state, frame, out)
            case ir.Store():
                value = self.value(node.value, state, frame)
                reads.store(self, state, frame, self.value(node.base, state, frame), node.name, value, node.span)
                if isinstance(node.base, str):
                    forget(state, frame, f"{node.base}.{node.name}")
            case ir.Pack():
                items = tuple(self.value(item, state, frame) for item in node.items)
                names = tuple(
                    key.value if isinstance(key, ir.Lit) and isinstance(key.value, str) and not key.opaque else ""
                    for key in node.keys
                )
                if node.kind == "dict" and (not all(names) or not names):
                    self.bind(state, frame, node.target, Many(join_all(items)))
                else:
                    self.bind(state, frame, node.target, Group(items, names))
            case ir.Unpack():
                self.unpack(node, state, frame)
            case ir.Item():
                base = self.value(node.base, state, frame)
                index = self.value(node.index, state, frame)
                base = calls.iterated(self, base, state, frame, node.span)
                self.bind(state, frame, node.target, base if node.sliced else item(base, index))
            case ir.Put():
                if isinstance(node.base, str):
                    self.put(state, frame, node.base, self.value(node.value, state, frame))
            case ir.Touch():
                values = [self.value(operand, state, frame) for operand in node.operands]
                states = [state]
                if node.how == "format":
                    for value in values:
                        states = [after for one in states for after in reads.shown(self, one, frame, value, node.span)]
                for one in states:
                    self.bind(one, frame, node.target, UNKNOWN)
                return states
            case ir.Yield():
                return self.yielded(node, state, frame)
            case ir.MakeFunction():
                self.bind(state, frame, node.target, self.closure(node, state, frame))
            case ir.MakeClass():
                self.bind(state, frame, node.target, ClassValue(ClassSymbol(frame.module, node.index)))
            case ir.Return():
                out.returns.append((state, self.value(node.value, state, frame)))
                return []
            case ir.Raise():
                if self.try_depth:
                    out.raises.append(state)
                return []
            case ir.Break():
                out.breaks.append(state)
                return []
            case ir.Continue():
                out.continues.append(state)
                return []
            case ir.Forget():
                for name in node.names:
                    self.bind(state, frame, name, UNKNOWN)
                if node.above >= 0:
                    env = state.own(frame.id)
                    for name in [n for n in env if n[0] == "%" and n[1:].isdecimal() and int(n[1:]) > node.above]:
                        del env[name]
            case ir.For():
                return self.loop(node, state, frame, out)
            case ir.While():
                return self.while_(node, state, frame, out)
            case ir.Try():
                return self.try_(node, state, frame, out)
            case ir.With():
                return self.with_(node, state, frame, out)
        return [state]

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
        return FunctionValue(symbol, None, captured)

    def bind(self, state: State, frame: Frame, name: str, value: Value) -> None:
        state.own(frame.id)[name] = value
        if state.assumed and not name.startswith("%"):
            forget(state, frame, name)

    def bound(self, pairs: list[tuple[State, Value]], target: str, frame: Frame) -> list[State]:
        for state, value in pairs:
            state.own(frame.id)[target] = value
        return [state for state, _ in pairs]

    def unpack(self, node: ir.Unpack, state: State, frame: Frame) -> None:
        value = self.value(node.value, state, frame)
        if isinstance(value, Rows):
            value = value.row
        for position, target in enumerate(node.targets):
            if node.star >= 0:
                part: Value = UNKNOWN
            elif isinstance(value, Group) and not value.names and len(value.items) == len(node.targets):
                part = value.items[position]
            else:
                part = value.element if isinstance(value, Many) else UNKNOWN
            self.bind(state, frame, target, part)

    def put(self, state: State, frame: Frame, name: str, value: Value) -> None:
        """A container under a name gains a value."""
        current = state.envs[frame.id].get(name, UNKNOWN)
        match current:
            case Many(element=element):
                current = Many(join(element, value))
            case Group(items=items):
                current = Many(join(join_all(items), value))
            case _:
                return
        state.own(frame.id)[name] = current

    # -- conditions ----------------------------------------------------------------------------------------------

    def branch(self, node: ir.If, state: State, frame: Frame, out: Out) -> list[State]:
        ways = self.ways(node.test, node.key, node.negated, state, frame)
        after: list[State] = []
        for truth, chosen in ways:
            after.extend(self.block(node.body if truth else node.orelse, [chosen], frame, out))
        return prune(after)

    def ways(self, test: ir.Operand, key: str, negated: bool, state: State, frame: Frame) -> list[tuple[bool, State]]:
        """The answers that a condition can have on this path, each with its state."""
        known = self.truth(test, key, state, frame)
        if not key and isinstance(test, str) and test.startswith("%") and known is not None:
            state.own(frame.id).pop(test, None)  # A truth is tested once; paths may meet again without it.
        if known is not None:
            return [(known != negated, state)]
        made: list[tuple[bool, State]] = []
        for answer in (True, False):
            chosen = state.fork() if answer else state
            if key:
                self.assume(chosen, frame, key, answer)
            made.append((answer != negated, chosen))
        return made

    def truth(self, test: ir.Operand, key: str, state: State, frame: Frame) -> bool | None:
        value = self.value(test, state, frame)
        if key.endswith(" Is None"):
            subject = self.value(key.removesuffix(" Is None"), state, frame) if "." not in key else UNKNOWN
            if isinstance(subject, Const):
                return subject.value is None
            if isinstance(subject, (SessionRef, Group, Many, Factory)):
                return False
        elif isinstance(value, Const):
            return bool(value.value)
        elif isinstance(value, (SessionRef, FunctionValue, Factory)):
            return True
        return state.assumed.get((frame.id, key)) if key else None

    def assume(self, state: State, frame: Frame, key: str, answer: bool) -> None:
        state.assumed[frame.id, key] = answer
        env = state.own(frame.id)
        if key.endswith(" Is None"):
            name = key.removesuffix(" Is None")
            if answer:
                state.assumed[frame.id, name] = False
                if name in env:
                    env[name] = NONE
        elif answer:
            state.assumed[frame.id, f"{key} Is None"] = False
        elif isinstance(env.get(key), Ref):
            env[key] = NONE

    # -- loops ---------------------------------------------------------------------------------------------------

    def loop(self, node: ir.For, state: State, frame: Frame, out: Out) -> list[State]:
        iterable = self.value(node.iterable, state, frame)
        if isinstance(iterable, Context):
            return self.iterate_generator(node, iterable, state, frame, out)
        iterable = calls.iterated(self, iterable, state, frame, node.span)
        if isinstance(iterable, Group) and not iterable.names and 0 < len(iterable.items) <= 3:
            return self.each(node, iterable.items, state, frame, out)
        element = item(iterable, UNKNOWN)
        touched: list[tuple[int, int]] = []
        skipped = state.fork()
        for oid in lifetimes.refs(element):
            # Without a single round the collection is empty: nothing of it can be read later.
            obj = skipped.object(oid)
            if obj is not None and isinstance(iterable, Many):
                skipped.objects[oid] = lifetimes.vague(replace(obj, life=None))
        seen: list[State] = []
        current, ends = [state], [skipped]
        inner = Out(returns=out.returns, raises=out.raises)
        for _ in range(4):
            current = [s for s in current if not any(s.same(other) for other in seen)]
            if not current:
                break
            seen.extend(s.fork() for s in current)
            after: list[State] = []
            for one in current:
                focused, pairs = self.focus(one, frame, node.span, element)
                touched = pairs
                self.bind(one, frame, node.element, focused)
                before = {oid: one.objects.get(oid) for oid, _ in pairs}
                inner.continues = []
                done = self.block(node.body, [one], frame, inner) + inner.continues
                for end in done:
                    widen(end, pairs, before)
                after.extend(done)
            current = prune(after)
            ends.extend(left_alone(s, touched) for s in current)
        ends = self.block(node.orelse, prune(ends), frame, out)
        return prune(ends + inner.breaks)

    def each(self, node: ir.For, items: Sequence[Value], state: State, frame: Frame, out: Out) -> list[State]:
        inner = Out(returns=out.returns, raises=out.raises)
        states = [state]
        for value in items:
            for one in states:
                self.bind(one, frame, node.element, value)
            inner.continues = []
            states = prune(self.block(node.body, states, frame, inner) + inner.continues)
        return prune(self.block(node.orelse, states, frame, out) + inner.breaks)

    def focus(self, state: State, frame: Frame, span: int, element: Value) -> tuple[Value, list[tuple[int, int]]]:
        """One element of a collection: what happens to it alone does not happen to the others."""
        pairs: list[tuple[int, int]] = []

        def one(value: Value) -> Value:
            if isinstance(value, Ref) and isinstance(state.objects.get(value.oid), Object):
                focused = self.identity("focus", frame.id, span, value.oid)
                obj = state.objects[value.oid]
                assert isinstance(obj, Object)
                state.objects[focused] = obj
                for name in obj.entity.relationships:
                    state.objects.pop(self.identity("child", focused, name), None)
                pairs.append((value.oid, focused))
                return Ref(focused)
            if isinstance(value, Group):
                return Group(tuple(one(part) for part in value.items), value.names)
            return value

        return one(element), pairs

    def while_(self, node: ir.While, state: State, frame: Frame, out: Out) -> list[State]:
        inner = Out(returns=out.returns, raises=out.raises)
        current = [state]
        ends: list[State] = []
        seen: list[State] = []
        for _ in range(4):
            current = [s for s in current if not any(s.same(other) for other in seen)]
            if not current:
                break
            seen.extend(s.fork() for s in current)
            after: list[State] = []
            for one in self.block(node.head, current, frame, inner):
                for truth, chosen in self.ways(node.test, node.key, node.negated, one, frame):
                    if truth:
                        inner.continues = []
                        after.extend(self.block(node.body, [chosen], frame, inner) + inner.continues)
                    else:
                        ends.append(chosen)
            current = prune(after)
        ends = self.block(node.orelse, prune(ends), frame, out)
        return prune(ends + inner.breaks)

    # -- try and with --------------------------------------------------------------------------------------------

    def try_(self, node: ir.Try, state: State, frame: Frame, out: Out) -> list[State]:
        guarded = bool(node.handlers)
        inner, caught = Out(), [name for handler in node.handlers for name in handler.types]
        self.try_depth += 1
        frame.caught.extend(caught)
        try:
            normal = self.block(node.body, [state], frame, inner)
        finally:
            self.try_depth -= 1
            del frame.caught[len(frame.caught) - len(caught) :]
        final = Out()
        if node.final:
            self.try_depth += 1
        ends = self.block(node.orelse, normal, frame, final)
        raised = prune(inner.raises)
        for handler in node.handlers:
            for one in raised:
                chosen = one.fork()
                if handler.name:
                    self.bind(chosen, frame, handler.name, UNKNOWN)
                ends.extend(self.block(handler.body, [chosen], frame, final))
        if not guarded or not any(_is_broad(handler) for handler in node.handlers):
            final.raises.extend(raised)
        if node.final:
            self.try_depth -= 1
        final.returns.extend(inner.returns)
        final.breaks.extend(inner.breaks)
        final.continues.extend(inner.continues)
        if not node.final:
            merge_out(out, final, self.try_depth > 0)
            return prune(ends)
        return self.leave(ends, final, out, lambda one, _: self.block(node.final, [one], frame, out))

    def leave(
        self, ends: list[State], inner: Out, out: Out, leaving: Callable[[State, bool], list[State]]
    ) -> list[State]:
        """Pass every way out of a block through an exit; the flag says whether an exception is on its way."""
        for state, value in inner.returns:
            out.returns.extend((after, value) for after in leaving(state, False))
        for state in inner.breaks:
            out.breaks.extend(leaving(state, False))
        for state in inner.continues:
            out.continues.extend(leaving(state, False))
        for state in prune(inner.raises):
            out.raises.extend(leaving(state, True))
        return prune([after for state in prune(ends) for after in leaving(state, False)])

    def with_(self, node: ir.With, state: State, frame: Frame, out: Out) -> list[State]:
        context = self.value(node.context, state, frame)
        spot = Spot(frame.id, node.span)
        if isinstance(context, Context):
            return self.enter_generator(node, context, state, frame, out)
        ends: list[State]
        if isinstance(context, Ref) and isinstance(state.objects.get(context.oid), Plain):
            return self.enter_plain(node, context, state, frame, out)
        target, leaving, names = self.context(context, state, spot)
        self.bind(state, frame, node.target, target)
        inner = Out()
        frame.caught.extend(names)
        self.try_depth += 1
        try:
            ends = self.block(node.body, [state], frame, inner)
        finally:
            self.try_depth -= 1
            del frame.caught[len(frame.caught) - len(names) :]
        if names:
            ends.extend(inner.raises)
            inner.raises = []
        if not self.try_depth:
            inner.raises = []
        return self.leave(ends, inner, out, leaving)

    def context(
        self, context: Value, state: State, spot: Spot
    ) -> tuple[Value, Callable[[State, bool], list[State]], list[str]]:
        """What entering a context manager gives, what leaving it does, and the exceptions that it swallows."""
        match context:
            case SessionRef(sid=sid):

                def close(one: State, _: bool) -> list[State]:
                    lifetimes.close(one, sid, spot)
                    return [one]

                return context, close, []
            case Block(sid=sid, kind=kind):

                def end(one: State, raised: bool) -> list[State]:
                    if kind == "quiet":
                        one.sessions[sid] = replace(one.sessions[sid], autoflush=True)
                    elif kind == "nested":
                        (lifetimes.savepoint_rollback if raised else lifetimes.flush)(one, sid, spot)
                    elif kind in ("begin", "factory"):
                        self.committed(one, sid, spot)
                        (lifetimes.rollback if raised else lifetimes.commit)(one, sid, spot)
                    if kind in ("factory", "closing"):
                        lifetimes.close(one, sid, spot)
                    return [one]

                if kind == "quiet":
                    state.sessions[sid] = replace(state.sessions[sid], autoflush=False)
                else:
                    lifetimes.begin(state, sid)
                return (SessionRef(sid) if kind in ("factory", "closing", "quiet") else UNKNOWN), end, []
            case Group(items=items, names=("suppress",)):
                return UNKNOWN, lambda one, _: [one], [i.last for i in items if isinstance(i, External)]
            case _:
                return context if isinstance(context, Ref) else UNKNOWN, lambda one, _: [one], []

    def enter_plain(self, node: ir.With, context: Ref, state: State, frame: Frame, out: Out) -> list[State]:
        """``with`` over an instance of a class of the program: its own ``__enter__`` and ``__exit__``."""
        plain = state.objects[context.oid]
        assert isinstance(plain, Plain)
        enter = reads.method(self, plain.symbol, "__aenter__") or reads.method(self, plain.symbol, "__enter__")
        leave = reads.method(self, plain.symbol, "__aexit__") or reads.method(self, plain.symbol, "__exit__")
        pairs: list[tuple[State, Value]] = [(state, context)]
        if enter is not None:
            pairs = calls.inline(self, FunctionValue(enter, context), [], [], False, state, frame, node.span, out)
        ends: list[State] = []
        inner = Out()
        self.try_depth += 1
        for one, value in pairs:
            self.bind(one, frame, node.target, value)
            ends.extend(self.block(node.body, [one], frame, inner))
        self.try_depth -= 1
        if not self.try_depth:
            inner.raises = []

        def leaving(one: State, raised: bool) -> list[State]:
            if leave is None:
                return [one]
            kind: Value = UNKNOWN if raised else NONE
            if raised:
                kind = Const(True)
            given: list[Value] = [kind, kind, kind]
            bound = FunctionValue(leave, context)
            return [s for s, _ in calls.inline(self, bound, given, [], False, one, frame, node.span, Out())]

        return self.leave(ends, inner, out, leaving)

    def enter_generator(self, node: ir.With, context: Context, state: State, frame: Frame, out: Out) -> list[State]:
        """``with`` over a generator function: the body runs where the function yields."""

        def body(one: State, value: Value) -> list[State]:
            self.bind(one, frame, node.target, value)
            inner = Out()
            done = self.block(node.body, [one], frame, inner)
            return self.resumed(done, inner, frame, raised)

        raised: list[State] = []
        self.try_depth += 1
        ends, escaped = calls.generate(self, context, state, frame, body, raised)
        self.try_depth -= 1
        if self.try_depth:
            out.raises.extend(escaped)
        return self.sort(ends, frame, out)

    def iterate_generator(self, node: ir.For, context: Context, state: State, frame: Frame, out: Out) -> list[State]:
        def body(one: State, value: Value) -> list[State]:
            if "%exit" in one.envs[frame.id]:
                return [one]
            self.bind(one, frame, node.element, value)
            inner = Out()
            done = self.block(node.body, [one], frame, inner) + inner.continues
            inner.continues = []
            return self.resumed(done, inner, frame, raised)

        raised: list[State] = []
        ends, escaped = calls.generate(self, context, state, frame, body, raised)
        if self.try_depth:
            out.raises.extend(escaped)
        inner = Out(returns=out.returns)
        ends = self.sort(ends, frame, inner)
        return prune(self.block(node.orelse, ends, frame, out) + inner.breaks)

    def resumed(self, done: list[State], inner: Out, frame: Frame, raised: list[State]) -> list[State]:
        """The states with which a generator goes on after its body; other ways out are marked and sorted later."""
        for state, value in inner.returns:
            env = state.own(frame.id)
            env["%exit"], env["%value"] = Const("return"), value
            done.append(state)
        for word, states in (("break", inner.breaks), ("continue", inner.continues)):
            for state in states:
                state.own(frame.id)["%exit"] = Const(word)
                done.append(state)
        raised.extend(prune(inner.raises))
        return prune(done)

    def sort(self, ends: list[State], frame: Frame, out: Out) -> list[State]:
        plain: list[State] = []
        for state in ends:
            env = state.own(frame.id)
            match env.pop("%exit", None):
                case Const(value="return"):
                    out.returns.append((state, env.pop("%value", UNKNOWN)))
                case Const(value="break"):
                    out.breaks.append(state)
                case Const(value="continue"):
                    out.continues.append(state)
                case _:
                    plain.append(state)
        return prune(plain)

    def yielded(self, node: ir.Yield, state: State, frame: Frame) -> list[State]:
        value = self.value(node.value, state, frame)
        if node.whole:
            value = item(calls.iterated(self, value, state, frame, node.span), UNKNOWN)
        states = frame.on_yield(state, value) if frame.on_yield is not None else [state]
        for one in states:
            one.own(frame.id)[node.target] = UNKNOWN
        return states


def item(base: Value, index: Value) -> Value:
    """One element of a collection, or the value under a key."""
    match base:
        case Many(element=element):
            return element
        case Group(items=items, names=names):
            if isinstance(index, Const) and isinstance(index.value, str):
                return items[names.index(index.value)] if index.value in names else UNKNOWN
            if isinstance(index, Const) and isinstance(index.value, int) and not names:
                return items[index.value] if -len(items) <= index.value < len(items) else UNKNOWN
            return join_all(items)
        case Rows(row=row):
            return row
        case Ref() | External() | ClassValue():
            return base  # `async_sessionmaker[AsyncSession]`, or a relationship that may be one or many.
        case _:
            return UNKNOWN


def join(left: Value, right: Value) -> Value:
    """One value for two; what is known is kept, since a collection is asked for what may be in it."""
    if right in (left, UNKNOWN):
        return left
    if isinstance(left, (Ref, Group)):
        return left
    return right


def join_all(values: Sequence[Value]) -> Value:
    joined: Value = UNKNOWN
    for value in values:
        joined = join(joined, value)
    return joined


def forget(state: State, frame: Frame, name: str) -> None:
    """A name is assigned: what was assumed about it no longer holds."""
    stale = [key for key in state.assumed if key[0] == frame.id and name in key[1]]
    for key in stale:
        del state.assumed[key]


def note_raise(out: Out, state: State) -> None:
    if not any(state.same(other) for other in out.raises[-3:]):
        out.raises.append(state.fork())


def merge_out(out: Out, inner: Out, raises: bool) -> None:
    out.returns.extend(inner.returns)
    out.breaks.extend(inner.breaks)
    out.continues.extend(inner.continues)
    if raises:
        out.raises.extend(inner.raises)


def prune(states: list[State]) -> list[State]:
    """States that differ in the life of an object; of those that are alike, one that knows only what all of them do."""
    if len(states) < 2:
        return states
    kept: list[State] = []
    for state in states:
        for other in kept:
            if other.absorb(state):
                break
        else:
            kept.append(state)
    return kept[:PATHS]


def widen(state: State, pairs: list[tuple[int, int]], before: dict[int, Object | Plain | None]) -> None:
    """What was done to one element of a collection is taken as done to all, where it made them better."""
    for whole, focused in pairs:
        summary, one = state.object(whole), state.object(focused)
        if summary is None or one is None or summary != before[whole]:
            continue
        attributes = {
            name: _better(summary.status(name), one.status(name)) for name in {*summary.attributes, *one.attributes}
        }
        life = one.life if summary.life != one.life and summary.exit is None and one.exit is None else summary.life
        state.objects[whole] = replace(
            summary,
            columns=_better(summary.columns, one.columns),
            attributes=attributes,
            deleted=one.deleted,
            changed=one.changed,
            life=life,
            sid=one.sid if life == one.life else summary.sid,
        )


def left_alone(state: State, pairs: list[tuple[int, int]]) -> State:
    """The state behind a loop: what the last element was detached from, all are."""
    after = state.fork()
    for whole, focused in pairs:
        summary, one = after.object(whole), after.object(focused)
        if summary is not None and one is not None and one.exit is not None and summary.exit is None:
            after.objects[whole] = replace(summary, life=one.life, exit=one.exit, sid=one.sid)
    return after


def _better(left: Status, right: Status) -> Status:
    return LOADED if right == LOADED else left


def _is_broad(handler: ir.Handler) -> bool:
    return not handler.types or any(name in ("Exception", "BaseException") for name in handler.types)
