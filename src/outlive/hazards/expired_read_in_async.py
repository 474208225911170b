"""An attribute that a commit expired is read in async code.

Why it matters
    After a commit the next read of any attribute, the primary key included,
    emits SQL.  An attribute cannot be awaited, so with an ``AsyncSession`` that
    read raises ``MissingGreenlet`` while the session is still open.
    ``refresh(obj)`` does the same to relationships that it does not reload.

What to do
    Pass ``expire_on_commit=False`` to the ``async_sessionmaker``.  Where that is
    not possible, ``await session.refresh(obj)`` after the commit; name what it
    would leave out: ``await session.refresh(obj, ["items"])``.

Misses
    Sessions that come in as a parameter from a factory that is not in the
    checked source: whether it expires on commit is not known there.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import LateRead, Loss
from outlive.hazards.catalog import Hazard
from outlive.hazards.late_reads import expired_by_commit, parent_of, told

BAD = """
async def add_author(name):
    async with AsyncSession(async_engine) as session:
        author = Author(name=name)
        session.add(author)
        await session.commit()
        return {"id": author.id, "name": author.name}

print(asyncio.run(add_author("Octavia")))
"""

GOOD = """
async def add_author(name):
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        author = Author(name=name)
        session.add(author)
        await session.commit()
        return {"id": author.id, "name": author.name}

print(asyncio.run(add_author("Octavia")))
"""


def check(flow: Flow) -> Iterator[Finding]:
    for read in flow.late_reads:
        if read.exit is None and (expired_by_commit(read) or read.loss is Loss.REFRESH):
            yield Finding(
                read.place,
                told(read),
                evidence=read.evidence,
                help=what_to_do(read),
                fix=read.keep_fix if read.loss is Loss.COMMIT else None,
                confidence=read.confidence,
            )


def what_to_do(read: LateRead) -> str:
    if read.loss is Loss.COMMIT:
        reload = f"`await session.refresh({parent_of(read)})` after the commit"
        return f"pass `expire_on_commit=False` to the session, or call {reload}"
    return f'call `await session.refresh({parent_of(read)}, ["{read.attribute}"])` before the read'


HAZARD = Hazard(code="OL301", module=__name__, doc=__doc__, raises="xd2s", bad=BAD, good=GOOD, check=check)
