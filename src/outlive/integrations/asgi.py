"""Explanations in the log of an ASGI server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from outlive.diagnosis.notes import note

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
