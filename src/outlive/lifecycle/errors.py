"""The errors of this package.

OutliveError
    UsageError              a command line, configuration or path that cannot be used (exit code 2)
    ObjectStateError        an object in a state that the call cannot work with: transient, detached, changed, ...
    MissingRowsError        the rows of objects or references are gone
    NotLoadedError          a value that was never taken is asked of a snapshot, which cannot load it
    InvalidReferenceError   a text that is no reference to a class of that registry (a ValueError)
    InvalidRecordingError   a file that is no recording, or one of a later version (a ValueError)
    LiveObjectError         a mapped object was about to leave its session's process or task (a TypeError)
    SkippedTaskError        a task was not run, because rows that it was sent are gone or have changed
    NotSentError            a transaction was committed, and what was to be sent then could not be sent
    SchemaError             a schema names what its mapped class lacks (a ValueError)
    SetupError              an integration whose parts do not fit together: what was found, what to do
    ReadOnlyError           a session that was asked for reading is used to write
    UnsafeError             what an audit found would fail once the session has closed (an AssertionError)

Where SQLAlchemy has an exception of its own, that one is raised: ``UnmappedInstanceError`` for an object without a
mapping, ``StaleDataError`` for a version counter that does not match.

Each can be made of its message alone: pickle and the result backends of task queues do.
"""

from __future__ import annotations

from collections.abc import Sequence


class OutliveError(Exception):
    """Base of all errors that this package raises itself."""


class UsageError(OutliveError):
    """A command line, configuration or path that cannot be used: what was wrong, what was expected, where."""


class ObjectStateError(OutliveError):
    """An object in a state that the call cannot work with; the message names the object and the remedy."""


class MissingRowsError(OutliveError):
    """The rows of some of the given objects or references no longer exist.

    Attributes:
        missing: Those objects or references, in the order in which they were given.
    """

    def __init__(self, message: str, missing: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.missing = tuple(missing)


class NotLoadedError(OutliveError):
    """A value that was never taken is asked of a snapshot, which cannot load it.

    Not an ``AttributeError``: ``getattr`` with a default, and pydantic, would take the absence for a value.
    """


class InvalidReferenceError(OutliveError, ValueError):
    """A text or an object that makes no reference: what was wrong and what was expected."""


class LiveObjectError(OutliveError, TypeError):
    """A mapped object was about to cross a boundary that it does not survive: a queue, a thread, another task.

    Attributes:
        paths: Where in the arguments, ``args[0]['lines'][2]``; in the order in which they were found.
    """

    def __init__(self, message: str, paths: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.paths = tuple(paths)


class LiveObjectWarning(UserWarning):
    """What ``LiveObjectError`` says, where the caller has asked for a warning."""


class SkippedTaskError(OutliveError):
    """A task was not run: rows that it was sent are gone or have changed, and the policy is to skip it then."""


class NotSentError(OutliveError):
    """A transaction was committed, and some of what was to be sent then could not be sent.

    Attributes:
        errors: What the queue has raised, in the order in which they were to be sent.
    """

    def __init__(self, message: str, errors: Sequence[Exception] = ()) -> None:
        super().__init__(message)
        self.errors = tuple(errors)


class InvalidRecordingError(OutliveError, ValueError):
    """A file that is no recording, or one of a later version."""


class SchemaError(OutliveError, ValueError):
    """A schema names what its mapped class lacks, or needs what cannot be derived."""


class SetupError(OutliveError):
    """An integration whose parts do not fit together: what was found, and what to do."""


class ReadOnlyError(OutliveError):
    """A session that was asked for reading is used to write."""


class UnsafeError(OutliveError, AssertionError):
    """What an audit found would fail once the session has closed."""
