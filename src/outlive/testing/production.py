"""Sessions of tests that behave as those of a running program do.

Tests share one session with the program that they test, and so hide what happens to objects when it commits and
closes.  Here a commit expires, and at the end of a request the objects that it has brought into a session of the test's
are let go.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from sqlalchemy import orm

from outlive.recorder.patches import Method, Patches
from outlive.sessions.noting import is_own
from outlive.testing.borrowed import Borrowed, shared_sessions
from outlive.testing.frameworks import App, Applications, FlaskRequests
from outlive.testing.settings import Shape

Tell = Callable[[BaseException], None]


@contextmanager
def production_shaped(shape: Shape, tell: Tell) -> Generator[Production]:
    """Give the sessions of the process the shape of those in production.

    Args:
        shape: What they are made to do.
        tell: Called with what goes wrong here, which must not go wrong in a test.
    """
    production = Production(shape, tell)
    with _told(tell):
        production.install()
    try:
        yield production
    finally:
        with _told(tell):
            production.remove()


@contextmanager
def _told(tell: Tell) -> Generator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001  told, and not raised into the program
        tell(error)


class Production:
    """What is put into SQLAlchemy and frameworks, and taken out again.

    Attributes:
        shape: What sessions are made to do.
        has_overruled: Whether a session would have kept its values at a commit, had it been asked.
    """

    def __init__(self, shape: Shape, tell: Tell) -> None:
        self.shape = shape
        self.has_overruled = False
        self._tell = tell
        self._patches = Patches()
        self._requests = Requests(tell)
        self._frameworks = (
            Applications(asgi=self._requests.around),
            FlaskRequests(self._requests.begin, self._requests.end),
        )

    def install(self) -> None:
        """Begin."""
        if Shape.EXPIRE in self.shape:
            self._patches.put(orm.Session, "expire_on_commit", property(self._expires, _remember_flag))
        if Shape.CLOSE in self.shape:
            self._wrap_blocks()
            self.meet()

    def meet(self) -> None:
        """Look for frameworks that were imported since."""
        if Shape.CLOSE in self.shape:
            for framework in self._frameworks:
                framework.meet()

    def remove(self) -> None:
        """Leave everything as it was."""
        for framework in self._frameworks:
            framework.leave()
        self._patches.restore()

    def _expires(self, session: orm.Session) -> bool:
        is_told = bool(session.__dict__.get("expire_on_commit", True))
        # A class that keeps its values does so in production as well.
        if is_told or is_own(session):
            return is_told
        self.has_overruled = True
        return True

    # -- blocks around a session whose `close` a fixture has replaced -------------------------------------------------

    def _wrap_blocks(self) -> None:
        self._patches.wrap(orm.Session, "__enter__", self._entered)
        self._patches.wrap(orm.Session, "__exit__", self._left)
        try:
            asyncio: Any = import_module("sqlalchemy.ext.asyncio")
        except ImportError:  # Since SQLAlchemy 2.1 without greenlet.
            return
        self._patches.wrap(asyncio.AsyncSession, "__aenter__", self._entered)
        self._patches.wrap(asyncio.AsyncSession, "__aexit__", self._left_async)

    def _entered(self, original: Method) -> Method:
        def method(session: Any) -> Any:
            if _is_disarmed(session):
                self._requests.begin([getattr(session, "sync_session", session)])
            return original(session)

        return method

    def _left(self, original: Method) -> Method:
        def method(session: Any, *raised: Any) -> Any:
            try:
                return original(session, *raised)
            finally:
                if _is_disarmed(session):
                    self._requests.end()

        return method

    def _left_async(self, original: Method) -> Method:
        async def method(session: Any, *raised: Any) -> Any:
            try:
                return await original(session, *raised)
            finally:
                if _is_disarmed(session):
                    self._requests.end()

        return method


def _is_disarmed(session: object) -> bool:
    return "close" in vars(session)


def _remember_flag(session: orm.Session, value: bool) -> None:
    session.__dict__["expire_on_commit"] = value


class Requests:
    """The requests that run, and the sessions that were lent to them.

    Requests that overlap are one: a session that they share cannot be told apart by request.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._running = 0
        self._lent: list[Borrowed] = []

    def begin(self, sessions: list[orm.Session] | None = None) -> None:
        """A request begins."""
        with self._lock:
            self._running += 1
            if self._running > 1:
                return
            for session in shared_sessions() if sessions is None else sessions:
                with _told(self._tell):
                    self._lent.append(Borrowed(session))

    def end(self) -> None:
        """It ends; when the last one has, sessions are given back."""
        with self._lock:
            self._running -= 1
            if self._running:
                return
            lent, self._lent = self._lent, []
        for borrowed in lent:
            with _told(self._tell):
                borrowed.give_back()

    def around(self, app: App) -> App:
        """An ASGI application, each call of which is a request."""

        async def called(scope: Any, receive: Any, send: Any) -> None:
            __tracebackhide__ = True
            if scope["type"] not in {"http", "websocket"}:
                await app(scope, receive, send)
                return
            self.begin()
            try:
                await app(scope, receive, send)
            finally:
                self.end()

        return called
