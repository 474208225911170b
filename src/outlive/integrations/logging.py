"""Explanations in the log."""

from __future__ import annotations

import logging

from outlive.diagnosis.notes import note


class ExplainFilter(logging.Filter):
    """Adds the explanation of a lifetime error to the traceback that a record carries; lets every record pass.

        logging.getLogger().handlers[0].addFilter(ExplainFilter())

    On a handler it sees the records of all loggers.  Where ``outlive.watch()`` is on, most errors carry their
    explanation already; the filter also finds those inside the errors of serializers and frameworks.

    Args:
        redact: Leave primary keys out.
    """

    def __init__(self, *, redact: bool = False) -> None:
        super().__init__()
        self._redact = redact

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the note before the record is formatted."""
        if record.exc_info and record.exc_info[1] is not None:
            note(record.exc_info[1], redact=self._redact)
        return True
