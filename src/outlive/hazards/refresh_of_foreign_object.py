"""A session is asked to refresh, expire, expunge or delete an object that it does not hold.

Why it matters
    These methods act on objects of *this* session.  An object that was loaded by
    a session since closed is detached, one of another open session belongs
    there, and a new one is in no session yet: all raise
    ``InvalidRequestError: Instance ... is not persistent within this Session``
    or its kin.

What to do
    Bring the object in first and work with what you get:
    ``obj = session.merge(obj)``, or load it again by its key.
    ``session.add(obj)`` takes a detached object back as it is.

Misses
    Objects and sessions whose origin is not in the checked source.  Deleting a
    detached object is fine: ``delete`` takes it back into the session.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import ForeignUse
from outlive.hazards.catalog import Hazard

BAD = """
with Session(engine) as session:
    book = session.get(Book, 1)

with Session(engine) as session:
    session.refresh(book)
    print(book.price)
"""

GOOD = """
with Session(engine) as session:
    book = session.get(Book, 1)

with Session(engine) as session:
    book = session.merge(book)
    session.refresh(book)
    print(book.price)
"""


def check(flow: Flow) -> Iterator[Finding]:
    for use in flow.foreign_uses:
        yield Finding(
            use.place,
            f"`{use.method}` of {use.text}, which is {use.why}",
            evidence=use.evidence,
            help=what_to_do(use),
            confidence=use.confidence,
        )


def what_to_do(use: ForeignUse) -> str:
    if use.why == "never added":
        return f"add {use.text} to the session first, or leave the `{use.method}` out"
    wait = "await " if use.is_async else ""
    return f"bring it in first: `{use.text} = {wait}session.merge({use.text})`"


HAZARD = Hazard(
    code="OL701", module=__name__, doc=__doc__, raises="InvalidRequestError", bad=BAD, good=GOOD, check=check
)
