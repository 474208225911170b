"""A request asks for one dependency with ``scope="function"`` and without, and gets two sessions.

Why it matters
    FastAPI calls a dependency once for each scope.  The object that another
    dependency has loaded is in a session of its own: what the path operation
    changes on it is not saved by its ``commit()``, what it has added is not seen
    by the other, and both hold a connection.

What to do
    Ask for the dependency with the same scope everywhere; an alias does that:
    ``OpenSession = Annotated[Session, Depends(get_session, scope="function")]``.

Misses
    Dependencies of routers and of ``dependencies=[...]``, and dependencies that
    give an object which holds the session.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.hazards.catalog import Hazard

BAD = """
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

app = FastAPI()

async def get_session():
    async with AsyncSession(async_engine) as session:
        yield session

async def get_author(session: AsyncSession = Depends(get_session)):
    return await session.get(Author, 1)

@app.get("/")
async def read(author=Depends(get_author), session: AsyncSession = Depends(get_session, scope="function")):
    return author in session

assert TestClient(app).get("/").json() is False
"""

GOOD = """
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

app = FastAPI()

async def get_session():
    async with AsyncSession(async_engine) as session:
        yield session

async def get_author(session: AsyncSession = Depends(get_session, scope="function")):
    return await session.get(Author, 1)

@app.get("/")
async def read(author=Depends(get_author), session: AsyncSession = Depends(get_session, scope="function")):
    return author in session

assert TestClient(app).get("/").json() is True
"""


def check(flow: Flow) -> Iterator[Finding]:
    for mixed in flow.mixed_scopes:
        yield Finding(
            mixed.place,
            f"`{mixed.operations[0]}` gets two sessions from `{mixed.dependency}`, also asked for without this scope",
            evidence=mixed.evidence,
            help=f"ask for `{mixed.dependency}` with the same scope everywhere",
            fix=mixed.fix,
        )


HAZARD = Hazard(code="OL606", module=__name__, doc=__doc__, raises=None, bad=BAD, good=GOOD, check=check)
