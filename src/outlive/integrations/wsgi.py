"""Explanations in the log of a WSGI server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from outlive.diagnosis.notes import note

App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ExplainMiddleware:
    """Adds the explanation of a lifetime error to the exception that leaves the application, for the server's log.

        app.wsgi_app = ExplainMiddleware(app.wsgi_app)  # Flask

    Also where it is raised while the body is sent.  The exception itself goes on, and the response stays what it is.
    Flask answers most exceptions itself and logs them: there a filter of ``outlive.integrations.logging`` sees them.

    Args:
        app: The application.
        redact: Leave primary keys out.
    """

    def __init__(self, app: App, *, redact: bool = False) -> None:
        self.app = app
        self._redact = redact

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Run the application."""
        try:
            return _Body(self.app(environ, start_response), redact=self._redact)
        except Exception as error:
            note(error, redact=self._redact)
            raise


class _Body:
    """The body of a response, closed as WSGI asks (PEP 3333)."""

    def __init__(self, body: Iterable[bytes], *, redact: bool) -> None:
        self._body = body
        self._redact = redact

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._body
        except Exception as error:
            note(error, redact=self._redact)
            raise

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            close()
