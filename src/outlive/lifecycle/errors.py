"""The errors of this package.

OutliveError
    UsageError          a command line, configuration or path that cannot be used (exit code 2)
"""

from __future__ import annotations


class OutliveError(Exception):
    """Base of all errors that this package raises itself."""


class UsageError(OutliveError):
    """A command line, configuration or path that cannot be used: what was wrong, what was expected, where."""
