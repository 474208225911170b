"""Commits that come when the response has started: if they fail, the client has been told that they did not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from typing import Any

from sqlalchemy import event, orm
from sqlalchemy.orm.session import _sessions  # pyright: ignore[reportPrivateUsage]  # as close_all_sessions() does

from outlive.lifecycle.acts import place_at
from outlive.lifecycle.places import Place
from outlive.recorder.callers import caller
from outlive.testing.frameworks import Applications

_REMEDIES = """\
If that commit fails, the client has been told that it succeeded, and what was written is lost.
  - Commit in the path operation, before it returns.
  - FastAPI 0.121 and later: `Depends(..., scope="function")` ends a dependency before the response is sent.
More: outlive explain commit-after-response"""


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
        return f"  {self.place or 'a library'}: {self.request} had answered {self.status} when this was committed"


@dataclass(slots=True)
class Exchange:
    """A request and its response, as far as they have come.

    Attributes:
        request: Method and path.
        status: Of the response; ``None`` until it starts.
        unsaved: The sessions that had written something, or were about to, when it started.
    """

    request: str
    status: int | None = None
    wrote: set[int] = field(default_factory=set[int])
    unsaved: set[int] = field(default_factory=set[int])

    def start(self, status: int) -> None:
        """The response starts."""
        self.status = status
        self.unsaved = self.wrote | {it.hash_key for it in list(_sessions.values()) if it.new or it.dirty or it.deleted}


_exchange: ContextVar[Exchange | None] = ContextVar("exchange", default=None)
"""The request that this thread or task serves."""


class LateCommits:
    """The late commits of a block, in the order in which they happened.

    Attributes:
        all: Each of them.
    """

    def __init__(self) -> None:
        self.all: list[LateCommit] = []

    def __iter__(self) -> Iterator[LateCommit]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def __str__(self) -> str:
        if not self.all:
            return ""
        what = "1 commit" if len(self) == 1 else f"{len(self)} commits"
        return "\n".join([f"{what} came after the response had started:", *map(str, self.all), _REMEDIES])

    def watch(self, app: Callable[..., Any]) -> Callable[..., Any]:
        """An ASGI or WSGI application whose requests are seen, of any framework."""
        is_asgi = iscoroutinefunction(app) or iscoroutinefunction(getattr(app, "__call__", None))  # noqa: B004
        return _asgi(app) if is_asgi else _wsgi(app)

    # -- what sessions do ----------------------------------------------------------------------------------------------

    def flushed(self, session: orm.Session, _: object) -> None:
        """A flush has written something."""
        if exchange := _exchange.get():
            exchange.wrote.add(session.hash_key)

    def executed(self, execution: orm.ORMExecuteState) -> None:
        """A statement may write something."""
        exchange = _exchange.get()
        if exchange and (execution.is_insert or execution.is_update or execution.is_delete):
            exchange.wrote.add(execution.session.hash_key)

    def commits(self, session: orm.Session) -> None:
        """A commit begins; if it fails, nothing says that it has."""
        exchange = _exchange.get()
        if exchange is None or exchange.status is None or session.in_nested_transaction():
            return
        if session.hash_key in exchange.unsaved:
            exchange.unsaved.discard(session.hash_key)
            self.all.append(LateCommit(exchange.request, exchange.status, place_at(caller())))

    def ended(self, session: orm.Session, transaction: orm.SessionTransaction) -> None:
        """What was written is saved, or taken back."""
        if transaction.parent is None and (exchange := _exchange.get()):
            exchange.wrote.discard(session.hash_key)
            exchange.unsaved.discard(session.hash_key)


@contextmanager
def late_commits() -> Generator[LateCommits]:
    """Collect those of a block."""
    found = LateCommits()
    listeners = (
        ("after_flush", found.flushed),
        ("do_orm_execute", found.executed),
        ("before_commit", found.commits),
        ("after_transaction_end", found.ended),
    )
    for name, heard in listeners:
        event.listen(orm.Session, name, heard)
    applications = Applications(asgi=_asgi, wsgi=_wsgi)
    applications.meet()
    try:
        yield found
    finally:
        applications.leave()
        for name, heard in listeners:
            event.remove(orm.Session, name, heard)


def _asgi(app: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def watched(scope: Any, receive: Any, send: Any) -> None:
        __tracebackhide__ = True
        # An application may call another one that is watched too.
        if scope["type"] != "http" or _exchange.get() is not None:
            await app(scope, receive, send)
            return
        exchange = Exchange(f"{scope['method']} {scope['path']}")

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                exchange.start(message["status"])
            await send(message)

        with _serving(exchange):
            await app(scope, receive, sent)

    return watched


def _wsgi(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    def watched(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        __tracebackhide__ = True
        if _exchange.get() is not None:
            return app(environ, start_response)
        exchange = Exchange(f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')}")
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

    def _start(self) -> None:
        if self._exchange.status is None:
            self._exchange.start(self._statuses[-1] if self._statuses else 200)
