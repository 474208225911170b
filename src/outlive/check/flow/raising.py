"""What a ``raise`` of the program raises, and which handler catches that."""

from __future__ import annotations

import builtins
import sys
from typing import TYPE_CHECKING

from outlive.check import ir
from outlive.check.flow import lifetimes
from outlive.check.flow.frames import Frame, Out, Pairs
from outlive.check.flow.meeting import note_raise
from outlive.check.flow.state import State
from outlive.check.flow.values import UNKNOWN, ClassValue, SessionRef, Spot, Value
from outlive.check.knowledge import NoReturn
from outlive.check.program import ClassSymbol, External, Module, ModuleSymbol

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_BROAD = frozenset({"Exception", "BaseException"})
_CANCELLED = frozenset({"asyncio.CancelledError", "asyncio.exceptions.CancelledError"})
"""Derives from ``BaseException``.  Source: CPython 3.8 and later."""

FAILED_FLUSH = External("sqlalchemy.exc.SQLAlchemyError")
"""What a flush raises: this, or what derives from it."""

_OF_FLUSHES = frozenset({"DBAPIError", "DatabaseError", "IntegrityError", "StatementError"})
"""What it nearly always is: who catches one of these has caught it."""


def kind_of(run: Interpreter, module: Module, name: str) -> Value:
    """The class that a name stands for; unknown where it is no class, or one that a function has by itself."""
    symbol = run.program.resolve(module, name) if name else None
    if isinstance(symbol, ClassSymbol):
        return ClassValue(symbol)
    if isinstance(symbol, External):
        return symbol
    return External(f"builtins.{name}") if symbol is None and _builtin(name) is not None else UNKNOWN


def note(run: Interpreter, node: ir.Call, state: State, frame: Frame, out: Out) -> None:
    """A call may raise: one that flushes leaves the session in a state of its own then."""
    base = run.value(node.base, state, frame)
    if isinstance(base, (External, ModuleSymbol)) and _never_returns(run, node, base):
        return
    note_raise(out, state)
    if node.method not in ("commit", "flush"):
        return
    if not isinstance(base, SessionRef) or lifetimes.is_clean(state, base.sid) or state.sessions[base.sid].savepoints:
        return
    failed = state.fork()
    lifetimes.fail(failed, base.sid, Spot(frame.id, node.span))
    failed.raised = FAILED_FLUSH
    out.raises.append(failed)


def _never_returns(run: Interpreter, node: ir.Call, base: External | ModuleSymbol) -> bool:
    """Whether it is known of a call what it raises, and that it does."""
    called = run.program.member(base, node.method) if node.method else base
    return isinstance(called, External) and called.dotted in run.knowledge.noreturns


def leave(run: Interpreter, known: NoReturn, state: State, out: Out | None) -> Pairs:
    """A call that never returns."""
    if out is not None and run.try_depth and known.raises != "nothing":
        state.raised = _named(known.raises)
        out.raises.append(state)
    return []


def _named(dotted: str) -> Value:
    """The class of an exception that knowledge of libraries names."""
    return UNKNOWN if not dotted else External(dotted if "." in dotted else f"builtins.{dotted}")


def no_attribute(run: Interpreter, state: State, out: Out) -> list[State]:
    """``None`` has no such attribute: nobody gets past that."""
    if run.try_depth:
        state.raised = External("builtins.AttributeError")
        out.raises.append(state)
    return []


def catches(run: Interpreter, frame: Frame, handler: ir.Handler, kind: Value | None) -> bool | None:
    """Whether a handler catches exceptions of a kind; ``None`` where that cannot be known."""
    if handler.types and all(name.endswith("NoInspectionAvailable") for name in handler.types):
        return False  # Of what is not mapped: no object that matters comes there.
    if not isinstance(kind, (ClassValue, External)):
        return None
    answers = [_is_a(run, kind, kind_of(run, frame.module, name)) for name in handler.types] or [True]
    return True if True in answers else None if None in answers else False


def _is_a(run: Interpreter, kind: ClassValue | External, other: Value) -> bool | None:
    """Whether a class is another, or derives from it."""
    if kind == other:
        return True
    if isinstance(kind, External):
        # A library does not know the program.
        return _of_libraries(kind, other) if isinstance(other, External) else False if other != UNKNOWN else None
    inside, _, _ = run.program.lineage(kind.symbol)
    if isinstance(other, ClassValue) and other.symbol in inside:
        return True
    bases = [kind_of(run, each.module, base.head) for each in inside for base in each.facts.bases]
    outside = [base for base in bases if not isinstance(base, ClassValue)]
    answers = [_is_a(run, base, other) if isinstance(base, External) else None for base in outside]
    return True if True in answers else None if None in answers or not answers else False


def _of_libraries(kind: External, other: External) -> bool | None:
    mine, theirs = _builtin(kind.dotted), _builtin(other.dotted)
    if mine is not None and theirs is not None:
        return issubclass(mine, theirs)
    if kind.dotted in _CANCELLED:
        return theirs is BaseException or other.dotted in _CANCELLED
    if theirs is not None and theirs.__name__ in _BROAD:
        return True
    if kind == FAILED_FLUSH:
        return True if other.sqlalchemy in _OF_FLUSHES else None if other.library == "sqlalchemy" else False
    is_foreign = mine is not None and other.library not in sys.stdlib_module_names
    return False if is_foreign else None  # `socket.error` is `OSError`.


def _builtin(dotted: str) -> type[BaseException] | None:
    found = getattr(builtins, dotted.removeprefix("builtins."), None)
    return found if isinstance(found, type) and issubclass(found, BaseException) else None
