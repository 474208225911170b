"""Several tasks or threads use one session at the same time.

Why it matters
    A session holds one connection and one transaction, and works for one at a
    time.  Where two flush, commit or ask for the connection at once, one of them
    gets ``IllegalStateChangeError`` or ``InvalidRequestError`` (code ``isce``);
    where both only read, it works until the load is higher.  A ``commit`` of one
    saves half of what the other does.

What to do
    Give each task a session of its own, from the factory; or let them run one
    after the other, since they share one connection anyway.

Misses
    Coroutines that somebody else starts, such as the resolvers and data loaders
    of a GraphQL server; and tasks that only read, in a session that has begun.
    What is in a ``with`` block of unknown meaning may hold a lock: nothing is
    reported for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import SharedSession
from outlive.hazards.catalog import Hazard

BAD = """
async def rename(session, author_id, name):
    author = await session.get(Author, author_id)
    author.name = name
    await session.commit()

async def rename_both():
    async with AsyncSessionLocal() as session:
        await asyncio.gather(rename(session, 1, "Le Guin"), rename(session, 1, "U. K. Le Guin"))

asyncio.run(rename_both())
"""

GOOD = """
async def rename(author_id, name):
    async with AsyncSessionLocal.begin() as session:
        author = await session.get(Author, author_id)
        author.name = name

async def rename_both():
    await rename(1, "Le Guin")
    await rename(1, "U. K. Le Guin")

asyncio.run(rename_both())
"""


def check(flow: Flow) -> Iterator[Finding]:
    for shared in flow.shared_sessions:
        yield Finding(
            shared.place,
            f"`{shared.text}` uses a session that is in use {meanwhile(shared)}",
            evidence=shared.evidence,
            help="open a session in each of them, or let one begin when the other is done",
            # An edit here would have to change what they share: one transaction.
            fix=None,
            confidence=shared.confidence,
        )


def meanwhile(shared: SharedSession) -> str:
    return "by another task at the same time" if shared.is_async else "by another thread at the same time"


HAZARD = Hazard(code="OL704", module=__name__, doc=__doc__, raises="isce", bad=BAD, good=GOOD, check=check)
