"""A mapped object is kept by a cache or a field, and read when its session is gone.

Why it matters
    The first call works with an object of the caller's session.  Every later one
    gets the same object, or a pickled copy of it, detached: what the commit has
    expired, or what nobody had loaded, raises ``DetachedInstanceError``.  What is
    still readable is out of date, and changes of it are never saved.

What to do
    Keep values: a number, a dict, a ``snapshot``.  Or take the object into the
    session at hand with ``session.merge(kept, load=False)`` before it is read.

Misses
    Caches, dicts and fields that more than one line fills; what one file puts into a
    cache and another one takes out; methods that others of the same class call, since
    the session may be open then; and decorators and caches that the check does not
    know: see the key ``libraries`` of the configuration.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Confidence, Finding
from outlive.check.flow import Flow
from outlive.hazards.catalog import Hazard
from outlive.hazards.late_reads import told

BAD = """
from functools import cache
from sqlalchemy.orm import scoped_session
current = scoped_session(SessionLocal)

@cache
def get_book(book_id):
    return current.get(Book, book_id)

def raise_price():
    get_book(1).price += 1
    current.commit()
    current.remove()
raise_price(), raise_price()
"""

GOOD = """
from sqlalchemy.orm import scoped_session
current = scoped_session(SessionLocal)

def get_book(book_id):
    return current.get(Book, book_id)

def raise_price():
    get_book(1).price += 1
    current.commit()
    current.remove()
raise_price(), raise_price()
"""


def check(flow: Flow) -> Iterator[Finding]:
    for found in flow.cached_reads:
        yield Finding(
            found.read.place,
            f"{found.since}, {told(found.read)}",
            evidence=found.evidence,
            help=f"let `{found.keeper}` keep values, or merge the {found.read.entity} into the session first",
            # An edit here would have to change what the function returns, and everybody who calls it.
            fix=None,
            confidence=Confidence.LIKELY,
        )


HAZARD = Hazard(code="OL503", module=__name__, doc=__doc__, raises="bhk3", bad=BAD, good=GOOD, check=check)
