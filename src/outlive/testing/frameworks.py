"""Where frameworks run a request: what is put around it while a test asks, and taken away again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from outlive.recorder.patches import Method, Patches

App = Callable[..., Any]
Around = Callable[[App], App]

_ASGI = (("starlette.applications", "Starlette"), ("litestar.app", "Litestar"))
"""FastAPI's class is a subclass of Starlette's."""
_WSGI = (("flask.app", "Flask"),)
_BEGUN = "outlive.begun"


class Applications:
    """The classes of applications that the process has imported.

    Args:
        asgi: Puts something around an ASGI application.
        wsgi: The same for a WSGI application; ``None`` to leave those alone.
    """

    def __init__(self, *, asgi: Around, wsgi: Around | None = None) -> None:
        self._wrappers = {one: partial(_wrapped_asgi, asgi) for one in _ASGI}
        if wsgi is not None:
            self._wrappers |= {one: partial(_wrapped_wsgi, wsgi) for one in _WSGI}
        self._patches = Patches()
        self._met: set[str] = set()

    def meet(self) -> None:
        """Look for those that were imported since; to import them is the program's affair."""
        for (module, name), wrapper in self._wrappers.items():
            owner: Any = getattr(sys.modules.get(module), name, None)
            if owner is not None and module not in self._met:
                self._met.add(module)
                self._patches.wrap(owner, "__call__", wrapper)

    def leave(self) -> None:
        """Leave them as they were."""
        self._patches.restore()
        self._met.clear()


def _wrapped_asgi(around: Around, original: Method) -> Method:
    # A coroutine function: servers and test clients tell by that what they call.
    async def method(app: App, *args: Any) -> None:
        __tracebackhide__ = True
        await around(partial(original, app))(*args)

    return method


def _wrapped_wsgi(around: Around, original: Method) -> Method:
    def method(app: App, *args: Any) -> Any:
        __tracebackhide__ = True
        return around(partial(original, app))(*args)

    return method


class FlaskRequests:
    """The requests of Flask, by its signals: a test client need not read a response, or close it.

    Args:
        begin: Called when one begins.
        end: Called when its context is torn down, a streamed one at the end of its body.
    """

    def __init__(self, begin: Callable[[], None], end: Callable[[], None]) -> None:
        self._begin = begin
        self._end = end
        self._flask: Any = None

    def meet(self) -> None:
        """Connect, if the process has imported Flask."""
        found: Any = sys.modules.get("flask")
        if self._flask is None and hasattr(found, "request_tearing_down"):
            self._flask = found
            found.request_started.connect(self._started)
            found.request_tearing_down.connect(self._torn_down)

    def leave(self) -> None:
        """Disconnect."""
        if self._flask is not None:
            self._flask.request_started.disconnect(self._started)
            self._flask.request_tearing_down.disconnect(self._torn_down)
            self._flask = None

    def _started(self, *_: object, **__: object) -> None:
        self._flask.request.environ[_BEGUN] = True
        self._begin()

    def _torn_down(self, *_: object, **__: object) -> None:
        # That of `test_request_context()` has not begun.
        if self._flask.request.environ.pop(_BEGUN, False):
            self._end()
