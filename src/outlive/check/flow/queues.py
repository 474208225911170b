"""Task queues: what a call sends away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outlive.check import ir
from outlive.check.flow import lifetimes
from outlive.check.flow.arguments import Given
from outlive.check.flow.log import Note
from outlive.check.flow.values import Group, Many, Query, Ref, Rows, SessionRef, Spot, Value

if TYPE_CHECKING:
    from outlive.check.flow.interpreter import Interpreter


SENDS = frozenset({"delay", "apply_async", "send_task"})


def sent(run: Interpreter, node: ir.Call, given: Given, base: Value) -> None:
    """Arguments of ``task.delay(...)``, ``task.apply_async(args=[...])``, ``app.send_task(name, args=[...])``."""
    if isinstance(base, (Ref, SessionRef, Many, Group, Query, Rows)):
        return
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
