"""A relationship is read after its session has closed.

Why it matters
    Closing a session detaches its objects.  A detached object keeps what was
    loaded and cannot load more, so reading an unloaded relationship (or deferred
    column) raises ``DetachedInstanceError``.

What to do
    Load the relationship with the query, through a loader option, or read it
    before the session closes.  A many-to-one may be served from the session's
    identity map without any SQL: then the bug hides in tests.

Misses
    Objects handed to a function whose definition is not in the checked source.
    The runtime recorder sees those.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import Exit, LateRead, Loss
from outlive.hazards.catalog import Hazard
from outlive.hazards.late_reads import loader_option, told

BAD = """
with Session(engine) as session:
    author = session.scalars(select(Author)).one()
print(author.books)
"""

GOOD = """
with Session(engine) as session:
    author = session.scalars(select(Author).options(selectinload(Author.books))).one()
print(author.books)
"""


def check(flow: Flow) -> Iterator[Finding]:
    for read in flow.late_reads:
        if never_loaded_then_closed(read) or dropped_relationship(read):
            yield Finding(
                read.place,
                told(read),
                evidence=read.evidence,
                help=what_to_do(read),
                fix=read.load_fix,
                confidence=read.confidence,
            )


def never_loaded_then_closed(read: LateRead) -> bool:
    return read.loss is Loss.NEVER_LOADED and read.exit in (Exit.CLOSE, Exit.LOSS)


def dropped_relationship(read: LateRead) -> bool:
    """``refresh()`` drops a relationship that had been loaded lazily."""
    return read.loss is Loss.REFRESH and read.exit is not None and read.is_relationship


def what_to_do(read: LateRead) -> str:
    return f"add {loader_option(read)} to the query, or read it before the session closes"


HAZARD = Hazard(code="OL201", module=__name__, doc=__doc__, raises="bhk3", bad=BAD, good=GOOD, check=check)
