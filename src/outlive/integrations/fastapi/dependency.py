"""The dependency that opens a session for a request."""

# No `from __future__ import annotations`: FastAPI looks for the names of annotations in `__globals__` (0.105 to 0.165),
# which an object has not; and the dependency is one, so that two of the same factory are equal.

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Response, params
from sqlalchemy import event, orm
from starlette.requests import HTTPConnection

from outlive.integrations.fastapi import versions
from outlive.integrations.fastapi.requests import AnySession, RequestSession, sessions_of_route
from outlive.lifecycle.errors import ReadOnlyError, SetupError


def session_dependency(
    factory: Callable[[], AnySession], *, read_only: bool = False, streaming: bool = False
) -> params.Depends:
    """A dependency that opens a session for a request, commits it before the response is sent, and closes it.

        SessionDep = Annotated[AsyncSession, session_dependency(outlive.async_sessionmaker(engine))]

    An exception of the path operation, or of a dependency, rolls back.  On a ``SessionRoute`` the commit comes right
    after the path operation, so that ids and what the database fills in are in the response.  FastAPI 0.118 to 0.120,
    and versions before 0.106, tear dependencies down after the response was sent: there a ``SessionRoute`` is required.
    A WebSocket keeps its session as long as it is connected; commit after each message yourself.

    All dependencies of a request that ask for the same factory with the same options share one session.  A test puts
    another one in its place: ``app.dependency_overrides[get_session.dependency] = get_test_session.dependency``.

    Args:
        factory: ``outlive.sessionmaker``, ``outlive.async_sessionmaker``, or anything that returns sessions whose
            objects stay readable after a commit.
        read_only: Never commit, and refuse to flush or to execute an INSERT, UPDATE or DELETE of a mapped class.
        streaming: Keep the session for the body of a streamed response.  Each chunk is a transaction of its own: what
            it has read stays readable, what it has written is committed, and no connection is held while the client
            takes its time.  Requires a ``SessionRoute``.  Every session of a path operation that is a generator is one.

    Raises:
        SetupError: The sessions of the factory expire their objects on commit.

    Source: FastAPI 0.105 to 0.165, when the code after ``yield`` runs.
    """
    if _expires_on_commit(factory):
        raise SetupError(
            "this factory expires all objects on commit, so the response could not read them: use "
            "outlive.sessionmaker(engine) or outlive.async_sessionmaker(engine), or pass expire_on_commit=False"
        )
    return versions.depends(SessionDependency(factory, read_only=read_only, streaming=streaming))


def _expires_on_commit(factory: Any) -> bool:
    is_known = hasattr(factory, "class_") and hasattr(factory, "kw")  # sessionmaker, async_sessionmaker
    return is_known and bool(factory.kw.get("expire_on_commit", True))


@dataclass(frozen=True)
class SessionDependency:
    """What FastAPI calls; two of one factory and the same options are one dependency."""

    factory: Callable[[], AnySession]
    read_only: bool = False
    streaming: bool = False

    async def __call__(self, connection: HTTPConnection, response: Response) -> AsyncIterator[Any]:
        """Open a session, and end it when the dependency is torn down."""
        is_websocket = connection.scope["type"] == "websocket"
        sessions = sessions_of_route(connection.scope)
        if sessions is None and not is_websocket:
            self.check_without_route(connection.scope["path"])
        lock = threading.Lock() if sessions is None else sessions.lock
        is_here = inspect.iscoroutinefunction(connection.scope.get("endpoint"))
        opened = RequestSession(self.factory(), response, lock, self.read_only, self.streaming, is_here)
        if self.read_only:
            refuse_writes(opened.session)
        if sessions is not None:
            sessions.append(opened)
        is_late = versions.TEARDOWN_IS_LATE and not is_websocket
        is_kept = False
        try:
            yield opened.session
            if not is_late:
                # What came after the commit of the route: teardowns of other dependencies, or no such route.
                await opened.end_transaction()
                is_kept = opened.is_handed_over
        except asyncio.CancelledError:
            opened.abandon()
            raise
        finally:
            if not is_kept:
                await opened.close()

    def check_without_route(self, path: str) -> None:
        """Refuse what needs a ``SessionRoute``.

        Raises:
            SetupError: It does.
        """
        if self.streaming:
            raise SetupError(f"{path}: a streaming session needs {_REMEDY}")
        if versions.TEARDOWN_IS_LATE and not self.read_only:
            raise SetupError(
                f"{path}: FastAPI {versions.VERSION} commits after the response was sent, so a failing commit would "
                f"answer 200 and lose the write; upgrade FastAPI to 0.121, or use {_REMEDY}"
            )


_REMEDY = (
    "app.router.route_class = SessionRoute (and APIRouter(route_class=SessionRoute)) before the routes are declared"
)


def refuse_writes(session: AnySession) -> None:
    """Make a session raise where it would write objects.

    Raises (later):
        ReadOnlyError: At a flush with changes, and at an INSERT, UPDATE or DELETE of a mapped class.
    """
    sync_session = session if isinstance(session, orm.Session) else session.sync_session

    def before_flush(session: orm.Session, *_: Any) -> None:
        changed = [*session.new, *session.dirty, *session.deleted]
        if changed:
            raise ReadOnlyError(f"{type(changed[0]).__name__} was changed in a read-only session")

    def do_orm_execute(state: orm.ORMExecuteState) -> None:
        if state.is_insert or state.is_update or state.is_delete:
            raise ReadOnlyError("a read-only session was asked to write")

    event.listen(sync_session, "before_flush", before_flush)
    event.listen(sync_session, "do_orm_execute", do_orm_execute)
