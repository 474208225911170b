"""FastAPI: one session per request, committed before the response is made.

Opens    before the path operation runs.
Commits  after the path operation has returned and before its result is serialised (``SessionRoute``), else before the
         response is sent (FastAPI 0.106 to 0.117, and 0.121 or newer).
Closes   before the response is sent; what is loaded stays readable in the response, its body and background tasks.

    get_session = session_dependency(outlive.async_sessionmaker(engine))
    SessionDep = Annotated[AsyncSession, get_session]

    app = FastAPI(lifespan=lifespan(engine))
    app.router.route_class = SessionRoute
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outlive.integrations.extras import missing_extra

try:
    import fastapi as _  # noqa: F401  before the modules that need it
except ImportError as error:
    raise missing_extra(__name__, "fastapi") from error

from outlive.integrations.fastapi.dependency import session_dependency
from outlive.integrations.fastapi.lifespans import lifespan
from outlive.integrations.fastapi.loading import response_options
from outlive.integrations.fastapi.routes import SessionRoute

if TYPE_CHECKING:
    from outlive.integrations.fastapi.reviewing import Review, review

__all__ = ["Review", "SessionRoute", "lifespan", "response_options", "review", "session_dependency"]


def __getattr__(name: str) -> Any:
    """``review`` brings the whole check along, which no running application needs."""
    if name in {"Review", "review"}:
        from outlive.integrations.fastapi import reviewing  # noqa: PLC0415

        return getattr(reviewing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
