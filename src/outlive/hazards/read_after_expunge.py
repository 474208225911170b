"""An unloaded attribute is read after its object was expunged.

Why it matters
    ``expunge()`` detaches one object from a session that lives on.  It keeps
    what was loaded and cannot load more: reading an unloaded relationship or
    deferred column raises ``DetachedInstanceError``, although the session is
    still open.

What to do
    Load the attribute with the query, or touch it before the ``expunge()``.
    Objects that were reached through it stay in the session: expunge them as
    well, or set ``cascade="all, expunge"`` on the relationship.

Misses
    An ``expunge()`` in a function that is not in the checked source.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import Exit, LateRead, Loss
from outlive.hazards.catalog import Hazard
from outlive.hazards.late_reads import loader_option, told

BAD = """
def detached_author(session):
    author = session.scalars(select(Author)).one()
    session.expunge(author)
    return author

with Session(engine) as session:
    print(detached_author(session).books)
"""

GOOD = """
def detached_author(session):
    author = session.scalars(select(Author).options(selectinload(Author.books))).one()
    session.expunge(author)
    return author

with Session(engine) as session:
    print(detached_author(session).books)
"""


def check(flow: Flow) -> Iterator[Finding]:
    for read in flow.late_reads:
        if read.loss is Loss.NEVER_LOADED and read.exit is Exit.EXPUNGE:
            yield Finding(
                read.place,
                told(read),
                evidence=read.evidence,
                help=what_to_do(read),
                fix=read.load_fix,
                confidence=read.confidence,
            )


def what_to_do(read: LateRead) -> str:
    return f"add {loader_option(read)} to the query"


HAZARD = Hazard(code="OL202", module=__name__, doc=__doc__, raises="bhk3", bad=BAD, good=GOOD, check=check)
