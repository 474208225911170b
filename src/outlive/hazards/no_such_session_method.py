"""A method is called that SQLAlchemy's session does not have.

Why it matters
    ``session.clear()`` and its like circulate in answers and articles; they come
    from other libraries or from versions long gone.  The line raises
    ``AttributeError`` when it is first reached, which is often in an error path.

What to do
    Use the method that exists: ``expunge_all()`` for ``clear()``, ``add()`` for
    ``save()`` and ``persist()``, ``expunge()`` for ``detach()`` and ``evict()``,
    ``get()`` for ``find()``.  ``AsyncSession`` has no ``query``: use
    ``await session.execute(select(...))``.

Misses
    Subclasses of the session whose definition is not in the checked source may
    have any method: nothing is reported for them.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import UnknownMethod
from outlive.hazards.catalog import Hazard

BAD = """
with Session(engine) as session:
    books = session.scalars(select(Book)).all()
    session.clear()
    print(len(books))
"""

GOOD = """
with Session(engine) as session:
    books = session.scalars(select(Book)).all()
    session.expunge_all()
    print(len(books))
"""


def check(flow: Flow) -> Iterator[Finding]:
    for call in flow.unknown_methods:
        yield Finding(
            call.place,
            f"{call.session_class} has no method `{call.method}`",
            evidence=call.evidence,
            help=what_to_do(call),
            fix=call.fix,
            confidence=call.confidence,
        )


def what_to_do(call: UnknownMethod) -> str | None:
    return f"call `{call.instead}` instead" if call.instead else None


HAZARD = Hazard(code="OL705", module=__name__, doc=__doc__, raises="AttributeError", bad=BAD, good=GOOD, check=check)
