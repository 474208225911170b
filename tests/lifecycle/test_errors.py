from __future__ import annotations

from outlive.lifecycle.errors import OutliveError, UsageError


def test_every_error_of_the_package_is_caught_as_one():
    assert issubclass(UsageError, OutliveError)
