"""A primary key is read from a new object before anything was flushed.

Why it matters
    ``session.add(obj)`` sends nothing.  The database gives out the key with the
    INSERT, at the next flush; until then the attribute reads ``None``, without
    an error.  The ``None`` then travels: into a foreign key, a URL, a response
    that says ``"id": null``.

What to do
    Call ``session.flush()`` after ``add``: the key is there, the transaction
    stays open.  To link two new objects, assign the relationship instead of the
    key: ``Book(author=author)``.

Misses
    Keys that the mapping fills in itself (a client-side default) also appear
    with the flush only; keys passed to the constructor are there at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import EarlyKeyRead
from outlive.hazards.catalog import Hazard

BAD = """
with Session(engine) as session:
    author = Author(name="Octavia")
    session.add(author)
    response = {"id": author.id}
    session.commit()

assert response["id"] is None
"""

GOOD = """
with Session(engine) as session:
    author = Author(name="Octavia")
    session.add(author)
    session.flush()
    response = {"id": author.id}
    session.commit()

assert response["id"] == 2
"""


def check(flow: Flow) -> Iterator[Finding]:
    for read in flow.early_key_reads:
        yield Finding(
            read.place,
            f"{read.text} is None until the session flushes",
            evidence=read.evidence,
            help=what_to_do(read),
            fix=read.fix,
            confidence=read.confidence,
        )


def what_to_do(read: EarlyKeyRead) -> str:
    return f"call `{'await ' if read.is_async else ''}session.flush()` before reading {read.text}"


HAZARD = Hazard(code="OL603", module=__name__, doc=__doc__, raises=None, bad=BAD, good=GOOD, check=check)
