"""A file is not valid Python, so nothing in it can be checked.

Why it matters
    Silence about this file would look like a clean bill.  The rest of the
    program is checked, but what this file defines (models, factories, helper
    functions) is unknown to it.

What to do
    Correct the line.  If the file uses syntax newer than the Python that runs
    ``outlive``, install ``outlive`` with that newer Python.  A template or a
    fixture that is broken on purpose can be left out: ``--exclude``.

Misses
    Nothing: every file is parsed.
"""

from __future__ import annotations

from outlive.hazards.catalog import Hazard

BAD = """
with Session(engine) as session
    print(session.get(Book, 1).title)
"""

GOOD = """
with Session(engine) as session:
    print(session.get(Book, 1).title)
"""

HAZARD = Hazard(code="OL001", module=__name__, doc=__doc__, raises="SyntaxError", bad=BAD, good=GOOD, check=None)
