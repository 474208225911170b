"""A response is streamed from a session that has been closed before.

Why it matters
    The generator behind a ``StreamingResponse`` runs when the function that made
    it has returned, so when its ``with`` has closed the session.  Reading what is
    not loaded raises ``DetachedInstanceError``, a result of the session
    ``InvalidRequestError``: the client has its 200 already, and gets half of the
    answer.  Queries go through, and for that the closed session begins anew: what
    they add is never committed, and the connection stays away from the pool until
    the garbage collector comes by.

What to do
    Open the session in the generator, or give it values that are loaded already.
    A dependency of FastAPI stays open until the stream has ended; not so with
    ``scope="function"``, nor any dependency in FastAPI 0.106 to 0.117.

Misses
    Generator expressions, iterators that are instances of classes, sessions of a
    middleware, and responses that the check does not know: see the key
    ``libraries`` of the configuration.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Confidence, Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import LateStream
from outlive.hazards.catalog import Hazard
from outlive.hazards.late_reads import told

BAD = """
from flask import Flask, Response
app = Flask("shop")

def titles(author):
    for book in author.books:
        yield book.title

@app.get("/authors/<int:author_id>/titles")
def list_titles(author_id):
    with Session(engine) as session:
        return Response(titles(session.get(Author, author_id)))

print(app.test_client().get("/authors/1/titles").text)
"""

GOOD = """
from flask import Flask, Response
app = Flask("shop")

def titles(author_id):
    with Session(engine) as session:
        for book in session.get(Author, author_id).books:
            yield book.title

@app.get("/authors/<int:author_id>/titles")
def list_titles(author_id):
    return Response(titles(author_id))

print(app.test_client().get("/authors/1/titles").text)
"""


def check(flow: Flow) -> Iterator[Finding]:
    for stream in flow.late_streams:
        yield Finding(
            stream.place,
            f"when {sender(stream)} runs this, {harm(stream)}",
            evidence=stream.evidence,
            help="open the session in the generator, or load before what it needs",
            # Where the session belongs is for a person to say.
            fix=None,
            confidence=stream.read.confidence if stream.read is not None else Confidence.LIKELY,
        )


def sender(stream: LateStream) -> str:
    return f"`{stream.call}`" if stream.call else "the response"


def harm(stream: LateStream) -> str:
    if stream.read is not None:
        return told(stream.read)
    if stream.is_result:
        return "the session of its result is closed"
    return "its session is closed; it begins anew, and nobody ends that"


HAZARD = Hazard(code="OL605", module=__name__, doc=__doc__, raises="bhk3", bad=BAD, good=GOOD, check=check)
