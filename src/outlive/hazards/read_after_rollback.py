"""An attribute is read after a rollback expired it.

Why it matters
    A rollback expires every object of the session, even with
    ``expire_on_commit=False``, and so does a ``begin()`` block that is left by an
    exception.  The read that follows is mostly a log line or an error answer:
    it raises ``MissingGreenlet`` in async code, ``DetachedInstanceError`` once
    the session is closed, and hides the error that led to the rollback.  A flush
    that fails rolls back, too: until somebody calls ``rollback()``, every read
    raises ``PendingRollbackError``, in sync code as well.

What to do
    Take the values that the handler needs before the ``try``, or call
    ``refresh(obj)`` after the rollback.

Misses
    A rollback in a library or in a dependency that is not in the checked source.
    An object that was new in the transaction is transient after the rollback and
    keeps its values: this is not reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import LateRead, Loss
from outlive.hazards.catalog import Hazard
from outlive.hazards.late_reads import parent_of, told

BAD = """
async def retitle(book_id, title):
    async with AsyncSession(async_engine) as session:
        book = await session.get(Book, book_id)
        book.title = title
        try:
            await session.commit()
        except IntegrityError:
            await session.rollback()
            print(f"cannot retitle book {book.id}")

asyncio.run(retitle(1, None))
"""

GOOD = """
async def retitle(book_id, title):
    async with AsyncSession(async_engine) as session:
        book = await session.get(Book, book_id)
        book.title = title
        try:
            await session.commit()
        except IntegrityError:
            await session.rollback()
            print(f"cannot retitle book {book_id}")

asyncio.run(retitle(1, None))
"""


def check(flow: Flow) -> Iterator[Finding]:
    for read in flow.late_reads:
        if read.loss in (Loss.ROLLBACK, Loss.FAILED_FLUSH):
            yield Finding(
                read.place,
                told(read),
                evidence=read.evidence,
                help=what_to_do(read),
                confidence=read.confidence,
            )


def what_to_do(read: LateRead) -> str:
    if read.loss is Loss.FAILED_FLUSH:
        return f"read {read.text} before the flush"
    if read.exit:
        return f"read {read.text} before the rollback"
    return f"read {read.text} before the rollback, or `await session.refresh({parent_of(read)})` after it"


HAZARD = Hazard(code="OL102", module=__name__, doc=__doc__, raises="xd2s", bad=BAD, good=GOOD, check=check)
