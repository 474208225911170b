"""Task queues: what a call sends away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlive.check import ir
from outlive.check.flow import lifetimes
from outlive.check.flow.arguments import Given
from outlive.check.flow.log import Note
from outlive.check.flow.values import FunctionValue, Group, Many, Query, Ref, Rows, SessionRef, Spot, Value
from outlive.check.program import ClassSymbol, External, GlobalSymbol

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


def sent(run: Interpreter, node: ir.Call, given: Given, base: Value) -> None:
    """Arguments of ``task.delay(...)``, ``task.apply_async(args=[...])``, ``app.send_task(name, args=[...])``."""
    if isinstance(base, (Ref, SessionRef, Many, Group, Query, Rows)) or _is_of_own_kind(run, base):
        return
    if isinstance(base, External) and f"{base.dotted}.{node.method}" in run.knowledge.handovers:
        return  # `apply_async` of a pool of processes.
    values = [*given.args, *(value for _, value in given.keywords)]
    for value, span in zip(values, node.spans, strict=False):
        for oid in lifetimes.refs(value):
            obj = given.state.object(oid)
            if obj is not None:
                spot = Spot(given.frame.id, span)
                run.log.add(
                    Note("handover", spot, node.method, obj, cause=spot, oid=oid, use=Spot(given.frame.id, node.span))
                )
                break


def _is_of_own_kind(run: Interpreter, base: Value) -> bool:
    """A task of an application whose class the program has written: it may send objects in a way of its own."""
    if not isinstance(base, FunctionValue):
        return False
    module = base.symbol.module
    for term in base.symbol.facts.decorators:
        app = run.program.resolve(module, term.head.rpartition(".")[0]) if "." in term.head else None
        if isinstance(app, GlobalSymbol):
            made = run.program.global_term(app)
            if made.kind == "call" and isinstance(run.program.resolve(app.module, made.head), ClassSymbol):
                return True
    return False
