"""An object that a commit expired is serialised as it is, and comes out empty.

Why it matters
    A commit removes the values from the object; only reading an attribute brings
    them back.  SQLModel's ``model_dump()`` and FastAPI's ``jsonable_encoder`` read
    no attribute, they take what is there: the client gets 200 and ``{}``.  FastAPI
    does so with what a path operation returns without a response model, or with
    the object's own class as the model.

What to do
    Pass ``expire_on_commit=False`` to the factory or session, or ``refresh()`` the
    object after the commit.  A response model of its own reads the attributes; in
    async code that fails loudly.

Misses
    Objects that have values on some path to the line, and expired objects inside
    other objects.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import EmptyDump, Loss
from outlive.hazards.catalog import Hazard

BAD = """
from fastapi import FastAPI
from fastapi.testclient import TestClient

app = FastAPI()

@app.post("/authors")
async def add_author(name: str):
    async with AsyncSession(async_engine) as session:
        author = Author(name=name)
        session.add(author)
        await session.commit()
        return author

assert TestClient(app).post("/authors?name=Octavia").json() == {}
"""

GOOD = """
from fastapi import FastAPI
from fastapi.testclient import TestClient

app = FastAPI()

@app.post("/authors")
async def add_author(name: str):
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        author = Author(name=name)
        session.add(author)
        await session.commit()
        return author

assert TestClient(app).post("/authors?name=Octavia").json() == {"id": 2, "name": "Octavia"}
"""

_LOST = {
    Loss.COMMIT: "the commit",
    Loss.ROLLBACK: "the rollback",
    Loss.FAILED_FLUSH: "the flush that failed",
    Loss.FLUSH: "the flush",
    Loss.EXPIRE: "being expired",
    Loss.REFRESH: "the refresh",
    Loss.NEVER_LOADED: "its query",
}


def check(flow: Flow) -> Iterator[Finding]:
    for dump in flow.empty_dumps:
        yield Finding(
            dump.place,
            f"{dump.text} has no values since {_LOST[dump.loss]}, and {outcome(dump)}",
            evidence=dump.evidence,
            help=what_to_do(dump),
            fix=dump.keep_fix,
            confidence=dump.confidence,
        )


def outcome(dump: EmptyDump) -> str:
    return "the response is `{}`" if dump.by == "return" else f"`{dump.by}` makes it `{{}}`"


def what_to_do(dump: EmptyDump) -> str:
    name = dump.text if dump.text.isidentifier() else "obj"
    refresh = f"call `{'await ' * dump.is_async}session.refresh({name})` after it"
    return f"pass `expire_on_commit=False` to the session, or {refresh}" if dump.loss is Loss.COMMIT else refresh


HAZARD = Hazard(code="OL604", module=__name__, doc=__doc__, raises=None, bad=BAD, good=GOOD, check=check)
