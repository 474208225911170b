from __future__ import annotations

from typing import assert_type

import outlive
from outlive import Explanation, explain


def in_a_handler(error: Exception) -> None:
    assert_type(outlive.explain(error, redact=True), Explanation | None)


def with_an_exception_group(error: BaseExceptionGroup[Exception]) -> None:
    assert_type(explain(error), Explanation | None)


def read_it(explanation: Explanation) -> None:
    assert_type(explanation.what, str)
    assert_type(explanation.remedies, tuple[str, ...])
    assert_type(explanation.entity, str | None)
    assert_type(explanation.identity_key, tuple[object, ...] | None)
    assert_type([str(step.place) for step in explanation.where], list[str])
