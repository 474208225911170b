"""The result of ``session.merge()`` is thrown away and the original is used.

Why it matters
    ``merge(obj)`` copies ``obj`` onto an object of the session and returns that
    one; ``obj`` itself stays outside.  What is changed on the original
    afterwards is never written, without an error.  Refreshing it raises.

What to do
    Work with what merge returns: ``obj = session.merge(obj)``.

Misses
    An original that is used in a function that is not in the checked source.
    Merging an object that already is in this session returns the same object:
    this is not reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import IgnoredMerge
from outlive.hazards.catalog import Hazard

BAD = """
with Session(engine) as session:
    book = session.get(Book, 1)

with Session(engine) as session:
    session.merge(book)
    book.price = 25
    session.commit()

with Session(engine) as session:
    assert session.get(Book, 1).price == 10
"""

GOOD = """
with Session(engine) as session:
    book = session.get(Book, 1)

with Session(engine) as session:
    book = session.merge(book)
    book.price = 25
    session.commit()

with Session(engine) as session:
    assert session.get(Book, 1).price == 25
"""


def check(flow: Flow) -> Iterator[Finding]:
    for merge in flow.ignored_merges:
        yield Finding(
            merge.place,
            f"the merged object is thrown away, and {merge.text} is {merge.use} although it is not in the session",
            evidence=merge.evidence,
            help=what_to_do(merge),
            fix=merge.fix,
            confidence=merge.confidence,
        )


def what_to_do(merge: IgnoredMerge) -> str:
    return f"keep the result: `{merge.text} = {'await ' if merge.is_async else ''}session.merge({merge.text})`"


HAZARD = Hazard(code="OL703", module=__name__, doc=__doc__, raises=None, bad=BAD, good=GOOD, check=check)
