"""What the log of an ASGI server says of lifetimes: explanations, and what a request does too late or not at all."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from outlive.diagnosis.notes import note
from outlive.recorder import exchanges
from outlive.recorder.exchanges import LateCommit, OpenTransaction

_log = logging.getLogger("outlive")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class ExplainMiddleware:
    """Adds the explanation of a lifetime error to the exception that leaves the application, for the server's log.

        app.add_middleware(ExplainMiddleware)  # FastAPI, Starlette
        app = ExplainMiddleware(app)  # any other

    The exception itself goes on, and the response stays what it is.

    Args:
        app: The application.
        redact: Leave primary keys out.
    """

    def __init__(self, app: App, *, redact: bool = False) -> None:
        self.app = app
        self._redact = redact

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application."""
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            note(error, redact=self._redact)
            raise


class BoundaryMiddleware:
    """Warns in the log ``outlive`` of commits that come when the response has started, and of transactions left open.

        app.add_middleware(BoundaryMiddleware)  # FastAPI, Starlette
        app = BoundaryMiddleware(app)  # any other

    A commit counts where the session had written something, or was about to, when the response started: if it fails,
    the client has been told otherwise.  The sessions of background tasks do not count.  A transaction counts as left
    open where a session began it for the request and has it still when all is over, background tasks included: its
    connection is lost to the pool until the session is collected.

    Args:
        app: The application.
    """

    def __init__(self, app: App) -> None:
        exchanges.listen()
        self._watched = exchanges.asgi(app, _warn_of_late, _warn_of_open)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application."""
        await self._watched(scope, receive, send)


def _warn_of_late(commit: LateCommit) -> None:
    _log.warning("%s; if that fails, the client was told otherwise (outlive explain commit-after-response)", commit)


def _warn_of_open(transaction: OpenTransaction) -> None:
    _log.warning("%s; close its session: `with factory() as session:`", transaction)
