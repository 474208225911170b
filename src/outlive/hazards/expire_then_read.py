"""An attribute is read after ``session.expire()``, where it cannot reload.

Why it matters
    ``expire(obj, ["price"])`` erases the value and leaves the reload to the next
    read.  In async code that read would need ``await``, so it raises
    ``MissingGreenlet``; after the session closed it raises
    ``DetachedInstanceError``.

What to do
    ``await session.refresh(obj, ["price"])`` erases and reloads in one step.

Misses
    An ``expire()`` in a function that is not in the checked source.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import LateRead, Loss
from outlive.hazards.catalog import Hazard
from outlive.hazards.late_reads import parent_of, told

BAD = """
async def current_price(book_id):
    async with AsyncSession(async_engine) as session:
        book = await session.get(Book, book_id)
        session.expire(book, ["price"])
        return book.price

print(asyncio.run(current_price(1)))
"""

GOOD = """
async def current_price(book_id):
    async with AsyncSession(async_engine) as session:
        book = await session.get(Book, book_id)
        await session.refresh(book, ["price"])
        return book.price

print(asyncio.run(current_price(1)))
"""


def check(flow: Flow) -> Iterator[Finding]:
    for read in flow.late_reads:
        if read.loss is Loss.EXPIRE:
            yield Finding(
                read.place,
                told(read),
                evidence=read.evidence,
                help=what_to_do(read),
                confidence=read.confidence,
            )


def what_to_do(read: LateRead) -> str:
    wait = "await " if read.is_async else ""
    return f'call `{wait}session.refresh({parent_of(read)}, ["{read.attribute}"])` instead of `expire`'


HAZARD = Hazard(code="OL103", module=__name__, doc=__doc__, raises="xd2s", bad=BAD, good=GOOD, check=check)
