"""What is said of a failing test."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from outlive.diagnosis import explain
from outlive.diagnosis.acts import ERASED, LEFT
from outlive.diagnosis.kinds import message_of
from outlive.lifecycle.causes import Cause
from outlive.lifecycle.explanation import Explanation
from outlive.sessions.acts import Departure

_MOST = 3
_CAUGHT = "Caught before it reached the test, and so perhaps not what failed here:"
_SHAPED = "Sessions are production-shaped in this test (`--outlive-production-sessions`):"
_EXPIRED = """\
they expire at a commit, also with `expire_on_commit=False`.
  - If production keeps values at a commit too: `outlive_production_sessions = close` in the ini file."""
_LEFT = """\
at the end of a request they let go of what it has loaded.
  - To leave a test alone: `@pytest.mark.outlive(production_sessions=False)`."""


def told(error: BaseException, caught: Sequence[Explanation], *, redact: bool, is_overruled: bool) -> str:
    """The explanations of what a test has failed with, or of what was caught on the way; empty without either.

    Args:
        error: What it has failed with.
        caught: The lifetime errors that were raised meanwhile.
        redact: Leave primary keys out.
        is_overruled: Whether sessions expired at a commit though they were told not to.
    """
    texts = _distinct(it for one in _members(error) if (it := explain(one, redact=redact)))
    if not texts and (whole := explain(error, redact=redact)):
        texts = [str(whole)]
    # An assertion about them has said it all.
    if not texts and (others := [it for it in _distinct(caught) if it not in message_of(error)]):
        texts = [_CAUGHT, *others[-_MOST:]]
    said = "\n\n".join(texts)
    if is_overruled and f"expired here by {ERASED[Cause.COMMIT]}" in said:
        said += f"\n\n{_SHAPED} {_EXPIRED}"
    if LEFT[Departure.REQUEST] in said:
        said += f"\n\n{_SHAPED} {_LEFT}"
    return said


def _distinct(explanations: Iterator[Explanation] | Sequence[Explanation]) -> list[str]:
    return [*dict.fromkeys(map(str, explanations))]


def _members(error: BaseException) -> Iterator[BaseException]:
    """The errors of a group, each on its own; an error that is no group."""
    if isinstance(error, BaseExceptionGroup):
        for one in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _members(one)
    else:
        yield error
