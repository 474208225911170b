"""An async factory makes sessions that expire on commit, and the program reads after one.

Why it matters
    ``async_sessionmaker`` expires objects at every commit unless told otherwise.
    Each later read would need ``await`` and raises ``MissingGreenlet``.  The
    reads are many and found one by one; the cause is one keyword, here.

What to do
    Pass ``expire_on_commit=False`` to the factory.  Where you need a fresh value
    after a commit, ask for it: ``await session.refresh(obj)``.

Misses
    Factories that are only used by programs outside the checked source.  Silent
    as long as no checked read fails because of the factory.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding, Severity
from outlive.check.flow import Flow
from outlive.hazards.catalog import Hazard

BAD = """
open_session = async_sessionmaker(async_engine)

async def publish(title):
    async with open_session() as session:
        book = Book(title=title)
        session.add(book)
        await session.commit()
        return book.id

print(asyncio.run(publish("Kindred")))
"""

GOOD = """
open_session = async_sessionmaker(async_engine, expire_on_commit=False)

async def publish(title):
    async with open_session() as session:
        book = Book(title=title)
        session.add(book)
        await session.commit()
        return book.id

print(asyncio.run(publish("Kindred")))
"""


def check(flow: Flow) -> Iterator[Finding]:
    for factory in flow.expiring_factories:
        yield Finding(
            factory.place,
            "sessions made here expire their objects at every commit, and the program reads after one",
            evidence=factory.evidence,
            help="pass `expire_on_commit=False`",
            fix=factory.fix,
            severity=Severity.ADVICE,
        )


HAZARD = Hazard(code="OL401", module=__name__, doc=__doc__, raises="xd2s", bad=BAD, good=GOOD, check=check)
