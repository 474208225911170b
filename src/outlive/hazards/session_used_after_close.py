"""A session is used after it was closed, and nobody closes it again.

Why it matters
    A closed ``Session`` can be used again: it begins anew.  What was to come at
    the end of its block has already happened, so what is added now is never
    committed, and the connection that it takes stays away from the pool until
    the garbage collector comes by; that of an async engine is terminated then.
    A session made with ``close_resets_only=False`` raises ``InvalidRequestError``.

    ``next(get_session())`` is such a use: no name holds the generator, so it is
    collected at once, which ends its ``with`` and runs its ``finally``.  That of
    an async generator runs a little later, while the session is in use: errors
    such as ``IllegalStateChangeError`` are raised where nobody sees them.

What to do
    Do the work inside the block.  Outside a framework, enter a dependency as a
    context manager: ``with contextmanager(get_session)() as session:``.

Misses
    Sessions that were closed by a call of ``close()``, that come in as an
    argument, or that somebody else may still close.  Scripts: what happens at
    the top level of a module.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import Reopened
from outlive.hazards.catalog import Hazard

BAD = """
def get_session():
    with SessionLocal.begin() as session:
        yield session

def add_book(title):
    session = next(get_session())
    session.add(Book(title=title))

add_book("Lavinia")
with Session(engine) as session:
    assert "Lavinia" not in session.scalars(select(Book.title)).all()
"""

GOOD = """
from contextlib import contextmanager

@contextmanager
def get_session():
    with SessionLocal.begin() as session:
        yield session

def add_book(title):
    with get_session() as session:
        session.add(Book(title=title))

add_book("Lavinia")
with Session(engine) as session:
    assert "Lavinia" in session.scalars(select(Book.title)).all()
"""


def check(flow: Flow) -> Iterator[Finding]:
    for use in flow.reopened_sessions:
        yield Finding(
            use.place,
            f"`{use.text}`: {harm(use)}",
            evidence=use.evidence,
            help=what_to_do(use),
            # What belongs into the block is for a person to say.
            fix=None,
            confidence=use.confidence,
        )


def harm(use: Reopened) -> str:
    if use.is_final:
        return "the session is closed for good: InvalidRequestError"
    if use.is_collected and use.is_async:
        return "nothing holds the session's generator, whose end closes it while it is used"
    if use.is_collected:
        return (
            "nothing holds the session's generator, whose end has closed it; here it begins anew, and nobody ends that"
        )
    return "the session's block has closed it; here it begins anew, and nobody ends that"


def what_to_do(use: Reopened) -> str:
    if use.is_collected:
        manager = "asynccontextmanager" if use.is_async else "contextmanager"
        return f"enter the generator as a context manager (`contextlib.{manager}`), and work inside"
    return "do it inside the block, or open another session"


HAZARD = Hazard(code="OL707", module=__name__, doc=__doc__, raises=None, bad=BAD, good=GOOD, check=check)
