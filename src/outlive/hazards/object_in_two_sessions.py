"""An object that lives in one session is given to another one.

Why it matters
    An object is in one session at a time.  ``add`` of an object that another
    open session holds raises ``InvalidRequestError: Object ... is already
    attached to session``.  So does whatever leads to it: adding a new object
    whose relationship points at it, or assigning it to a relationship of an
    object that is in a session already.

    This is what happens when a dependency, a task or a helper opens a session of
    its own and its caller's object comes along.

What to do
    Use one session for both.  Where two are needed, hand over the key: set the
    foreign key (``author_id=author.id``), or load the object again.
    ``author = session.merge(author)`` gives you that session's own copy.

Misses
    Sessions whose origin is not in the checked source, and relationships without
    the save-update cascade: these write nothing, and say so with a warning.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import SecondSession
from outlive.hazards.catalog import Hazard

BAD = """
with Session(engine) as session:
    author = session.get(Author, 1)
    with Session(engine) as other:
        other.add(Book(title="Lavinia", author=author))
        other.commit()
"""

GOOD = """
with Session(engine) as session:
    author = session.get(Author, 1)
    with Session(engine) as other:
        other.add(Book(title="Lavinia", author_id=author.id))
        other.commit()
"""


def check(flow: Flow) -> Iterator[Finding]:
    for found in flow.second_sessions:
        yield Finding(
            found.place,
            f"`{found.text}` takes a mapped {found.entity} that another session holds{through(found)}",
            evidence=found.evidence,
            help=what_to_do(found),
            # Which of the sessions is the right one is for a person to say.
            fix=None,
            confidence=found.confidence,
        )


def through(found: SecondSession) -> str:
    """The relationship, where the text does not show it."""
    shown = not found.way or found.text.endswith(found.way.partition(".")[2])
    return "" if shown else f", through `{found.way}`"


def what_to_do(found: SecondSession) -> str:
    wait = "await " if found.is_async else ""
    instead = "set the foreign key instead, or " if found.way else ""
    return f"{instead}take this session's own copy: `{wait}session.merge(...)`"


HAZARD = Hazard(
    code="OL702", module=__name__, doc=__doc__, raises="InvalidRequestError", bad=BAD, good=GOOD, check=check
)
