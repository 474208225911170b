"""A schema or a template reads an attribute that is not loaded and cannot be.

Why it matters
    ``from_attributes`` reads every field that the schema declares, whether it has
    a default or not.  FastAPI does that with the response model right after the
    path operation returns.  A relationship that nobody loaded, or an attribute
    that a commit expired, then fails the validation: the client gets 500.
    Strawberry resolves the fields of an object when its resolver has returned it,
    and closed its session: a client that asks for them gets an error.
    ``msgspec.convert`` swallows the error, and a field with a default has that.
    A template of Jinja is rendered at the call, and reads what it shows: with an
    async session it cannot load either.

What to do
    Load with the query what the schema declares or the template shows, or leave
    it out.

Misses
    Resolvers of Strawberry that choose what they load by what the client asks for,
    and fields with resolvers of their own.  Schemas with a validator that sees the object first.  Templates where Jinja
    is not installed beside Outlive, those that are not in a folder ``templates``
    (or one that the program names) beside the module or above it, and what they
    show under a condition that nothing is known about.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import LateRead, Loss
from outlive.hazards.catalog import Hazard
from outlive.hazards.late_reads import loader_option, told

BAD = """
from pydantic import BaseModel

class AuthorOut(BaseModel, from_attributes=True):
    id: int
    books: list[object] = []

with Session(engine) as session:
    author = session.scalars(select(Author)).one()
answer = AuthorOut.model_validate(author)
"""

GOOD = """
from pydantic import BaseModel

class AuthorOut(BaseModel, from_attributes=True):
    id: int
    books: list[object] = []

with Session(engine) as session:
    author = session.scalars(select(Author).options(selectinload(Author.books))).one()
answer = AuthorOut.model_validate(author)
"""


def check(flow: Flow) -> Iterator[Finding]:
    for read in flow.schema_reads:
        yield Finding(
            read.place,
            f"{told(read)}; the {read.reader} reads it",
            evidence=read.evidence,
            help=what_to_do(read),
            fix=read.load_fix or (read.keep_fix if read.loss is Loss.COMMIT else None),
            confidence=read.confidence,
        )


def what_to_do(read: LateRead) -> str:
    match read.loss:
        case Loss.NEVER_LOADED:
            return f"add {loader_option(read)} to the query, or leave `{read.attribute}` out of the {read.reader}"
        case Loss.COMMIT:
            return "pass `expire_on_commit=False` to the session, or call `refresh()` after the commit"
        case _:
            return f'call `refresh(..., ["{read.attribute}"])` before the {read.reader} reads it'


HAZARD = Hazard(code="OL602", module=__name__, doc=__doc__, raises="ValidationError", bad=BAD, good=GOOD, check=check)
