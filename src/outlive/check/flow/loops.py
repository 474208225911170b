"""Loops, until their state repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow import calls, children, conditions, coroutines, endless, lifetimes, queries, rows
from outlive.check.flow.elements import item
from outlive.check.flow.frames import Frame, Out
from outlive.check.flow.meeting import prune, prune_raised
from outlive.check.flow.relevance import walk
from outlive.check.flow.state import LOADED, VAGUE, Object, Plain, State, Status
from outlive.check.flow.values import (
    UNKNOWN,
    Const,
    Context,
    Group,
    Load,
    Many,
    MethodValue,
    Query,
    Ref,
    Spot,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


def loop(run: Interpreter, node: ir.For, state: State, frame: Frame, out: Out) -> list[State]:
    iterable = run.value(node.iterable, state, frame)
    if isinstance(iterable, Context):
        return iterate_generator(run, node, iterable, state, frame, out)
    iterable = coroutines.used(run, state, frame, iterable, "__iter__", node.span)
    iterable = queries.iterated(run, iterable, state, frame, node.span)
    if isinstance(iterable, MethodValue) and isinstance(iterable.base, Ref):
        iterable = Group(())  # The collection of a new object, which nothing was put into.
    is_short = isinstance(iterable, Group) and not iterable.names and len(iterable.items) <= 4
    if isinstance(iterable, Group) and is_short and (iterable.items or not _builds_a_query(node, state, frame)):
        return each(run, node, _queries_for_one(iterable.items), state, frame, out)
    element = item(iterable, UNKNOWN)
    some = state.assumed.get((frame.id, node.key)) if node.key else None
    if some is False:
        return run.block(node.orelse, [state], frame, out)
    touched: list[tuple[int, int]] = []
    skipped = state.fork()
    if isinstance(iterable, Many):
        _forget_elements(run, skipped, element)
    if node.key:
        skipped.assumed[frame.id, node.key] = False
        state.assumed[frame.id, node.key] = True
    seen: list[State] = []
    # What is set by names that are looked up cannot be followed name by name: somebody has put them there.
    current, ends = [state], [] if some or _sets_by_name(node.body) else [skipped]
    inner = Out(returns=out.returns, raises=out.raises)
    for _ in range(4):
        current = [s for s in current if not any(s.same(other) for other in seen)]
        if not current:
            break
        seen.extend(s.fork() for s in current)
        after: list[State] = []
        for one in current:
            focused, pairs = focus(run, one, frame, node.span, element)
            touched = pairs
            run.bind(one, frame, node.element, focused)
            before = {oid: one.objects.get(oid) for oid, _ in pairs}
            inner.continues = []
            done = run.block(node.body, [one], frame, inner) + inner.continues
            for end in done:
                widen(run, end, pairs, before)
            after.extend(done)
        current = prune(after)
        ends.extend(left_alone(s, touched) for s in current if s.assumed.get((frame.id, node.last)) is not False)
    if isinstance(element, Unknown) and is_retry(node):
        # Somebody counts, and raises in time: nobody gets past a loop that every success leaves.
        ends = []
    if not some and len(ends) > 1:
        _take_queries(skipped, ends[-1], frame)
    ends = run.block(node.orelse, prune(ends), frame, out)
    return prune(ends + inner.breaks)


def _queries_for_one(items: Sequence[Value]) -> Sequence[Value]:
    """Queries for rows of several kinds: what one of them loads is read of its own rows, told apart later."""
    loaded = {name for each in items if isinstance(each, Query) for name, _ in each.load.rels}
    return [
        replace(each, load=each.load.merged(Load(without=frozenset(n for n in loaded if each.load.get(n) is None))))
        if isinstance(each, Query)
        else each
        for each in items
    ]


def _forget_elements(run: Interpreter, state: State, element: Value) -> None:
    """Without a single round the collection is empty: nothing of it can be read later, nor of what stands behind it."""
    for oid in lifetimes.refs(element):
        every = state.object(oid)
        for one in rows.taken_from(state, every) if every is not None else ():
            obj = state.object(one)
            if obj is None:
                continue  # It stood behind one before it.
            state.objects[one] = lifetimes.vague(replace(obj, life=None))
            for name in obj.entity.relationships:
                children.forget_child(run, state, one, name)


def _builds_a_query(node: ir.For, state: State, frame: Frame) -> bool:
    """Whether a loop goes on with a query from before it: what that lacks, nobody asks for where there is nothing."""
    env = state.envs[frame.id]
    return any(
        isinstance(inner, (ir.Bind, ir.Call)) and isinstance(env.get(inner.target), Query) for inner in node.body
    )


def _sets_by_name(body: Sequence[ir.Statement]) -> bool:
    return any(isinstance(node, ir.Call) and node.base == "setattr" and not node.method for node in walk(body))


def is_retry(node: ir.For) -> bool:
    """``for attempt in range(...): try: ... return ... except ...: ...`` with nothing but ways out in its ``try``."""
    tries = [inner for inner in node.body if isinstance(inner, ir.Try)]
    last = tries[-1] if tries else None
    return last is not None and bool(last.handlers) and not last.orelse and endless.leaves_at_end(last.body)


def _take_queries(skipped: State, walked: State, frame: Frame) -> None:
    """A query that a loop builds further is not blamed for what it lacks where the loop has nothing to do."""
    after = walked.envs[frame.id]
    for name, value in skipped.envs[frame.id].items():
        if isinstance(value, Query) and after.get(name, value) != value:
            skipped.own(frame.id)[name] = after[name]


def each(run: Interpreter, node: ir.For, items: Sequence[Value], state: State, frame: Frame, out: Out) -> list[State]:
    inner = Out(returns=out.returns, raises=out.raises)
    states = [state]
    for value in items:
        for one in states:
            run.bind(one, frame, node.element, value)
        inner.continues = []
        states = prune(run.block(node.body, states, frame, inner) + inner.continues)
    return prune(run.block(node.orelse, states, frame, out) + inner.breaks)


def focus(
    run: Interpreter, state: State, frame: Frame, span: int, element: Value
) -> tuple[Value, list[tuple[int, int]]]:
    """One element of a collection: what happens to it alone does not happen to the others."""
    pairs: list[tuple[int, int]] = []
    return _focused(run, state, Spot(frame.id, span), element, pairs), pairs


def _focused(run: Interpreter, state: State, spot: Spot, value: Value, pairs: list[tuple[int, int]]) -> Value:
    if isinstance(value, Ref) and isinstance(state.objects.get(value.oid), Object):
        focused = run.identity("focus", spot.frame, spot.span, value.oid)
        rows.copy(run, state, value.oid, focused)
        pairs.append((value.oid, focused))
        return Ref(focused)
    if isinstance(value, Group):
        return Group(tuple(_focused(run, state, spot, part, pairs) for part in value.items), value.names)
    return value


def while_(run: Interpreter, node: ir.While, state: State, frame: Frame, out: Out) -> list[State]:
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
        for one in run.block(node.head, current, frame, inner):
            for truth, chosen in conditions.ways(run, node.test, node.key, node.negated, one, frame):
                if truth:
                    inner.continues = []
                    after.extend(run.block(node.body, [chosen], frame, inner) + inner.continues)
                else:
                    ends.append(chosen)
        current = prune(after)
    ends = run.block(node.orelse, prune(ends), frame, out)
    return prune(ends + inner.breaks)


def iterate_generator(
    run: Interpreter, node: ir.For, context: Context, state: State, frame: Frame, out: Out
) -> list[State]:
    def body(one: State, value: Value) -> list[State]:
        if "%exit" in one.envs[frame.id]:
            return [one]
        run.bind(one, frame, node.element, value)
        inner = Out()
        done = run.block(node.body, [one], frame, inner) + inner.continues
        inner.continues = []
        if not handled:
            inner.raises = []
        return _resumed(done, inner, frame, raised)

    raised: list[State] = []
    handled = run.try_depth > 0
    ends, escaped = calls.generate(run, context, state, frame, body, raised)
    if run.try_depth:
        out.raises.extend(escaped)
    inner = Out(returns=out.returns)
    ends = _sorted(ends, frame, inner)
    return prune(run.block(node.orelse, ends, frame, out) + inner.breaks)


def _resumed(done: list[State], inner: Out, frame: Frame, raised: list[State]) -> list[State]:
    """The states with which a generator goes on after its body; other ways out are marked and sorted later."""
    for state, value in inner.returns:
        env = state.own(frame.id)
        env["%exit"], env["%value"] = Const("return"), value
        done.append(state)
    for word, states in (("break", inner.breaks), ("continue", inner.continues)):
        for state in states:
            state.own(frame.id)["%exit"] = Const(word)
            done.append(state)
    raised.extend(prune_raised(inner.raises))
    return prune(done)


def _sorted(ends: list[State], frame: Frame, out: Out) -> list[State]:
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


def widen(
    run: Interpreter, state: State, pairs: list[tuple[int, int]], before: dict[int, Object | Plain | None]
) -> None:
    """What was done to one element of a collection is taken as done to all, where it made them better."""
    for whole, focused in pairs:
        summary, one = state.object(whole), state.object(focused)
        if summary is None or one is None or summary != before[whole]:
            continue
        attributes = {
            name: _better(summary.status(name), one.status(name)) for name in {*summary.attributes, *one.attributes}
        }
        for taken in rows.taken_from(state, summary):
            # A row that was asked for by its key was one of them, too.
            other = state.object(taken)
            if other is not None and taken not in (whole, focused):
                found = [name for name in attributes if attributes[name] == LOADED != other.status(name)]
                state.objects[taken] = replace(other, attributes={**other.attributes, **dict.fromkeys(found, VAGUE)})
        life = one.life if summary.life != one.life and summary.exit is None and one.exit is None else summary.life
        state.objects[whole] = replace(
            summary,
            columns=_better(summary.columns, one.columns),
            attributes=attributes,
            deleted=one.deleted,
            changed=one.changed,
            life=life,
            sid=one.sid if life == one.life else summary.sid,
            empty=summary.empty | one.empty,
        )
        _widen_behind(run, state, whole, focused)


def _widen_behind(run: Interpreter, state: State, whole: int, focused: int) -> None:
    """The same for what stands behind the relationships of an element."""
    summary, one = state.object(whole), state.object(focused)
    for name in one.entity.relationships if one is not None and summary is not None else ():
        behind = run.identity("child", focused, name)
        inner = state.object(behind)
        if inner is None or summary is None or summary.status(name).loss is not None or name in summary.links:
            continue
        for oid in lifetimes.refs(children.child(run, state, whole, name)):
            held = state.object(oid)
            if held is None or held.entity is not inner.entity:
                continue
            names = {*held.attributes, *inner.attributes}
            attributes = {each: _better(held.status(each), inner.status(each)) for each in names}
            state.objects[oid] = replace(held, columns=_better(held.columns, inner.columns), attributes=attributes)
            _widen_behind(run, state, oid, behind)


def left_alone(state: State, pairs: list[tuple[int, int]]) -> State:
    """The state behind a loop: what the last element was detached from, all are."""
    after = state.fork()
    for whole, focused in pairs:
        summary, one = after.object(whole), after.object(focused)
        if summary is not None and one is not None and one.exit is not None and summary.exit is None:
            after.objects[whole] = replace(summary, life=one.life, exit=one.exit, sid=one.sid)
    return after


def _better(left: Status, right: Status) -> Status:
    return right if right == LOADED or right.vague else left
