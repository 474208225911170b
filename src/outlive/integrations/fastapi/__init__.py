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

from outlive.integrations.fastapi.dependency import session_dependency
from outlive.integrations.fastapi.lifespans import lifespan
from outlive.integrations.fastapi.loading import response_options
from outlive.integrations.fastapi.routes import SessionRoute

__all__ = ["SessionRoute", "lifespan", "response_options", "session_dependency"]
