"""A dependency of FastAPI commits after the response has been sent.

Why it matters
    Code after the ``yield`` of a dependency runs when the client has its answer.
    If the commit fails then, the client was told 200 and the rows are lost.  If
    it succeeds, a client that reads at once may not find what it has written.
    Test clients wait for the end of the request and hide both.

What to do
    Ask for the dependency with ``Depends(get_session, scope="function")``, which
    ends it before the response is sent (FastAPI 0.121 and later), or commit in
    the path operation.  From 0.106 to 0.117 every dependency ends early.
    Primary keys and server defaults need a flush in either case: the response is
    made before the commit.  ``session_dependency`` and ``SessionRoute`` of
    ``outlive.integrations.fastapi`` commit before it is made, in every version.

Misses
    Methods of objects that are not made at the top of a module, sessions of a
    middleware, and commits in a distribution that is not in the checked source.
    Path operations that only read, or commit themselves, are not harmed and not
    reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import LateCommit
from outlive.hazards.catalog import Hazard

BAD = """
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

app = FastAPI()

async def get_session():
    async with AsyncSession(async_engine) as session:
        yield session
        await session.commit()

@app.post("/authors")
async def add_author(name: str, session: AsyncSession = Depends(get_session)):
    session.add(Author(name=name))

client = TestClient(app, raise_server_exceptions=False)
assert client.post("/authors?name=Ursula").status_code == 200
"""

GOOD = """
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

app = FastAPI()

async def get_session():
    async with AsyncSession(async_engine) as session:
        yield session
        await session.commit()

@app.post("/authors")
async def add_author(name: str, session: AsyncSession = Depends(get_session, scope="function")):
    session.add(Author(name=name))

client = TestClient(app, raise_server_exceptions=False)
assert client.post("/authors?name=Ursula").status_code == 500
"""


def check(flow: Flow) -> Iterator[Finding]:
    for commit in flow.late_commits:
        yield Finding(
            commit.place,
            f"{named(commit)} runs after the response was sent, and {who_waits(commit)} to it",
            evidence=commit.evidence,
            help=what_to_do(commit),
            fix=commit.fix,
            confidence=commit.confidence,
        )


def named(commit: LateCommit) -> str:
    return f"`{commit.text}`" if commit.text.endswith(".commit()") else f"the commit of `{commit.text}`"


def who_waits(commit: LateCommit) -> str:
    first, *others = commit.operations
    if not others:
        return f"`{first}` leaves its changes"
    return f"`{first}` and {len(others)} other path operation{'s' * (len(others) > 1)} leave their changes"


def what_to_do(commit: LateCommit) -> str:
    if commit.has_scope:
        return f'use `Depends({commit.dependency}, scope="function")`, or commit in the path operation'
    return "commit in the path operation, before it returns"


HAZARD = Hazard(code="OL601", module=__name__, doc=__doc__, raises=None, bad=BAD, good=GOOD, check=check)
