"""A relationship was loaded eagerly, and a commit threw it away before the read.

Why it matters
    ``commit()`` expires eagerly loaded relationships together with the columns.
    The loader option was not wrong, it came too early: the read raises
    ``DetachedInstanceError`` after the session closed, and ``MissingGreenlet``
    in async code even before.

What to do
    Pass ``expire_on_commit=False`` to the factory or session, or read the
    relationship before the commit, or name it in a refresh after the commit:
    ``session.refresh(order, ["items"])``.

Misses
    Objects whose session comes from a factory that is not in the checked source:
    whether it expires on commit is not known there.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import LateRead, Loss
from outlive.hazards.catalog import Hazard
from outlive.hazards.late_reads import parent_of, told

BAD = """
def rename_author(name):
    with Session(engine) as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        author.name = name
        session.commit()
        return author

for book in rename_author("Le Guin").books:
    print(book.title)
"""

GOOD = """
def rename_author(name):
    with Session(engine, expire_on_commit=False) as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        author.name = name
        session.commit()
        return author

for book in rename_author("Le Guin").books:
    print(book.title)
"""


def check(flow: Flow) -> Iterator[Finding]:
    for read in flow.late_reads:
        if read.loss is Loss.COMMIT and read.was_eager:
            yield Finding(
                read.place,
                f"{told(read)}, although it was loaded eagerly",
                evidence=read.evidence,
                help=what_to_do(read),
                fix=read.keep_fix,
                confidence=read.confidence,
            )


def what_to_do(read: LateRead) -> str:
    wait = "await " if read.is_async else ""
    reload = f'`{wait}session.refresh({parent_of(read)}, ["{read.attribute}"])` after the commit'
    return f"pass `expire_on_commit=False` to the session, or call {reload}"


HAZARD = Hazard(code="OL104", module=__name__, doc=__doc__, raises="bhk3", bad=BAD, good=GOOD, check=check)
