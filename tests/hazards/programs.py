"""Runs small programs over the bookshop and tells what became of them."""

from __future__ import annotations

import ast
import asyncio
import gc
import inspect
import sys
import traceback
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from sqlalchemy.exc import IllegalStateChangeError

BOOKSHOP = Path(__file__).parents[1].joinpath("bookshop.py").read_text()
"""Stands before every example, as if the reader had typed it in."""

OFFSET = BOOKSHOP.count("\n")
"""How many lines the bookshop adds before line 1 of the example."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one run.

    Attributes:
        call: The case that was called, as a person would write it; empty for the program itself.
        error: SQLAlchemy's code or the exception's name; ``None`` when it ran to its end.
        message: The exception's text.
        lines: Lines of the example in the traceback, 1-based without the bookshop.
        seen: Marked lines that were reached.
    """

    call: str
    error: str | None
    message: str
    lines: frozenset[int]
    seen: frozenset[int]


def run_program(text: str) -> Outcome:
    """Run a whole example once."""
    return run(text)


def run_cases(text: str, marked: frozenset[int], *, bookshop: str = BOOKSHOP) -> Iterator[Outcome]:
    """Call every case of an edge-case file, each in a fresh program, with both values of each flag.

    A case is a function at module level whose name has no leading underscore.  Its parameters are flags, or named
    ``session``: then it gets one of a factory that the file does not show, which keeps its objects at commit.
    """
    for function in ast.parse(text).body:
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and not function.name.startswith("_"):
            names = [argument.arg for argument in function.args.args]
            flags = [name for name in names if name != "session"]
            for values in product([False, True], repeat=len(flags)):
                arguments = dict(zip(flags, values, strict=True))
                case = Case(function.name, arguments, needs_session="session" in names)
                yield run(text, marked, case, bookshop=bookshop)


@dataclass(frozen=True, slots=True)
class Case:
    """A function of the example, and what to call it with."""

    name: str
    flags: dict[str, bool]
    needs_session: bool

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value}' for name, value in self.flags.items())})"

    def call(self, module: types.ModuleType) -> None:
        function = getattr(module, self.name)
        if inspect.iscoroutinefunction(function):
            asyncio.run(self.call_async(function, module))
        elif self.needs_session:
            with module.Session(module.engine, expire_on_commit=False) as session:
                function(session=session, **self.flags)
        else:
            function(**self.flags)

    async def call_async(self, function: Callable[..., object], module: types.ModuleType) -> None:
        if self.needs_session:
            async with module.AsyncSession(module.async_engine, expire_on_commit=False) as session:
                await function(session=session, **self.flags)
        else:
            await function(**self.flags)


def run(
    text: str, marked: frozenset[int] = frozenset(), case: Case | None = None, *, bookshop: str = BOOKSHOP
) -> Outcome:
    """Run the bookshop and the example in a module of their own, then the case, and close the databases."""
    offset = bookshop.count("\n")
    seen: set[int] = set()
    error, message, lines = None, "", set[int]()
    with module_named("example") as module, without_shared_tasks():
        setattr(module, Reporting.NAME, seen.add)
        try:
            tree = Reporting({line + offset for line in marked}).visit(ast.parse(bookshop + text))
            exec(compile(tree, "example.py", "exec"), module.__dict__)
            if case:
                case.call(module)
        except Exception as exc:  # whatever the example raises is the answer
            error, message = name_of(exc), str(exc)
            frames = traceback.extract_tb(exc.__traceback__)
            lines = {frame.lineno for frame in frames if frame.filename == "example.py" and frame.lineno}
    return Outcome(str(case or ""), error, message, below(offset, lines), below(offset, seen))


@contextmanager
def without_shared_tasks() -> Iterator[None]:
    """Leave no task behind: Celery gives those of a program to all applications of the process, also later ones."""
    yield
    if state := sys.modules.get("celery._state"):
        shared = state._on_app_finalizers
        shared -= {task for task in shared if task.__module__ != "celery.app.builtins"}


def name_of(exc: BaseException) -> str:
    """SQLAlchemy's code of an error, or the exception's name where it has none."""
    # Not the type: with 2.1, aiosqlite and psycopg wrap MissingGreenlet in a StatementError of the same code.
    code: str | None = getattr(exc, "code", None)
    if code is None and isinstance(exc, IllegalStateChangeError):
        return "isce"  # It has none up to SQLAlchemy 2.0.16 at least.
    return code or type(exc).__name__


def below(offset: int, lines: set[int]) -> frozenset[int]:
    return frozenset(line - offset for line in lines if line > offset)


class Reporting:
    """Puts a report before each statement that covers a marked line most closely.

    A trace function would not do: it does not follow into the greenlets of ``run_sync``.
    """

    NAME = "_seen_"

    def __init__(self, marked: set[int]) -> None:
        self.marked = marked

    def visit(self, node: ast.AST) -> ast.AST:
        for field, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                setattr(node, field, [line for statement in value for line in self.reported(statement)])
            elif isinstance(value, list):
                for child in value:
                    if isinstance(child, ast.ExceptHandler | ast.match_case):
                        self.visit(child)
        return node

    def reported(self, statement: ast.stmt) -> Iterator[ast.stmt]:
        own = self.lines_of(statement)
        if not own:
            yield statement
            return
        inner = {
            line
            for child in ast.walk(statement)
            if child is not statement and isinstance(child, ast.stmt)
            for line in self.lines_of(child)
        }
        for line in sorted(own - inner):
            report = ast.parse(f"{self.NAME}({line})").body[0]
            for node in ast.walk(report):
                ast.copy_location(node, statement)
            yield report
        self.visit(statement)
        yield statement

    def lines_of(self, statement: ast.stmt) -> set[int]:
        return self.marked & set(range(statement.lineno, (statement.end_lineno or statement.lineno) + 1))


@contextmanager
def module_named(name: str) -> Iterator[types.ModuleType]:
    """An empty module where SQLAlchemy finds what annotations name; its engines are closed at the end."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    gc.freeze()  # what was there before is not looked through again and again
    gc.disable()  # a coroutine that is dropped anywhere warns, which fails within a named tuple: it has no builtins
    with warnings.catch_warnings():
        # A lazy load in async code drops the coroutine that it could not await.
        warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
        warnings.filterwarnings("ignore", "Using `httpx` with `starlette.testclient` is deprecated")
        # Litestar wants to have them marked; programs do both.
        warnings.filterwarnings("ignore", ".*Inferred dependency field")
        # What tasks that share a session do to it besides.
        warnings.filterwarnings("ignore", "Attribute history events accumulated")
        warnings.filterwarnings("ignore", "The garbage collector is trying to clean up")
        # Drivers of async engines have threads of their own.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded, use of fork", DeprecationWarning)
        # Celery gives a shared task to all applications there are, also to those of earlier runs.
        warnings.filterwarnings("ignore", "Task name .* is already registered")
        try:
            yield module
        finally:
            del sys.modules[name]
            engine, async_engine = module.__dict__.get("engine"), module.__dict__.get("async_engine")
            module.__dict__.clear()
            gc.collect()  # sessions that the program left open give their connections back
            if engine:
                engine.dispose()
            if async_engine:
                asyncio.run(async_engine.dispose())
            gc.collect()
            gc.enable()
            gc.unfreeze()
