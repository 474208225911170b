"""``lifetimes``: what a test can say of the lifetimes of its objects."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy.orm import QueryableAttribute, Session

from outlive.keep.audits import audit
from outlive.lifecycle.explanation import Explanation
from outlive.recorder.recording import Recording
from outlive.testing.commits import LateCommits, late_commits
from outlive.testing.loads import LazyLoads, lazy_loads

T = TypeVar("T")


class Lifetimes:
    """What the fixture ``lifetimes`` gives: what has happened since the test's first fixture, and assertions.

    Assertions return the fixture's value, so that several can be written in a row; blocks are context managers.  What
    fails is an ``AssertionError``.

    Attributes:
        recording: What the sessions did, and the lifetime errors.
    """

    def __init__(self, recording: Recording, *, redact: bool = False) -> None:
        self.recording = recording
        self._redact = redact

    @property
    def errors(self) -> tuple[Explanation, ...]:
        """The lifetime errors that SQLAlchemy has raised so far, also those that were caught."""
        return self.recording.explanations

    def assert_no_errors(self) -> Self:
        """No lifetime error was raised so far, not even one that the program has caught.

        Raises:
            AssertionError: Explains each of them.
        """
        __tracebackhide__ = True
        if errors := [*dict.fromkeys(map(str, self.errors))]:
            count = f"{len(errors)} lifetime error{'s were' if len(errors) > 1 else ' was'} raised"
            raise AssertionError("\n\n".join([f"{count}, and caught before it reached the test:", *errors]))
        return self

    def no_lazy_loads(
        self, *attributes: QueryableAttribute[Any], ignore: Iterable[QueryableAttribute[Any]] = ()
    ) -> AbstractContextManager[LazyLoads]:
        """A block in which no attribute may be loaded by reading it, in any session, thread or task.

        ::

            with lifetimes.no_lazy_loads():
                response = client.get("/orders")

        Counts what emits SQL: a many-to-one whose object the session has is loaded without.  What a query,
        ``refresh()`` or a loader option loads is no lazy load.

        Args:
            attributes: The attributes that matter; all if none is named.
            ignore: Attributes that may be loaded so.

        Raises:
            AssertionError: At the end of the block, unless it has raised itself; names attributes, places and remedies.
        """
        return _Checked(lazy_loads(attributes, ignore, redact=self._redact))

    def assert_safe_to_detach(
        self,
        session_or_objects: object,
        *attributes: QueryableAttribute[Any],
        ignore: Iterable[QueryableAttribute[Any]] = (),
    ) -> Self:
        """Everything that is read of these objects after their session has closed, or these attributes, is loaded.

        As ``outlive.audit(...).raise_if_unsafe(...)``, and an audit of a session that holds no object fails as well.

        Raises:
            UnsafeError: Names objects, attributes, causes and remedies.
            AssertionError: There was no object to look at.
        """
        __tracebackhide__ = True
        found = audit(session_or_objects)
        if not found.objects and _is_session(session_or_objects):
            raise AssertionError(str(found))
        found.raise_if_unsafe(*attributes, ignore=ignore)
        return self

    def commits_before_response(self) -> AbstractContextManager[LateCommits]:
        """A block in which every request commits what it has written before its response starts.

        ::

            with lifetimes.commits_before_response():
                client.post("/orders", json=order)

        Test clients wait for the end of a request, and so hide a commit that comes when the client has its answer.
        Sees the requests of FastAPI, Starlette, Litestar and Flask applications, with any client.  Of any other ASGI
        or WSGI application, ask what ``watch(app)`` of the block's value returns.

        Raises:
            AssertionError: At the end of the block, unless it has raised itself; names the request and the commit.
        """
        return _Checked(late_commits())


class _Checked(AbstractContextManager[T]):
    """A block, and at its end what must not have been in it."""

    def __init__(self, found: AbstractContextManager[T]) -> None:
        self._found = found

    def __enter__(self) -> T:
        self._seen = self._found.__enter__()
        return self._seen

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        __tracebackhide__ = True
        self._found.__exit__(kind, error, at)
        message = str(self._seen)
        if message and error is None:
            raise AssertionError(message)


def _is_session(given: object) -> bool:
    return isinstance(given, Session) or hasattr(given, "sync_session") or hasattr(given, "session_factory")
