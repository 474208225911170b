"""A mapped object is sent to a Celery task.

Why it matters
    A task's arguments cross a process boundary.  The json serializer refuses the
    object with an ``EncodeError`` that does not say why.  The pickle serializer
    takes it, and the worker gets a detached copy: it fails at the first unloaded
    attribute, or works with values that are out of date.

What to do
    Send the primary key and load the object in the task.  Commit first, or the
    worker may look for a row that is not there yet.  ``protect`` of
    ``outlive.integrations.celery`` refuses objects, or sends references that
    arrive as objects; ``delay_on_commit`` sends after the commit.

Misses
    Objects inside containers or other objects, and queues other than Celery that
    the key ``libraries`` of the configuration does not name.
"""

from __future__ import annotations

from collections.abc import Iterator

from outlive.check.findings import Finding
from outlive.check.flow import Flow
from outlive.check.flow.observations import Handover
from outlive.hazards.catalog import Hazard

BAD = """
from celery import Celery

app = Celery("bookshop", broker="memory://")

@app.task
def print_label(book):
    print(book.title)

with Session(engine) as session:
    book = session.get(Book, 1)
    print_label.delay(book)
"""

GOOD = """
from celery import Celery

app = Celery("bookshop", broker="memory://")

@app.task
def print_label(book_id):
    with Session(engine) as session:
        print(session.get(Book, book_id).title)

with Session(engine) as session:
    book = session.get(Book, 1)
    print_label.delay(book.id)
"""


def check(flow: Flow) -> Iterator[Finding]:
    for sent in flow.handovers:
        yield Finding(
            sent.place,
            f"`{sent.call}` sends {sent.text}, a mapped {sent.entity}, out of its session",
            evidence=sent.evidence,
            help=what_to_do(sent),
            # An edit here would have to change the task as well, which may be anywhere.
            fix=None,
            confidence=sent.confidence,
        )


def what_to_do(sent: Handover) -> str:
    argument = f"`{sent.text}.{sent.key}`" if sent.key else "its primary key"
    return f"send {argument} and load the {sent.entity} in the task"


HAZARD = Hazard(code="OL501", module=__name__, doc=__doc__, raises="EncodeError", bad=BAD, good=GOOD, check=check)
