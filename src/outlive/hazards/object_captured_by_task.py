"""Background work reads a mapped object that it has captured.

Why it matters
    A closure or the ``self`` of a method takes objects along without naming them
    where the work is handed over.  The work goes on while its caller commits and
    closes the session; what it reads by then has expired or was never loaded.
    The error is raised where nobody waits for it.
    A listener of ``after_commit`` runs while its session cannot emit SQL
    (``InvalidRequestError``), so it must not read what is not loaded by then.

What to do
    Hand over keys or values as arguments, and load what is needed in the work,
    in a session of its own.  A service that outlives the request holds no
    objects of the request's session.

Misses
    Work whose definition is not in the checked source, libraries that the check
    does not know, and what may be read in time.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.hazards.catalog import Hazard
from outlive.hazards.object_sent_to_background_work import in_the_work

BAD = """
async def rename(title):
    renamed = asyncio.Event()
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        async def announce():
            await renamed.wait()
            print(book.title)
        announcement = asyncio.create_task(announce())
        book.title = title
        await session.commit()
    renamed.set()
    await announcement

asyncio.run(rename("Lavinia"))
"""

GOOD = """
async def announce(title, renamed):
    await renamed.wait()
    print(title)

async def rename(title):
    renamed = asyncio.Event()
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        announcement = asyncio.create_task(announce(book.title, renamed))
        book.title = title
        await session.commit()
    renamed.set()
    await announcement

asyncio.run(rename("Lavinia"))
"""


def check(flow: Flow) -> Iterator[Finding]:
    for found in flow.background_reads:
        if found.is_captured:
            yield Finding(
                found.place,
                in_the_work(found),
                evidence=found.evidence,
                help=f"hand over the key of the {found.read.entity}, or the values that the work needs, as arguments"
                if found.is_work
                else f"read the values before, or load the {found.read.entity} in a session that the listener opens",
                fix=None,
                confidence=found.read.confidence,
            )


HAZARD = Hazard(code="OL504", module=__name__, doc=__doc__, raises="bhk3", bad=BAD, good=GOOD, check=check)
