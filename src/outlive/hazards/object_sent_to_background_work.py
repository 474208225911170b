"""A mapped object is handed to background work, which reads it too late.

Why it matters
    A task, a thread or a background task of a web framework goes on while its
    caller commits and closes the session.  What the work reads by then has
    expired or was never loaded: ``DetachedInstanceError`` once the session is
    closed, ``MissingGreenlet`` if it is async and still open.  The error is
    raised where nobody waits for it.  A pool of processes pickles what it is
    given: the copy has no session from the beginning.

What to do
    Hand over the primary key and load the object in the work, in a session of
    its own; or hand over the values that it needs.

Misses
    Work whose definition is not in the checked source, and libraries that the
    check does not know: see the key ``libraries`` of the configuration.  A value
    that is loaded when the work begins may be read in time by a thread, or by a
    task before its first ``await``: nothing is reported for these.  FastAPI
    closes dependencies after background tasks, except for 0.106 to 0.117: only
    what fails in both orders is reported.  Nothing is reported for a
    ``multiprocessing.Process``, which may be forked with the session.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import BackgroundRead
from outlive.hazards.catalog import Hazard
from outlive.hazards.late_reads import told, told_at_event

BAD = """
async def announce(book, renamed):
    await renamed.wait()
    print(book.title)

async def rename(title):
    renamed = asyncio.Event()
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        announcement = asyncio.create_task(announce(book, renamed))
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
        if not found.is_captured:
            yield Finding(
                found.place,
                in_the_work(found),
                evidence=found.evidence,
                help=f"hand over its key and load the {found.read.entity} in the work, or hand over values",
                # An edit here would have to change the work as well.
                fix=None,
                confidence=found.read.confidence,
            )


def in_the_work(found: BackgroundRead) -> str:
    if found.is_work:
        return f"in the work that `{found.call}` hands over, {told(found.read)}"
    return f"in the listener, {told_at_event(found.read, found.runs)}"


HAZARD = Hazard(code="OL502", module=__name__, doc=__doc__, raises="bhk3", bad=BAD, good=GOOD, check=check)
