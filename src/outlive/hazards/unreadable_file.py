"""A file cannot be read as Python source, so nothing in it was checked.

Why it matters
    Silence about this file would look like a clean bill.  It is named when it
    may not be opened (permission denied), is binary or contains a null byte,
    cannot be decoded (neither UTF-8 nor the encoding that its first lines
    declare), or is larger than 10 MB.  The rest of the program is checked.

What to do
    Give the file its permission or its encoding back: save it as UTF-8, or
    declare the encoding in the first line (``# -*- coding: latin-1 -*-``).  Leave
    out what is not source code, such as generated data: ``--exclude``.

Misses
    Nothing: every file is opened.
"""

from __future__ import annotations

from outlive.hazards.catalog import Hazard

HAZARD = Hazard(code="OL002", module=__name__, doc=__doc__, raises=None, bad="", good="", check=None)
