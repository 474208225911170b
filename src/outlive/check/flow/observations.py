"""What the flow saw: the questions that hazards ask, answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from outlive.check.findings import Confidence, Fix
from outlive.lifecycle.evidence import Evidence
from outlive.lifecycle.places import Place


class Loss(StrEnum):
    """Why an attribute has no value."""

    COMMIT = "commit"
    ROLLBACK = "rollback"
    FLUSH = "flush"
    EXPIRE = "expire"
    REFRESH = "refresh"
    NEVER_LOADED = "never loaded"


class Exit(StrEnum):
    """What detached an object."""

    CLOSE = "close"
    EXPUNGE = "expunge"
    LOSS = "loss"
    """Nothing holds the session any longer."""


@dataclass(frozen=True, slots=True)
class LateRead:
    """A read of an attribute that has no value, where SQLAlchemy cannot load it.

    Either the object is detached, or its session is async and the read is not awaited.

    Attributes:
        place: The read; in the frame in which the value was lost, so a read inside a callee stands at the call.
        text: The expression as written there (``order.items``), or ``Order.items`` where the read is in a callee.
        entity: Class name of the object.
        attribute: Name of the attribute.
        is_relationship: A relationship; otherwise a column.
        loss: Why it has no value.
        exit: What detached the object; ``None`` while it is attached (then ``is_async`` is true).
        is_async: The object's session is an ``AsyncSession``.
        was_eager: A relationship that a loader option (or the mapping) had loaded before it was lost.
        evidence: Loaded, lost, detached, read inside a callee: in the order of time.
        load_fix: Loads the attribute with its query; ``None`` where the query is not in reach.
        keep_fix: Adds ``expire_on_commit=False`` to the factory or session; ``None`` where that is not in reach.
        confidence: Certain when every path fails here.
    """

    place: Place
    text: str
    entity: str
    attribute: str
    is_relationship: bool
    loss: Loss
    exit: Exit | None
    is_async: bool
    was_eager: bool
    evidence: tuple[Evidence, ...]
    load_fix: Fix | None
    keep_fix: Fix | None
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class ExpiringFactory:
    """A factory of async sessions that expire on commit, and a read that fails because of it.

    Attributes:
        place: The call that makes the factory (or session).
        evidence: The commit and the read.
        fix: Adds ``expire_on_commit=False``; ``None`` where keywords are unpacked from elsewhere.
    """

    place: Place
    evidence: tuple[Evidence, ...]
    fix: Fix | None


@dataclass(frozen=True, slots=True)
class EarlyKeyRead:
    """A primary key is read (and used) from an added object before any flush: it is ``None``."""

    place: Place
    text: str
    entity: str
    attribute: str
    evidence: tuple[Evidence, ...]
    is_async: bool
    fix: Fix | None
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Handover:
    """A mapped object is an argument of a task that runs elsewhere.

    Attributes:
        place: The argument.
        text: The argument as written (``order``).
        entity: Class name of the object.
        call: The call that sends it (``ship.delay``).
        key: Name of the object's single primary key attribute; ``None`` if there are several or it is not known.
    """

    place: Place
    text: str
    entity: str
    call: str
    key: str | None
    evidence: tuple[Evidence, ...]
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class ForeignUse:
    """``refresh``, ``expire``, ``expunge`` or ``delete`` of an object that is not persistent in that session.

    Attributes:
        method: ``refresh``, ...
        why: How the object stands to the session: ``detached``, ``of another session``, ``never added``.
    """

    place: Place
    text: str
    entity: str
    method: str
    why: str
    evidence: tuple[Evidence, ...]
    is_async: bool
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class IgnoredMerge:
    """``session.merge(obj)`` whose result is thrown away, and a use of ``obj`` that needed it.

    Attributes:
        place: The merge call.
        text: The argument as written.
        use: What went wrong with the original afterwards (``"refreshed"``, ``"changed"``, ``"read"``).
        fix: Assigns the result.
    """

    place: Place
    text: str
    entity: str
    use: str
    evidence: tuple[Evidence, ...]
    is_async: bool
    fix: Fix | None
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class UnknownMethod:
    """A method that SQLAlchemy's session does not have.

    Attributes:
        place: The method's name.
        method: As written (``clear``).
        session_class: ``Session``, ``AsyncSession``, ``scoped_session`` ...
        instead: The method that exists and was meant; ``None`` if unknown.
        fix: Replaces the name; ``None`` if ``instead`` is.
    """

    place: Place
    text: str
    method: str
    session_class: str
    instead: str | None
    evidence: tuple[Evidence, ...]
    fix: Fix | None
    confidence: Confidence
