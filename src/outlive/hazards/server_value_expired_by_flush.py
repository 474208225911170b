"""A column whose value the database computes is read after the flush of an UPDATE expired it.

Why it matters
    An UPDATE does not bring back what the database computed: a column with an
    SQL-side ``onupdate`` or ``FetchedValue``, or one that was given an SQL
    expression.  The flush expires it, whatever ``expire_on_commit`` says.  Once
    the session is closed the next read raises ``DetachedInstanceError``, and in
    async code ``MissingGreenlet`` at once.

What to do
    ``refresh(obj, ["changed_at"])`` after the commit and before the session
    closes, or ``eager_defaults=True`` in the mapper's arguments, where the
    database has RETURNING.

Misses
    Triggers that nothing in the mapping tells of: their column keeps its old
    value, without an error.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import LateRead, Loss
from outlive.hazards.catalog import Hazard
from outlive.hazards.late_reads import parent_of, told

BAD = """
with Session(engine, expire_on_commit=False) as session:
    book = session.get(Book, 1)
    book.price = 12
    session.commit()
print(book.changed_at)
"""

GOOD = """
with Session(engine, expire_on_commit=False) as session:
    book = session.get(Book, 1)
    book.price = 12
    session.commit()
    session.refresh(book, ["changed_at"])
print(book.changed_at)
"""


def check(flow: Flow) -> Iterator[Finding]:
    for read in flow.late_reads:
        if read.loss is Loss.FLUSH:
            yield Finding(
                read.place,
                told(read),
                evidence=read.evidence,
                help=what_to_do(read),
                # Where the refresh belongs, a person knows.
                fix=None,
                confidence=read.confidence,
            )


def what_to_do(read: LateRead) -> str:
    call = f'{"await " * read.is_async}session.refresh({parent_of(read)}, ["{read.attribute}"])'
    return f"call `{call}` {'before the session closes' if read.exit else 'before the read'}"


HAZARD = Hazard(code="OL105", module=__name__, doc=__doc__, raises="bhk3", bad=BAD, good=GOOD, check=check)
