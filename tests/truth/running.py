"""Runs a generated program on SQLAlchemy, and tells which reads raised and what had brought them there.

A program is run with every value of its parameters, in worlds of several rows.  A ``try`` with a handler is also
entered with a failure before each of its calls, since that is what a handler is there for; in a loop, the first rounds
may pass.

A read that raises is noted and passed over.  Only the first one of a run counts as raising, and only what was done
before it as done, as the program would have ended there; reads that raise behind it are not held against a check that
reports them as well.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import gc
import io
import sys
import traceback
import types
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import event, inspect
from sqlalchemy.orm import InstanceState, Mapper, close_all_sessions
from sqlalchemy.util import greenlet_spawn

import outlive
from outlive import Explanation
from tests.truth import shop
from tests.truth.programs import COLUMNS, MANY, ONE, PARAMETERS, Program

LATE_READ = {"bhk3": "detached", "xd2s": "needs await"}
ATTRIBUTES = {name for table in (COLUMNS, ONE, MANY) for names in table.values() for name in names}
HARMLESS = ("print", "str", "len", "list", "range")
PASSED_OVER = """
try:
    pass
except Exception as error_:
    if not passed_over_(error_):
        raise
"""
NAME = "generated_program"


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of a run.

    Attributes:
        error: SQLAlchemy's code or the exception's name.
        message: The exception's text.
        lines: Lines of the program in the traceback, outermost first.
        read: Variable and attribute, where the line reads attributes of a variable.
        lost_at: Line after which the attribute had no value any more; ``None`` if it never had one.
        erased_at: Lines after which it was expired since, which it may have been without a value.
        detached_at: Line after which the object was detached; ``None`` too where its session was collected.
        explanation: What the recorder says of it, where one was on.
    """

    error: str
    message: str
    lines: tuple[int, ...]
    read: tuple[str, str] | None = None
    lost_at: int | None = None
    erased_at: tuple[int, ...] = ()
    detached_at: int | None = None
    explanation: Explanation | None = None

    @property
    def is_late_read(self) -> bool:
        return self.error in LATE_READ


@dataclass(frozen=True, slots=True)
class Way:
    """What a run is given.

    Attributes:
        world: Which of the shop's ``WORLDS``.
        broken: A line before which failures are put, and how often it is passed before they come.
    """

    world: int
    arguments: tuple[tuple[str, bool | int], ...]
    broken: tuple[int, int] | None = None

    def __str__(self) -> str:
        told = f"({', '.join(f'{name}={value}' for name, value in self.arguments)}) in world {self.world}"
        return told if self.broken is None else f"{told}, failures before line {self.broken[0]} after {self.broken[1]}"


@dataclass(frozen=True, slots=True)
class Run:
    """What became of one run.

    Attributes:
        steps: Lines in the order in which they were come to, up to the first late read.
        passed: Lines that were run to their end, before the first late read; not those that read the elements of an
            empty collection.
        lucky: Lines that read what was not loaded, without SQL: the identity map happened to hold it, or the row that
            was loaded has no foreign key.
        failures: In order; after a late read the run went on, any other error ended it.
    """

    way: Way
    steps: tuple[int, ...]
    passed: frozenset[int]
    lucky: frozenset[int]
    failures: tuple[Failure, ...]


def run_program(program: Program, *, watched: bool = False) -> list[Run]:
    """Every way through a program; with the recorder on if it is ``watched``."""
    with outlive.watch() if watched else contextlib.nullcontext():
        return _run_all(program, is_watched=watched)


def _run_all(program: Program, *, is_watched: bool) -> list[Run]:
    tree = ast.parse(program.text)
    breakable = sorted(set(_guarded_lines(tree)))
    reads, collections = _reads(tree), _collections(tree)
    code = compile(_Watched().visit(tree), f"{NAME}.py", "exec")
    runs: list[Run] = []
    for world, *values in product(range(len(shop.WORLDS)), *(PARAMETERS[name] for name in program.parameters)):
        way = Way(world, tuple(zip(program.parameters, values, strict=True)))
        run, visits = _run(program, code, _Watch(program, reads, collections, way.broken, is_watched), way)
        runs.append(run)
        for broken in [(line, n) for line in breakable for n in range(visits[line])]:
            watch = _Watch(program, reads, collections, broken, is_watched)
            runs.append(_run(program, code, watch, replace(way, broken=broken))[0])
    return runs


Reads = dict[int, list[tuple[str, str]]]
"""The attributes of variables that a line reads: ``{7: [("author", "books")]}``."""


def _reads(tree: ast.AST) -> Reads:
    found: Reads = {}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attribute, ctx=ast.Load()):
                if attribute in ATTRIBUTES and name not in COLUMNS:
                    found.setdefault(node.lineno, []).append((name, attribute))
    return found


def _collections(tree: ast.AST) -> dict[int, list[str]]:
    """The variables of whose elements a line reads an attribute: ``print([each.id for each in authors])``."""
    found: dict[int, list[str]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.comprehension(iter=ast.Name(id=name, lineno=line)):
                found.setdefault(line, []).append(name)
            case ast.Subscript(value=ast.Name(id=name), lineno=line):
                found.setdefault(line, []).append(name)
    return found


def _run(program: Program, code: types.CodeType, watch: _Watch, way: Way) -> tuple[Run, Counter[int]]:
    """A run, and how often each line was come to."""
    module = types.ModuleType(NAME)
    module.__dict__.update(before_=watch.before, head_=watch.look, after_=watch.after, passed_over_=watch.passes_over)
    sys.modules[NAME] = module
    event.listen(Mapper, "expire", watch.expired, raw=True)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # SQLAlchemy's advice about odd programs, coroutines that nobody awaited
        try:
            exec(code, module.__dict__)
            if program.is_async:
                asyncio.run(_call_async(module, way))
            else:
                _call(module, way)
        except Exception as error:
            watch.failures.append(watch.failure(error))
            _let_go(error)
        event.remove(Mapper, "expire", watch.expired)
        module.__dict__.clear()
        watch.history = None
        gc.collect(0)
    passed, lucky = frozenset(watch.passed), frozenset(watch.lucky)
    return Run(way, tuple(watch.steps), passed, lucky, tuple(watch.failures)), watch.visits


def _let_go(error: BaseException | None) -> None:
    """Free what the frames of an error hold, so that only the program decides what the identity map keeps."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def _call(module: types.ModuleType, way: Way) -> None:
    shop.start_anew(way.world)
    try:
        module.main(**dict(way.arguments))
    finally:
        close_all_sessions()


async def _call_async(module: types.ModuleType, way: Way) -> None:
    await shop.start_anew_async(way.world)
    try:
        await module.main(**dict(way.arguments))
    finally:
        await greenlet_spawn(close_all_sessions)
        await shop.async_engine.dispose()


@dataclass(slots=True)
class _Life:
    """What was seen of one object; of one that came detached nobody knows where it was detached."""

    loaded: set[str] = field(default_factory=set[str])
    lost_at: dict[str, int] = field(default_factory=dict[str, int])
    erased: set[str] = field(default_factory=set[str])
    erased_at: dict[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    detached_at: int | None = None
    was_made: bool = False
    came_detached: bool = False


class _Watch:
    """Looks at the objects that a program has names for, before and after each statement; reads no attribute."""

    def __init__(
        self,
        program: Program,
        reads: Reads,
        collections: dict[int, list[str]],
        broken: tuple[int, int] | None,
        is_recorded: bool,
    ) -> None:
        self.is_async = program.is_async
        self.text = program.text
        self.is_recorded = is_recorded
        self.reads = reads
        self.collections = collections
        self.broken = broken
        self.visits = Counter[int]()
        self.steps: list[int] = []
        self.passed: set[int] = set()
        self.lucky: set[int] = set()
        self.unloaded: dict[int, list[tuple[Any, str]]] = {}
        self.history: WeakKeyDictionary[object, _Life] | None = WeakKeyDictionary()
        self.names: dict[str, Any] = {}
        self.failures: list[Failure] = []

    def before(self, line: int, names: dict[str, Any]) -> None:
        self.names = names
        self.visits[line] += 1
        if not self.failures:
            self.steps.append(line)
        if self.broken is not None and line == self.broken[0] and self.visits[line] > self.broken[1]:
            raise ValueError("a failure put here")
        for name, attribute in self.reads.get(line, ()):
            state = inspect(names.get(name), raiseerr=False)
            if self.is_async and state is not None and state.persistent and attribute not in state.dict:
                self.unloaded.setdefault(line, []).append((names[name], attribute))

    def after(self, line: int, names: dict[str, Any]) -> None:
        self.names = {}
        if not self.failures and all(names.get(name) for name in self.collections.get(line, ())):
            self.passed.add(line)
        for obj, attribute in self.unloaded.pop(line, ()):
            was_made = self.history is not None and self.history[obj].was_made
            if not was_made or inspect(obj).dict.get(attribute) is not None:
                self.lucky |= set(_own_lines(traceback.walk_stack(None)))
        self.look(line, names)

    def look(self, line: int, names: dict[str, Any]) -> None:
        """Notice what has become of the objects at a line."""
        assert self.history is not None
        for obj in {*self.history, *_objects(names)}:
            state = inspect(obj)
            if obj not in self.history:
                self.history[obj] = _Life(was_made=not state.has_identity, came_detached=state.detached)
            life = self.history[obj]
            now = set(state.dict)
            life.lost_at.update(dict.fromkeys(life.loaded - now, line))
            for name in now:
                life.lost_at.pop(name, None)
                life.erased_at.pop(name, None)
            life.loaded = now
            for name in life.erased - now:
                life.erased_at[name] = (*life.erased_at.get(name, ()), line)
            life.erased.clear()
            if not state.detached:
                life.detached_at, life.came_detached = None, False
            elif life.detached_at is None and not life.came_detached and state.session_id is None:
                life.detached_at = line

    def expired(self, state: InstanceState[Any], names: Iterable[str] | None) -> None:
        obj = state.obj()
        if obj is not None and self.history is not None and obj in self.history:
            self.history[obj].erased |= set(state.mapper.attrs.keys() if names is None else names)

    def passes_over(self, error: Exception) -> bool:
        failure = self.failure(error)
        self.unloaded.clear()
        if failure.is_late_read:
            # A read that fails in the middle of a flush has rolled back.
            self.look(failure.lines[-1], self.names)
            self.failures.append(failure)
            _let_go(error)
        return failure.is_late_read

    def failure(self, error: Exception) -> Failure:
        code = getattr(error, "code", None) or type(error).__name__
        outer = reversed(_own_lines(traceback.walk_stack(None)))
        lines = tuple(dict.fromkeys([*outer, *_own_lines(traceback.walk_tb(error.__traceback__))]))
        failure = Failure(code, str(error).partition("\n")[0], lines)
        if code in LATE_READ and lines:
            asked = _expression(error, self.text)
            for name, attribute in self.reads.get(lines[-1], ()):
                obj = self.names.get(name)
                state = inspect(obj, raiseerr=False)
                if asked.startswith(f"{name}.{attribute}."):
                    continue  # It was read; a flush that failed with what was asked of it has expired it since.
                if state is not None and attribute not in state.dict and self.history is not None:
                    life = self.history.get(obj, _Life())
                    return replace(
                        failure,
                        read=(name, attribute),
                        lost_at=life.lost_at.get(attribute),
                        erased_at=life.erased_at.get(attribute, ()),
                        detached_at=life.detached_at,
                        explanation=outlive.explain(error) if self.is_recorded else None,
                    )
        return failure


def _expression(error: BaseException, text: str) -> str:
    """What was evaluated in the innermost line of the program when the error was raised."""
    own = [step for step in traceback.extract_tb(error.__traceback__) if step.filename == f"{NAME}.py"]
    if not own or own[-1].lineno is None:
        return ""
    return text.splitlines()[own[-1].lineno - 1][own[-1].colno : own[-1].end_colno]


def _own_lines(frames: Iterable[tuple[types.FrameType, int]]) -> list[int]:
    return [number for frame, number in frames if frame.f_code.co_filename == f"{NAME}.py"]


def _objects(names: dict[str, Any]) -> Iterator[Any]:
    for value in names.values():
        for one in value if isinstance(value, list) else (value,):
            if isinstance(one, shop.Base):
                yield one


def _guarded_lines(tree: ast.AST) -> Iterator[int]:
    """Statements in a ``try`` that has a handler, and that call something which can fail; its first one if none do."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and node.handlers:
            calls = [inner for statement in node.body for inner in ast.walk(statement) if isinstance(inner, ast.Call)]
            lines = [call.lineno for call in calls if ast.unparse(call.func) not in HARMLESS]
            yield from lines or [node.body[0].lineno]


class _Watched(ast.NodeTransformer):
    """Puts a look before and after each statement of a function."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._block(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._block(node)

    def _block(self, node: ast.AST) -> ast.AST:
        for name, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                setattr(node, name, [made for statement in value for made in self._watched(statement)])
            elif name == "handlers":
                for handler in value:
                    self._block(handler)
        return node

    def _watched(self, node: ast.stmt) -> Iterator[ast.stmt]:
        yield _look("before_", node)
        after = _look("after_", node)
        self._block(node)
        if isinstance(node, ast.With | ast.AsyncWith | ast.For | ast.AsyncFor | ast.If | ast.While):
            # What its head does, a flush for example, is not the doing of the line below.
            node.body.insert(0, _look("head_", node))
        if isinstance(node, ast.With | ast.AsyncWith):
            # Also where the block is left by `return`: the session closes here.
            yield ast.copy_location(ast.Try(body=[node], handlers=[], orelse=[], finalbody=[after]), node)
        elif isinstance(node, ast.Return) and node.value is not None:
            # What it calls may flush: that is its doing, not that of the line that has called.
            found = _at("returned_ = None", node)
            assert isinstance(found, ast.Assign)
            found.value = node.value
            yield from (found, _look("head_", node), _at("return returned_", node))
        elif isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue):
            yield node
        elif _only_reads(node):
            passed_over = ast.parse(PASSED_OVER).body[0]
            assert isinstance(passed_over, ast.Try)
            passed_over.body, passed_over.orelse = [node], [after]
            yield ast.copy_location(passed_over, node)
        else:
            yield node
            yield after


def _only_reads(node: ast.stmt) -> bool:
    """Nothing behind the statement needs what it does: ``print(...)``, ``seen = ...``, ``book.price += 1``."""
    binds = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) != "seen"
    waits = any(isinstance(inner, ast.Await) for inner in ast.walk(node))
    return isinstance(node, ast.Expr | ast.Assign | ast.AugAssign) and not binds and not waits


def _look(name: str, at: ast.stmt) -> ast.stmt:
    return _at(f"{name}({at.lineno}, locals())", at)


def _at(text: str, at: ast.stmt) -> ast.stmt:
    """A statement that stands where another one does."""
    made = ast.parse(text).body[0]  # Parsing minds no `return` outside of a function.
    for node in ast.walk(made):
        ast.copy_location(node, at)
    return made
