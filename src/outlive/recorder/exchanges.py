"""What sessions do while a request is answered: commits that come too late, transactions that nobody ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sqlalchemy import event, orm
from sqlalchemy.orm.session import _sessions  # pyright: ignore[reportPrivateUsage]  # as close_all_sessions() does

from outlive.lifecycle.places import Place
from outlive.recorder.callers import caller
from outlive.sessions.acts import place_at


@dataclass(frozen=True, slots=True)
class LateCommit:
    """A commit that came after its response had started.

    Attributes:
        request: Method and path: ``POST /orders``.
        status: Of the response.
        place: The line that asked for the commit; ``None`` where a library did by itself.
    """

    request: str
    status: int
    place: Place | None

    def __str__(self) -> str:
        return f"{self.place or 'a library'}: {self.request} had answered {self.status} when this was committed"


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A transaction that a request began and left open.

    Attributes:
        request: Method and path: ``POST /orders``.
        place: The line where it began; ``None`` where a library did by itself.
    """

    request: str
    place: Place | None

    def __str__(self) -> str:
        return f"{self.place or 'a library'}: the transaction that began here was left open by {self.request}"


Late: TypeAlias = Callable[[LateCommit], None]
LeftOpen: TypeAlias = Callable[[OpenTransaction], None]


@dataclass(slots=True)
class Exchange:
    """A request and its response, as far as they have come.

    Attributes:
        request: Method and path.
        late: Told of a commit that comes too late.
        left_open: Told of a transaction that is not over when the request is; ``None`` if nobody wants to know.
        status: Of the response; ``None`` until it starts.
        begun: The sessions in a transaction that began here, and where.
        wrote: Those that have written something.
        unsaved: Those that had written something, or were about to, when the response started.
    """

    request: str
    late: Late
    left_open: LeftOpen | None
    status: int | None = None
    begun: dict[int, Place | None] = field(default_factory=dict[int, "Place | None"])
    wrote: set[int] = field(default_factory=set[int])
    unsaved: set[int] = field(default_factory=set[int])

    def start(self, status: int) -> None:
        """The response starts."""
        self.status = status
        self.unsaved = self.wrote | {it.hash_key for it in list(_sessions.values()) if it.new or it.dirty or it.deleted}

    def end(self) -> None:
        """The request is over."""
        if self.left_open is not None:
            for place in self.begun.values():
                self.left_open(OpenTransaction(self.request, place))


_exchange: ContextVar[Exchange | None] = ContextVar("exchange", default=None)
"""The request that this thread or task serves."""


def _began(session: orm.Session, transaction: orm.SessionTransaction, _: object) -> None:
    exchange = _exchange.get()
    # To look for the place is the only part that costs something.
    if exchange and exchange.left_open is not None and transaction.parent is None:
        exchange.begun.setdefault(session.hash_key, place_at(caller()))


def _flushed(session: orm.Session, _: object) -> None:
    if exchange := _exchange.get():
        exchange.wrote.add(session.hash_key)


def _executed(execution: orm.ORMExecuteState) -> None:
    exchange = _exchange.get()
    if exchange and (execution.is_insert or execution.is_update or execution.is_delete):
        exchange.wrote.add(execution.session.hash_key)


def _commits(session: orm.Session) -> None:
    """A commit begins; if it fails, nothing says that it has."""
    exchange = _exchange.get()
    if exchange is None or exchange.status is None or session.in_nested_transaction():
        return
    if session.hash_key in exchange.unsaved:
        exchange.unsaved.discard(session.hash_key)
        exchange.late(LateCommit(exchange.request, exchange.status, place_at(caller())))


def _ended(session: orm.Session, transaction: orm.SessionTransaction) -> None:
    """What was written is saved, or taken back."""
    if transaction.parent is None and (exchange := _exchange.get()):
        exchange.begun.pop(session.hash_key, None)
        exchange.wrote.discard(session.hash_key)
        exchange.unsaved.discard(session.hash_key)


_LISTENERS: tuple[tuple[str, Callable[..., None]], ...] = (
    ("after_begin", _began),
    ("after_flush", _flushed),
    ("do_orm_execute", _executed),
    ("before_commit", _commits),
    ("after_transaction_end", _ended),
)
_users = 0


def listen() -> None:
    """See what sessions do, until as many calls of ``stop_listening``."""
    global _users  # noqa: PLW0603
    _users += 1
    if _users == 1:
        for name, heard in _LISTENERS:
            event.listen(orm.Session, name, heard)


def stop_listening() -> None:
    """The last call takes the listeners away."""
    global _users  # noqa: PLW0603
    _users -= 1
    if _users == 0:
        for name, heard in _LISTENERS:
            event.remove(orm.Session, name, heard)


def asgi(
    app: Callable[..., Awaitable[None]], late: Late, left_open: LeftOpen | None = None
) -> Callable[..., Awaitable[None]]:
    """An ASGI application whose requests are seen."""

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        __tracebackhide__ = True
        # An application may call another one that is watched too.
        if scope["type"] != "http" or _exchange.get() is not None:
            await app(scope, receive, send)
            return
        exchange = Exchange(f"{scope['method']} {scope['path']}", late, left_open)

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                exchange.start(message["status"])
            await send(message)

        try:
            with _serving(exchange):
                await app(scope, receive, sent)
        finally:
            exchange.end()

    return watched


def wsgi(
    app: Callable[..., Iterable[bytes]], late: Late, left_open: LeftOpen | None = None
) -> Callable[..., Iterable[bytes]]:
    """A WSGI application whose requests are seen."""

    def watched(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        __tracebackhide__ = True
        if _exchange.get() is not None:
            return app(environ, start_response)
        exchange = Exchange(f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')}", late, left_open)
        statuses: list[int] = []

        def started(status: str, *args: Any) -> Any:
            statuses.append(int(status.split(maxsplit=1)[0]))
            return start_response(status, *args)

        with _serving(exchange):
            body = app(environ, started)
        return _Body(body, exchange, statuses)

    return watched


@contextmanager
def _serving(exchange: Exchange) -> Generator[None]:
    token = _exchange.set(exchange)
    try:
        yield
    finally:
        _exchange.reset(token)


class _Body:
    """The body of a WSGI response, which starts with its first part (PEP 3333)."""

    def __init__(self, body: Iterable[bytes], exchange: Exchange, statuses: list[int]) -> None:
        self._body = body
        self._parts = iter(body)
        self._exchange = exchange
        self._statuses = statuses

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with _serving(self._exchange):
            part = next(self._parts)
            self._start()
            return part

    def close(self) -> None:
        with _serving(self._exchange):
            self._start()
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        self._exchange.end()

    def _start(self) -> None:
        if self._exchange.status is None:
            self._exchange.start(self._statuses[-1] if self._statuses else 200)
