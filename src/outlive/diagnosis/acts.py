"""What was noted while somebody watched: who erased a value, who detached its object, and where."""

from __future__ import annotations

from dataclasses import replace

from outlive.diagnosis.objects import Subject
from outlive.diagnosis.reads import FailedRead, Gap
from outlive.lifecycle.causes import Cause
from outlive.lifecycle.evidence import Evidence
from outlive.sessions.acts import Departure, place_at
from outlive.sessions.expiry import NEVER, UNSEEN

ERASED: dict[object, str] = {
    Cause.COMMIT: "the commit",
    Cause.ROLLBACK: "the rollback",
    Cause.FLUSH: "the flush of an UPDATE, whose result only the database knows",
    Cause.BULK_UPDATE: "an UPDATE in SQL",
    Cause.BULK_DELETE: "a DELETE in SQL",
    Cause.MERGE: "merge()",
    Cause.REFRESH: "refresh(), which erases what it does not load again",
    Cause.EXPIRE: "expire()",
    Cause.EXPIRE_ALL: "expire_all()",
}
LEFT: dict[object, str] = {
    Departure.CLOSE: "its session was closed",
    Departure.EXPUNGE: "it was expunged",
    Departure.EXPUNGE_ALL: "expunge_all() took all objects out of its session",
    Departure.DELETE: "it was deleted, which takes an object out of its session",
    Departure.ROLLBACK: "the rollback took it out of its session, to which it had been added",
    Departure.REQUEST: "its request was over, and outside of tests its session is closed then",
    Departure.COLLECTED: "nothing held its session any longer, and Python let that go",
}
_HAZARDS: dict[object, str] = {
    Cause.ROLLBACK: "read-after-rollback",
    Cause.FLUSH: "server-value-expired-by-flush",
    Cause.BULK_UPDATE: "server-value-expired-by-flush",
    Cause.EXPIRE: "expire-then-read",
    Cause.EXPIRE_ALL: "expire-then-read",
    Cause.REFRESH: "expire-then-read",
}
_IN_WHOLE = frozenset({Cause.COMMIT, Cause.ROLLBACK})
_RELATIONSHIP = frozenset({Gap.UNLOADED, Gap.LOST})


def with_acts(read: FailedRead) -> FailedRead:
    """The read, told by what was noted of it instead of what the state of its object alone lets one guess.

    Whether the object was expired as a whole, and whether its session keeps values, is said as the remedies need it.
    """
    if read.erased is UNSEEN or read.gap is Gap.LEFT_OUT:
        return replace(read, erased=UNSEEN)
    if read.erased is not NEVER:
        return replace(
            read,
            gap=Gap.LOST if read.gap in _RELATIONSHIP else Gap.EXPIRED,
            is_expired=read.erased.what in _IN_WHOLE,
            keeps_on_commit=read.erased.what is not Cause.COMMIT,
        )
    if not read.is_expired or read.key_erased in (NEVER, UNSEEN):
        return replace(read, erased=UNSEEN)
    # What erased the key would have erased this as well.
    return replace(read, erased=read.key_erased, keeps_on_commit=read.key_erased.what is not Cause.COMMIT)


def hazard_of_act(read: FailedRead) -> str | None:
    """The hazard that what erased the value makes it; ``None`` where that does not decide."""
    return None if read.gap not in (Gap.EXPIRED, Gap.LOST) else _HAZARDS.get(read.erased.what)


def acts_before(read: FailedRead | None) -> tuple[Evidence, ...]:
    """Where the object's session was made, it was loaded, its value erased, and detached, in the order of time."""
    if read is None:
        return ()
    loaded = (*_birth(read.subject), *((Evidence(read.query, "loaded here"),) if read.query else ()))
    left, erased = _departure(read.subject), read.erased
    if erased.place is None:
        return (*loaded, *left)
    expired = (Evidence(erased.place, f"expired here by {ERASED[erased.what]}"),)
    is_later = read.subject.left is not None and read.subject.left.order < erased.order
    return (*loaded, *left, *expired) if is_later else (*loaded, *expired, *left)


def departures_before(subject: Subject) -> tuple[Evidence, ...]:
    """Where the object's session was made, if that was for somebody, and where it left it, as far as it was seen."""
    return (*_birth(subject), *_departure(subject))


def _birth(subject: Subject) -> tuple[Evidence, ...]:
    born = subject.born
    place = place_at(born.at) if born and born.maker else None
    return (Evidence(place, f"its session was made here by {born.maker}"),) if born and place else ()


def _departure(subject: Subject) -> tuple[Evidence, ...]:
    left = subject.left
    if left is None or left.place is None:
        return ()
    if left.what is not Departure.COLLECTED:
        return (Evidence(left.place, f"detached here: {LEFT[left.what]}"),)
    # What its birth says as well.
    return () if _birth(subject) else (Evidence(left.place, "its session was made here"),)
