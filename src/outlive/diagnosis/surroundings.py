"""The user's code around a failure: where it met the error, and whether it is async."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE
from itertools import takewhile
from types import FrameType

from outlive.diagnosis.kinds import Kind
from outlive.diagnosis.objects import state_of
from outlive.diagnosis.sessions import is_async_session, sessions_in
from outlive.diagnosis.tracebacks import Call, local, module_of
from outlive.diagnosis.unwrap import Failure
from outlive.lifecycle.evidence import Evidence

_ELSEWHERE = frozenset({Kind.NO_SUCH_METHOD, Kind.SENT})
"""The kinds that Python or a serializer notices, rather than SQLAlchemy."""


def met(failure: Failure, message: str) -> tuple[Evidence, ...]:
    """Where the user's code met the error.

    A line inside a method or property of a mapped object is preceded by the line that used it.
    """
    stops = [(call.user, call.place) for call in failure.calls if call.user and call.place]
    if not stops or failure.told:
        # Below a framework that tells where the object came from, the user's lines only passed the call on.
        return failure.told
    if failure.source is None and not has_frames(failure):
        return (Evidence(stops[0][1], "raised here; the traceback of its origin is gone"),)
    here = Evidence(stops[0][1], message)
    methods = [frame for frame, _ in takewhile(lambda stop: is_method_of_mapped(stop[0]), stops)]
    if methods and len(methods) < len(stops):
        name = methods[-1].f_code.co_qualname.rpartition("<locals>.")[2]
        return (Evidence(stops[len(methods)][1], f"`{name}` was used here"), here)
    return (here,)


def has_frames(failure: Failure) -> bool:
    """Whether the traceback reaches the place where such errors come from."""
    modules = (module_of(frame) for call in failure.calls for frame in call.library)
    return failure.kind in _ELSEWHERE or any(name.partition(".")[0] == "sqlalchemy" for name in modules)


def is_method_of_mapped(frame: FrameType) -> bool:
    """Whether the frame runs a method of a mapped object."""
    return state_of(local(frame, "self")) is not None


def in_async_code(calls: Iterable[Call]) -> bool:
    """Whether the user's code works with an ``AsyncSession``, as far as the frames tell."""
    is_coroutine = False
    for call in calls:
        if any(module_of(frame).startswith("sqlalchemy.ext.asyncio") for frame in call.library):
            return True
        if call.user is not None:
            sessions = sessions_in(call.user)
            if sessions:
                return any(is_async_session(session) for session in sessions)
            is_coroutine |= bool(call.user.f_code.co_flags & (CO_COROUTINE | CO_ASYNC_GENERATOR))
    return is_coroutine
