"""Calls of what comes from outside the program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outlive.check import ir
from outlive.check.flow import (
    applications,
    background,
    calls,
    classes,
    coroutines,
    dumps,
    factories,
    generators,
    lifetimes,
    listeners,
    loading,
    managers,
    queries,
    raising,
    reads,
    rendering,
    requests,
    schemas,
    sessions,
    sharing,
    stacks,
    stores,
    streams,
)
from outlive.check.flow.arguments import Given
from outlive.check.flow.elements import EMPTY, item
from outlive.check.flow.frames import Pairs
from outlive.check.flow.state import LOADED
from outlive.check.flow.values import (
    EVERY,
    NONE,
    SOMETHING,
    UNKNOWN,
    Block,
    Const,
    Context,
    Factory,
    FunctionValue,
    Group,
    Load,
    Many,
    MethodValue,
    Option,
    Query,
    Ref,
    SessionRef,
    Spot,
    Unknown,
    Value,
)
from outlive.check.program import External

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


_CONTAINERS = frozenset({"Counter", "OrderedDict", "defaultdict", "deque"})
_NESTED = [[External(f"builtins.{name}")] for name in ("dict", "list", "set")]
_SAME_ELEMENTS = frozenset({"list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "filter"})
_ONE_ELEMENT = frozenset({"next", "min", "max"})
_WRAPPING = frozenset({"contextlib", "functools"})
_SHOWN = frozenset({"str", "repr", "print", "format"})


def library_call(run: Interpreter, node: ir.Call, given: Given, function: External) -> Pairs:
    state, frame = given.state, given.frame
    if run.passed_on is not None and function == requests.NEXT:
        run.passed_on.append(state)
        return []
    spot = Spot(frame.id, node.span)
    name = function.sqlalchemy
    if name in factories.SESSIONS:
        expires = factories.flag(given, "expire_on_commit", None if given.starred else True)
        fixable = given.keyword("expire_on_commit") is None and not given.starred
        made = Factory(
            factories.SESSIONS[name],
            expires,
            factories.exact_name(function),
            spot,
            fixable,
            autoflush=factories.flag(given, "autoflush", True) is not False,
            final=factories.flag(given, "close_resets_only", True) is False,
        )
        return [(state, sessions.open_session(run, state, frame, made, node.span))]
    if name in factories.FACTORIES:
        return [(state, factories.made(run, given, function, spot))]
    if name in factories.SCOPED:
        inner = given.args[0] if given.args else given.keyword("session_factory")
        if isinstance(inner, Factory):
            return [(state, replace(inner, scoped=True, name=""))]
        return [(state, UNKNOWN)]
    if name == "SQLAlchemy":
        return [(state, External(f"{function.dotted}()") if factories.makes_usual_sessions(given) else UNKNOWN)]
    if name == "select":
        return [(state, Query(tuple(given.args), Load(), spot, key=EVERY))]
    if name in ("update", "insert", "delete"):
        return [(state, Query(tuple(given.args[:1]), Load(), spot, kind="change", deletes=name == "delete"))]
    if name == "text":
        said = next((value for value in given.args if isinstance(value, Const)), Const(""))
        return [(state, Query((said,), Load(), spot, kind="change"))]
    if name in loading.OPTIONS:
        return [(state, loading.option(name, given.args))]
    if name in ("and_", "or_", "not_"):
        return [(state, Group(tuple(given.args)))]
    if name == "Load":
        return [(state, Option(Load()))]
    if name in ("object_session", "async_object_session"):
        return [(state, sessions.session_of(state, given.args[0] if given.args else UNKNOWN, inner=name[0] == "o"))]
    if name in ("listen", "listens_for"):
        listeners.add(run, node, given, function)
        return [(state, UNKNOWN)]
    if name == "set_committed_value" and len(given.args) == 3:
        _set_committed(given)
        return [(state, UNKNOWN)]
    if name == "inspect":
        _look_through(given)  # Who asks what is loaded reads accordingly.
    if name in ("make_transient", "make_transient_to_detached"):
        for oid in lifetimes.refs(given.args[0] if given.args else UNKNOWN):
            held = state.object(oid)
            if held is not None:
                state.objects[oid] = lifetimes.vague(replace(held, life=None))
    if ".func." in function.dotted:
        return [(state, External(f"{function.dotted}()"))]
    if name:
        return [(state, UNKNOWN)]
    return _other_library(run, node, given, function)


def _of_all(values: Sequence[Value], how: str) -> Value:
    """``any(values)``, ``all(values)``"""
    found = {bool(value.value) if isinstance(value, Const) else None for value in values}
    decisive = how == "any"
    if decisive in found:
        return Const(decisive)
    return UNKNOWN if None in found else Const(not decisive)


def _look_through(given: Given) -> None:
    """What an object has lost may be there again, or be known to be missing."""
    for oid in lifetimes.refs(given.args[0] if given.args else UNKNOWN):
        held = given.state.object(oid)
        if held is not None:
            given.state.objects[oid] = lifetimes.relieved(held)


def _set_committed(given: Given) -> None:
    target, name, value = given.args
    if isinstance(target, Ref) and isinstance(name, Const) and isinstance(name.value, str):
        obj = given.state.object(target.oid)
        if obj is not None:
            obj = obj.with_status(name.value, LOADED)
            given.state.objects[target.oid] = replace(obj, links={**obj.links, name.value: value})


def _other_library(run: Interpreter, node: ir.Call, given: Given, function: External) -> Pairs:
    state, frame = given.state, given.frame
    last, library = function.last, function.library
    noreturn = run.knowledge.noreturns.get(function.dotted)
    if noreturn is not None:
        return raising.leave(run, noreturn, state, given.out)
    known = run.knowledge.handovers.get(function.dotted)
    if known is not None:
        return background.hand_over(run, node, given, known, function)
    if function.dotted in run.knowledge.streams:
        return streams.made(run, node, given, function)
    store = run.knowledge.puts.get(function.dotted)
    if store is not None:
        stores.put(run, given, store, function, Spot(frame.id, node.span))
        return [(state, UNKNOWN)]
    if function.dotted in run.knowledge.takes:
        return [(state, stores.taken(run, given, function))]
    if function.dotted in run.knowledge.dumps and given.args:
        return [(state, stores.pickled(run, state, given.args[0], Spot(frame.id, node.span)))]
    if function.dotted in run.knowledge.loads and given.args:
        return [(state, given.args[0])]
    if function.dotted in run.knowledge.shelves:
        return [(state, Many(UNKNOWN))]
    template = run.knowledge.templates.get(function.dotted)
    if template is not None:
        return rendering.rendered(run, node, given, template)
    if function.dotted in run.knowledge.gives_template:
        return [(state, MethodValue(given.args[0] if given.args else UNKNOWN, last))]
    if function.dotted in run.knowledge.wrappers and given.args:
        return [(state, given.args[0])]
    if function.dotted in run.knowledge.receivers or function.dotted in run.knowledge.leavers:
        return [(state, External(f"{function.dotted}()"))]
    if last.endswith(("Error", "Exception")):
        return [(state, SOMETHING)]
    first = given.args[0] if given.args else UNKNOWN
    if library == "builtins":
        if last in _SHOWN:
            states = [state]
            names = ("__repr__",) if last == "repr" else ("__str__", "__repr__")
            for value in given.args:
                states = [after for one in states for after in reads.shown(run, one, frame, value, node.span, names)]
            return [(one, SOMETHING if SOMETHING in given.args else UNKNOWN) for one in states]
        if last in EMPTY and not given.args and not given.keywords and not given.starred:
            return [(state, EMPTY[last])]
        if last in _SAME_ELEMENTS:
            value = given.args[-1] if last == "filter" and given.args else first
            value = queries.iterated(run, value, state, frame, node.span)
            return [(state, Many(item(value, UNKNOWN)) if not isinstance(value, Unknown) else value)]
        if last in ("next", "anext") and isinstance(first, Context):
            return generators.first(run, node, given, first)
        if last in _ONE_ELEMENT:
            return [(state, item(queries.iterated(run, first, state, frame, node.span), UNKNOWN))]
        if last in ("enumerate", "zip"):
            parts = [item(queries.iterated(run, v, state, frame, node.span), UNKNOWN) for v in given.args]
            return [(state, Many(Group((UNKNOWN, *parts) if last == "enumerate" else tuple(parts))))]
        if last in ("getattr", "hasattr") and len(given.args) >= 2:
            name = given.args[1]
            if isinstance(name, Const) and isinstance(name.value, str):
                default = given.args[2] if len(given.args) > 2 else UNKNOWN
                if isinstance(default, Const) and reads.lacks(run, state, first, name.value):
                    return [(state, default)]
                guard = ["AttributeError"] if last == "hasattr" or len(given.args) > 2 else []
                frame.caught.extend(guard)
                pairs = reads.read(run, state, frame, first, name.value, node.span, False)
                del frame.caught[len(frame.caught) - len(guard) :]
                return pairs if last == "getattr" else [(one, UNKNOWN) for one, _ in pairs]
            _look_through(given)  # Any attribute may have been read, so that it is loaded.
        if last == "setattr" and len(given.args) == 3:
            name = given.args[1]
            if isinstance(name, Const) and isinstance(name.value, str):
                reads.store(run, state, frame, first, name.value, given.args[2], node.span)
            else:
                _look_through(given)  # Any attribute may have been given a value.
                reads.store_somewhere(state, first, Spot(frame.id, node.span))
            return [(state, NONE)]
        if last in ("any", "all") and isinstance(first, Group):
            return [(state, _of_all(first.items, last))]
        if last == "isinstance" and len(given.args) == 2:
            return [(state, classes.is_instance(run, state, *given.args))]
        if last == "super":
            return [(state, classes.super_of(run, given))]
        if last == "map" and len(given.args) == 2:
            element = item(queries.iterated(run, given.args[1], state, frame, node.span), UNKNOWN)
            return [(one, Many(v)) for one, v in calls.apply(run, first, [element], [], given, node.span)]
        return [(state, UNKNOWN)]
    if library == "collections" and last in _CONTAINERS:
        # `defaultdict(list)` has collections in it, which are filled where they are looked up.
        return [(state, Many(Many(UNKNOWN) if last == "defaultdict" and given.args[:1] in _NESTED else UNKNOWN))]
    if last in ("run", "run_until_complete", "wait_for", "shield", "cast", "ensure_future") and given.args:
        value = given.args[1] if last == "cast" and len(given.args) > 1 else first
        return [(state, coroutines.awaited(value) if last.startswith("run") else value)]
    if last == "gather":
        sharing.gathered(run, state, frame, given.args, [run.value(value, state, frame) for _, value in node.unpacked])
        return [(state, Group(tuple(coroutines.awaited(value) for value in given.args)))]
    if last == "TypeAdapter" and library == "pydantic":
        return [(state, MethodValue(first, last))]
    if last == "convert" and library == "msgspec" and given.keyword("from_attributes") == Const(True):
        return schemas.converted(run, given, first, given.argument(1, "type") or UNKNOWN, node.span)
    if last == "jsonable_encoder" and library == "fastapi":
        dumps.dumped(run, state, first, Spot(frame.id, node.span), last)
        return [(state, UNKNOWN)]
    lender = run.knowledge.lenders.get(function.dotted)
    if lender is not None:
        made = Factory(lender.asynchronous, lender.expires, "")
        opened = sessions.open_session(run, state, frame, made, node.span)
        return [(state, Block(opened.sid, "factory" if lender.commits else "closing"))]
    if last in ("ExitStack", "AsyncExitStack") and library == "contextlib":
        return [(state, stacks.made(run, state, frame, node.span))]
    if last in ("closing", "aclosing") and isinstance(first, SessionRef):
        return [(state, Block(first.sid, "closing"))]
    if last in ("contextmanager", "asynccontextmanager", "lru_cache", "cache") and library in _WRAPPING:
        return [(state, first if isinstance(first, FunctionValue) else UNKNOWN)]
    if last == "suppress":
        return [(state, Group(tuple(given.args), (last,)))]
    if last == "raises" and library == "pytest" and len(given.args) == 1:
        return [(state, Group(tuple(given.args), managers.EXPECTING))]
    if last == "nullcontext":
        return [(state, Group((first,), (last,)))]
    if last == "partial" and isinstance(first, FunctionValue) and not given.starred:
        return [(state, first.partial(tuple(given.args[1:]), dict(given.keywords)))]
    if last == "partial" and isinstance(first, MethodValue) and len(given.args) == 1:
        return [(state, first)]
    return [(state, applications.made(function) or UNKNOWN)]
