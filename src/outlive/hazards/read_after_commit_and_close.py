"""An attribute is read after a commit expired it and its session closed.

Why it matters
    ``commit()`` expires every object of the session, so that the next read asks
    the database again.  Once the session is closed there is nobody to ask, and
    the read raises ``DetachedInstanceError``.  A ``begin()`` block commits at its
    end, even when it only read.

What to do
    Pass ``expire_on_commit=False`` to the factory or session, or take the values
    that you need before the commit.

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
from outlive.hazards.late_reads import expired_by_commit, parent_of, told

BAD = """
def add_book(title):
    with Session(engine) as session:
        book = Book(title=title)
        session.add(book)
        session.commit()
    return book.id

print(add_book("Lavinia"))
"""

GOOD = """
def add_book(title):
    with Session(engine, expire_on_commit=False) as session:
        book = Book(title=title)
        session.add(book)
        session.commit()
    return book.id

print(add_book("Lavinia"))
"""


def check(flow: Flow) -> Iterator[Finding]:
    for read in flow.late_reads:
        if read.exit and (expired_by_commit(read) or dropped_column(read)):
            yield Finding(
                read.place,
                f"{told(read)}: DetachedInstanceError",
                evidence=read.evidence,
                help=what_to_do(read),
                fix=read.keep_fix if read.loss is Loss.COMMIT else None,
                confidence=read.confidence,
            )


def dropped_column(read: LateRead) -> bool:
    """A deferred column that a refresh left out, which ``expire_on_commit=False`` does not prevent."""
    return read.loss is Loss.REFRESH and not read.is_relationship


def what_to_do(read: LateRead) -> str:
    if read.loss is Loss.COMMIT:
        return f"pass `expire_on_commit=False` to the session, or read {read.text} before the commit"
    return f'call `session.refresh({parent_of(read)}, ["{read.attribute}"])` before the session closes'


HAZARD = Hazard(code="OL101", module=__name__, doc=__doc__, raises="bhk3", bad=BAD, good=GOOD, check=check)
