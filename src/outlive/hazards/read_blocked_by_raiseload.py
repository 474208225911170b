"""What is mapped with ``lazy="raise"`` is read, and its query has not loaded it.

Why it matters
    Such a relationship is loaded by the queries that ask for it, and by nothing
    else.  Any other read raises ``InvalidRequestError``: in sync and async code,
    attached or detached, and for a new object as soon as it is flushed.  A commit
    throws away what was loaded, and reading it does not bring it back.
    ``lazy="raise_on_sql"`` spares what the session finds without SQL.

What to do
    Load the relationship with the query, through a loader option.  For an object
    that you already have: ``session.refresh(obj, ["items"])``.

Misses
    Objects from queries whose options cannot be read, such as a list that comes
    in as an argument; reads of what is loaded on some other path.  What the
    options ``raiseload()`` and ``defer(raiseload=True)`` guard: the runtime
    recorder sees that.  Assigning to a collection that is not loaded, which
    raises as reading it does.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import LateRead, Loss
from outlive.hazards.catalog import Hazard
from outlive.hazards.late_reads import loader_option, parent_of, told

BAD = """
class Writer(Base):
    __table__ = Author.__table__
    books: Mapped[list[Book]] = relationship(lazy="raise", viewonly=True)

with Session(engine) as session:
    writer = session.scalars(select(Writer)).one()
    print(writer.books)
"""

GOOD = """
class Writer(Base):
    __table__ = Author.__table__
    books: Mapped[list[Book]] = relationship(lazy="raise", viewonly=True)

with Session(engine) as session:
    writer = session.scalars(select(Writer).options(selectinload(Writer.books))).one()
    print(writer.books)
"""


def check(flow: Flow) -> Iterator[Finding]:
    for read in flow.guarded_reads:
        yield Finding(
            read.place,
            told(read),
            evidence=read.evidence,
            help=what_to_do(read),
            fix=read.load_fix or (read.keep_fix if read.was_eager else None),
            confidence=read.confidence,
        )


def what_to_do(read: LateRead) -> str:
    wait = "await " if read.is_async else ""
    reload = f'`{wait}session.refresh({parent_of(read)}, ["{read.attribute}"])`'
    if read.loss is Loss.NEVER_LOADED:
        return f"add {loader_option(read)} to the query, or call {reload} while it is in a session"
    if read.loss is Loss.COMMIT and read.was_eager:
        return f"pass `expire_on_commit=False` to the session, or call {reload} after the commit"
    return f"call {reload} before the read, while it is in a session"


HAZARD = Hazard(
    code="OL203", module=__name__, doc=__doc__, raises="InvalidRequestError", bad=BAD, good=GOOD, check=check
)
