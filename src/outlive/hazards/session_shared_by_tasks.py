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

    GraphQL resolves the fields of a query at the same time, and its data loaders
    load at the same time: a session in the context is shared by all of them, and
    one query that asks for two fields is enough.  Open one in each resolver, and
    in each load function.

Misses
    Coroutines that somebody else starts, but for the resolvers and data loaders
    of Strawberry; and tasks that only read, in a session that has begun.
    What is in a ``with`` block of unknown meaning may hold a lock: nothing is
    reported for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import Meets, SharedSession
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


_HELP = {
    Meets.BESIDE: "open a session in each of them, or let one begin when the other is done",
    Meets.BATCHED: "open a session in each load function",
    Meets.RESOLVED: "open a session in each resolver, not in the context of the request",
}


def check(flow: Flow) -> Iterator[Finding]:
    for shared in flow.shared_sessions:
        yield Finding(
            shared.place,
            f"`{shared.text}` uses a session that {meanwhile(shared)}",
            evidence=shared.evidence,
            help=_HELP[shared.how],
            # An edit here would have to change what they share: one transaction.
            fix=None,
            confidence=shared.confidence,
        )


def meanwhile(shared: SharedSession) -> str:
    if shared.how is Meets.RESOLVED:
        return "other resolvers of the same query use at the same time"
    if shared.how is Meets.BATCHED:
        return "another data loader uses at the same time"
    return f"is in use by another {'task' if shared.is_async else 'thread'} at the same time"


HAZARD = Hazard(code="OL704", module=__name__, doc=__doc__, raises="isce", bad=BAD, good=GOOD, check=check)
