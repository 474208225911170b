"""Dramatiq: ids and values cross to an actor, live objects do not; and a session for each message.

Opens    before the actor's function runs, also at each retry.
Commits  after the function has returned, before its result is stored and before the message is acknowledged.  Rolls
         back if the function raises.
Closes   right after that; loaded objects detach then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, cast

from outlive.boundary import crossing, transport
from outlive.boundary.crossing import Boundary, Changed, Missing, Mode
from outlive.boundary.units import Factory, task_session
from outlive.integrations.extras import missing_extra
from outlive.keep.references import Reference
from outlive.keep.snapshots import Snapshot
from outlive.lifecycle.errors import SkippedTaskError

try:
    import dramatiq
    from dramatiq.middleware import Middleware, SkipMessage
    from dramatiq.results import Results
except ImportError as error:
    raise missing_extra(__name__, "dramatiq") from error

__all__ = ["protect", "send_on_commit", "task_session"]

_arrived: ContextVar[Any] = ContextVar("outlive.integrations.dramatiq", default=None)
"""The message that the next call of an actor is for; a call that was not a message finds none."""


def protect(  # noqa: PLR0913  one for each part of the boundary
    broker: dramatiq.Broker,
    base: transport.Base,
    *,
    mode: Mode = "raise",
    session: Factory | None = None,
    missing: Missing = "raise",
    changed: Changed = "raise",
) -> None:
    """Let no mapped object cross to an actor, or back from it; call it once, before a results backend is made.

    The options are those of ``outlive.integrations.celery.protect``.

    Args:
        broker: The broker.
        base: What references may refer to.
        mode: ``"raise"``, ``"warn"`` or ``"reference"``.
        session: What makes a session for each message.
        missing: ``"raise"``, ``"skip"`` or ``"none"``.
        changed: ``"raise"``, ``"skip"`` or ``"load"``.

    Raises:
        sqlalchemy.exc.ArgumentError: Another value of an option.
        TypeError: ``base`` is no declarative base, mapped class or registry.
    """
    _guard_groups()
    guard = _Guard(Boundary(base, mode, session, missing, changed))
    found = cast("Any", broker)
    found.middleware[:] = [one for one in found.middleware if not isinstance(one, _Guard)]
    broker.add_middleware(guard)
    for actor in found.actors.values():
        guard.after_declare_actor(broker, actor)
    original: Callable[..., Any] = getattr(found.enqueue, "__wrapped__", found.enqueue)
    found.enqueue = wraps(original)(partial(guard.enqueue, original))
    if type(dramatiq.get_encoder()) is dramatiq.JSONEncoder:
        dramatiq.set_encoder(_Encoder())


def send_on_commit(session: object, actor: dramatiq.Actor[..., Any], *args: Any, **kwargs: Any) -> None:
    """``actor.send(*args, **kwargs)`` once the transaction of a session is committed; see ``delay_on_commit``.

    Args:
        session: A ``Session`` or ``AsyncSession``, or a scoped one.
        actor: The actor.
        args: Its arguments.
        kwargs: Those with names.

    Raises:
        LiveObjectError: A mapped object is among them, unless the broker sends references.
        NotSentError: By the commit: the work is committed, and the broker has not said that it has the message.
    """
    values = {"args": args, "kwargs": kwargs}
    what = f"an argument of the actor {actor.actor_name!r}"
    crossing.send_on_commit(session, _boundary_of(actor.broker), values, what, actor.send)


def _boundary_of(broker: Any) -> Boundary | None:
    return next((one.boundary for one in broker.middleware if isinstance(one, _Guard)), None)


def _guard_groups() -> None:
    """Look at all messages of a group before the first one leaves, for the brokers that are protected."""
    groups = cast("Any", dramatiq.group)
    original = groups.run
    if hasattr(original, "outlive_original"):
        return

    @wraps(original)
    def run(self: Any, **options: Any) -> Any:
        boundary = _boundary_of(self.broker)
        if boundary is not None:
            what = "an argument in a group"
            boundary.look_at_all({"children": list(_contents_of(self)), "callbacks": self.completion_callbacks}, what)
        return original(self, **options)

    cast("Any", run).outlive_original = original
    groups.run = run


def _contents_of(sent: Any) -> Iterator[Any]:
    """What the messages of a group or a pipeline have in them."""
    children: list[Any] = getattr(sent, "messages", None) or sent.children
    for child in children:
        if isinstance(child, dramatiq.Message):
            yield {"args": child.args, "kwargs": child.kwargs, "options": child.options}
        else:
            yield from _contents_of(child)


class _Guard(Middleware):
    def __init__(self, boundary: Boundary) -> None:
        self.boundary = boundary

    def enqueue(self, original: Callable[..., Any], message: Any, **options: Any) -> Any:
        values = {"args": message.args, "kwargs": message.kwargs, "options": message.options}
        sent = self.boundary.leaving(values, f"an argument of the actor {message.actor_name!r}")
        if sent is not values:
            message = message.copy(**sent)
        return original(message, **options)

    def after_process_boot(self, broker: dramatiq.Broker) -> None:  # noqa: ARG002  Dramatiq's signature
        self.boundary.forget_connections()

    def before_process_message(self, broker: dramatiq.Broker, message: Any) -> None:  # noqa: ARG002  as above
        _arrived.set(message)

    def after_declare_actor(self, broker: dramatiq.Broker, actor: Any) -> None:
        original = getattr(actor.fn, "outlive_original", actor.fn)

        @wraps(original)
        def fn(*args: Any, **kwargs: Any) -> Any:
            message = _arrived.get()
            _arrived.set(None)
            if message is None or message.actor_name != actor.actor_name:
                return original(*args, **kwargs)
            try:
                returns = _returns(broker, actor, message)
                return self.boundary.run(actor.actor_name, original, args, kwargs, returns=returns)
            except SkippedTaskError as error:
                actor.logger.warning("%s", error)
                raise SkipMessage(str(error)) from error

        cast("Any", fn).outlive_original = original
        actor.fn = fn


def _returns(broker: Any, actor: Any, message: Any) -> bool:
    """Whether the result of an actor goes anywhere."""
    stores = any(one.store_results for one in broker.middleware if isinstance(one, Results))
    stored = message.options.get("store_results", actor.options.get("store_results", stores))
    return bool(stored or message.options.get("pipe_target"))


class _Encoder(dramatiq.JSONEncoder):
    def encode(self, data: dict[str, Any]) -> bytes:
        return json.dumps(data, separators=(",", ":"), default=_tagged).encode()

    def decode(self, data: bytes) -> dict[str, Any]:
        if b"outlive." not in data:
            return super().decode(data)
        read: dict[str, Any] = json.loads(data, object_hook=_read)
        return read


def _tagged(value: object) -> object:
    if isinstance(value, (Reference, Snapshot)):
        tag, sent = transport.write(cast("Any", value))
        return {"__type__": tag, "__value__": sent}
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _read(value: dict[str, Any]) -> object:
    is_tagged = value.keys() == {"__type__", "__value__"} and value["__type__"] in transport.TAGS
    return transport.read(value["__type__"], value["__value__"]) if is_tagged else value
