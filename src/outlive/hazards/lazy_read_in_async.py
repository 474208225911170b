"""A relationship that nobody loaded is read in async code.

Why it matters
    Reading an unloaded relationship emits SQL.  An attribute cannot be awaited,
    so with an ``AsyncSession`` the read raises ``MissingGreenlet``.  The
    collections of a new object count as unloaded once it is flushed, even if
    they were read before.

What to do
    Load the relationship with the query, through a loader option.  For an object
    that you already have: ``await session.refresh(obj, ["items"])``, or
    ``await obj.awaitable_attrs.items`` if its class has ``AsyncAttrs``.

Misses
    Objects handed to a function whose definition is not in the checked source,
    such as a serializer.  The runtime recorder sees those.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import LateRead, Loss
from outlive.hazards.catalog import Hazard
from outlive.hazards.late_reads import loader_option, parent_of, told

BAD = """
async def titles():
    async with AsyncSession(async_engine) as session:
        author = (await session.scalars(select(Author))).one()
        return [book.title for book in author.books]

print(asyncio.run(titles()))
"""

GOOD = """
async def titles():
    async with AsyncSession(async_engine) as session:
        author = (await session.scalars(select(Author).options(selectinload(Author.books)))).one()
        return [book.title for book in author.books]

print(asyncio.run(titles()))
"""


def check(flow: Flow) -> Iterator[Finding]:
    for read in flow.late_reads:
        if read.loss is Loss.NEVER_LOADED and read.exit is None:
            yield Finding(
                read.place,
                told(read),
                evidence=read.evidence,
                help=what_to_do(read),
                fix=read.load_fix,
                confidence=read.confidence,
            )


def what_to_do(read: LateRead) -> str:
    reload = f'`await session.refresh({parent_of(read)}, ["{read.attribute}"])`'
    return f"add {loader_option(read)} to the query, or call {reload}"


HAZARD = Hazard(code="OL302", module=__name__, doc=__doc__, raises="xd2s", bad=BAD, good=GOOD, check=check)
