"""A call of an async session is not awaited.

Why it matters
    The methods of an ``AsyncSession`` that talk to the database give coroutines.
    A coroutine that nobody awaits never runs: a ``commit()`` writes nothing, and
    all that is left of it is a ``RuntimeWarning``.  Used as if it were the
    result it raises ``AttributeError`` or ``TypeError``, or it is true where the
    row would have been ``None``.

What to do
    Write ``await``.  ``await session.execute(query).scalars()`` awaits what comes
    last: it has to be ``(await session.execute(query)).scalars()``.  Methods that
    only change the session itself (``add``, ``expunge``, ``expire``) are not
    awaited.

Misses
    Coroutines that are kept under a name, or in a list, and never used.
    Functions that are not async themselves, where only an annotation says what
    session they are given.
    Sessions of a class of the program's own that come in as an argument: it may
    have methods that are not async.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import Unawaited
from outlive.hazards.catalog import Hazard

BAD = """
async def books_after_adding(title):
    async with AsyncSessionLocal() as session:
        session.add(Book(title=title))
        session.commit()
    async with AsyncSessionLocal() as session:
        return (await session.scalars(select(Book.title))).all()

assert "Lavinia" not in asyncio.run(books_after_adding("Lavinia"))
"""

GOOD = """
async def books_after_adding(title):
    async with AsyncSessionLocal() as session:
        session.add(Book(title=title))
        await session.commit()
    async with AsyncSessionLocal() as session:
        return (await session.scalars(select(Book.title))).all()

assert "Lavinia" in asyncio.run(books_after_adding("Lavinia"))
"""


def check(flow: Flow) -> Iterator[Finding]:
    for call in flow.unawaited_calls:
        yield Finding(
            call.place,
            f"`{call.text}` is not awaited: {harm(call)}",
            evidence=call.evidence,
            help="write `await` in front of it" if call.fix else "await it, in an async function",
            fix=call.fix,
            confidence=call.confidence,
        )


def harm(call: Unawaited) -> str:
    match call.use:
        case None:
            return "it never runs"
        case "":
            return "what is tested is the coroutine, which is always true"
        case "__iter__":
            return "what it gives is a coroutine, which cannot be iterated over"
        case _:
            return f"what it gives is a coroutine, which has no `{call.use}`"


HAZARD = Hazard(code="OL303", module=__name__, doc=__doc__, raises=None, bad=BAD, good=GOOD, check=check)
