"""What a ``raise`` of the program raises, and which handler catches that."""

from __future__ import annotations

import builtins
import sys
from typing import TYPE_CHECKING

from outlive.check import ir
from outlive.check.flow.frames import Frame
from outlive.check.flow.values import UNKNOWN, ClassValue, Value
from outlive.check.program import ClassSymbol, External, Module

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter

_BROAD = frozenset({"Exception", "BaseException"})


def kind_of(run: Interpreter, module: Module, name: str) -> Value:
    """The class that a name stands for; unknown where it is no class, or one that a function has by itself."""
    symbol = run.program.resolve(module, name) if name else None
    if isinstance(symbol, ClassSymbol):
        return ClassValue(symbol)
    if isinstance(symbol, External):
        return symbol
    return External(f"builtins.{name}") if symbol is None and _builtin(name) is not None else UNKNOWN


def catches(run: Interpreter, frame: Frame, handler: ir.Handler, kind: Value | None) -> bool | None:
    """Whether a handler catches exceptions of a kind; ``None`` where that cannot be known."""
    if not isinstance(kind, (ClassValue, External)):
        return None
    answers = [_is_a(run, kind, kind_of(run, frame.module, name)) for name in handler.types] or [True]
    return True if True in answers else None if None in answers else False


def _is_a(run: Interpreter, kind: ClassValue | External, other: Value) -> bool | None:
    """Whether a class is another, or derives from it."""
    if kind == other:
        return True
    if isinstance(other, ClassValue):
        if isinstance(kind, External):
            return False  # A library does not know the program.
        inside, _, known = run.program.lineage(kind.symbol)
        return other.symbol in inside or (False if known else None)
    if not isinstance(other, External):
        return None
    if isinstance(kind, External):
        return _of_libraries(kind, other)
    _, outside, known = run.program.lineage(kind.symbol)
    answers = [_of_libraries(base, other) if isinstance(base, External) else None for base in outside]
    if True in answers:
        return True
    return None if None in answers or not known else other.last in _BROAD


def _of_libraries(kind: External, other: External) -> bool | None:
    mine, theirs = _builtin(kind.dotted), _builtin(other.dotted)
    if mine is not None and theirs is not None:
        return issubclass(mine, theirs)
    if theirs is not None and theirs.__name__ in _BROAD:
        return True
    is_foreign = mine is not None and other.library not in sys.stdlib_module_names
    return True if kind == other else False if is_foreign else None  # `socket.error` is `OSError`.


def _builtin(dotted: str) -> type[BaseException] | None:
    found = getattr(builtins, dotted.removeprefix("builtins."), None)
    return found if isinstance(found, type) and issubclass(found, BaseException) else None
