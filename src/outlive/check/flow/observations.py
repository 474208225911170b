"""What the flow saw: the questions that hazards ask, answered."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from outlive.check.findings import Confidence, Fix
from outlive.lifecycle.evidence import Evidence
from outlive.lifecycle.places import Place


class Loss(StrEnum):
    """Why an attribute has no value."""

    COMMIT = "commit"
    ROLLBACK = "rollback"
    FAILED_FLUSH = "failed flush"
    """Nothing of the session can be loaded before it is rolled back."""
    FLUSH = "flush"
    EXPIRE = "expire"
    REFRESH = "refresh"
    NEVER_LOADED = "never loaded"


class Meets(StrEnum):
    """Why a session is used by two at the same time."""

    BESIDE = "both have been begun"
    BATCHED = "both load for a query"
    RESOLVED = "both resolve fields of a query"


class Exit(StrEnum):
    """What detached an object."""

    CLOSE = "close"
    EXPUNGE = "expunge"
    LOSS = "loss"
    """Nothing holds the session any longer."""
    ROLLBACK = "rollback"
    """It had been added in the transaction that was rolled back."""
    COPY = "copy"
    """It is a copy that a cache has made."""
    PROCESS = "process"
    """It is a copy in another process."""


class LateRead(Struct, frozen=True):
    """A read of an attribute that has no value, where SQLAlchemy cannot load it.

    Either the object is detached, or its session is async and the read is not awaited, or the mapping forbids it.

    Attributes:
        place: The read; in the frame in which the value was lost, so a read inside a callee stands at the call.
        text: The expression as written there (``order.items``), or ``Order.items`` where the read is in a callee.
        entity: Class name of the object.
        attribute: Name of the attribute.
        is_relationship: A relationship; otherwise a column.
        loss: Why it has no value.
        exit: What detached the object; ``None`` while it is attached (then ``is_async`` is true), or if there is a
            ``guard``.
        is_async: The object's session is an ``AsyncSession``.
        was_eager: A relationship that a loader option (or the mapping) had loaded before it was lost.
        evidence: Loaded, lost, detached, read inside a callee: in the order of time.
        load_fix: Loads the attribute with its query; ``None`` where the query is not in reach.
        keep_fix: Adds ``expire_on_commit=False`` to the factory or session; ``None`` where that is not in reach.
        confidence: Certain when every path fails here.
        reader: What reads it: a ``schema``, a ``template``, or, if empty, the program itself.
        guard: The ``lazy`` of the mapping that forbids to load it on a read; empty if none does.
        heir: The class below the one that was queried whose column it is; empty for an attribute of its own.
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
    reader: str = ""
    guard: str = ""
    heir: str = ""


class ExpiringFactory(Struct, frozen=True):
    """A factory of async sessions that expire on commit, and a read that fails because of it.

    Attributes:
        place: The call that makes the factory (or session).
        evidence: The commit and the read.
        fix: Adds ``expire_on_commit=False``; ``None`` where keywords are unpacked from elsewhere.
    """

    place: Place
    evidence: tuple[Evidence, ...]
    fix: Fix | None


class EarlyKeyRead(Struct, frozen=True):
    """A primary key is read (and used) from an added object before any flush: it is ``None``."""

    place: Place
    text: str
    entity: str
    attribute: str
    evidence: tuple[Evidence, ...]
    is_async: bool
    fix: Fix | None
    confidence: Confidence


class Handover(Struct, frozen=True):
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


class ForeignUse(Struct, frozen=True):
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


class SecondSession(Struct, frozen=True):
    """An object that lives in one session is to live in another one too.

    Attributes:
        place: The ``add``, the assignment or the call that leads to it.
        text: That, as written.
        way: The relationship that leads to the object (``Book.author``); empty for the object itself.
    """

    place: Place
    text: str
    entity: str
    way: str
    evidence: tuple[Evidence, ...]
    is_async: bool
    confidence: Confidence


class IgnoredMerge(Struct, frozen=True):
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


class LateCommit(Struct, frozen=True):
    """A dependency of FastAPI commits after its ``yield``, when the response has been sent.

    Attributes:
        place: The commit, in the dependency; the call that leads to it where a callee commits.
        text: As written there.
        dependency: Name of the dependency.
        operations: Path operations that leave their changes to this commit, at least one.
        has_scope: The version of FastAPI knows ``scope="function"``.
        fix: Asks for the dependency with ``scope="function"``, wherever it is asked for.
    """

    place: Place
    text: str
    dependency: str
    operations: tuple[str, ...]
    has_scope: bool
    evidence: tuple[Evidence, ...]
    fix: Fix | None
    confidence: Confidence


class EmptyDump(Struct, frozen=True):
    """An object that has lost all of its values is serialised as it is: ``{}``.

    Attributes:
        place: The call, or the ``return`` of a path operation.
        text: The object as written there, or its class.
        by: What takes it: ``model_dump``, ``jsonable_encoder``, ``return``.
        loss: Why it has no values.
    """

    place: Place
    text: str
    entity: str
    by: str
    loss: Loss
    is_async: bool
    evidence: tuple[Evidence, ...]
    keep_fix: Fix | None
    confidence: Confidence


class MixedScopes(Struct, frozen=True):
    """A dependency that gives one request two sessions: asked for with ``scope="function"`` and without.

    Attributes:
        place: Where it is asked for with ``scope="function"``.
        dependency: Its name.
        operations: Path operations that get both.
        fix: Asks for it with that scope everywhere.
    """

    place: Place
    dependency: str
    operations: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    fix: Fix | None


class UnknownMethod(Struct, frozen=True):
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


class Unawaited(Struct, frozen=True):
    """A call of an ``AsyncSession`` that is not awaited.

    Attributes:
        place: The call.
        text: As written (``session.commit()``), without what stands between the parentheses.
        use: What is asked of the coroutine; empty if it is only compared, ``None`` if it is thrown away.
        fix: Awaits it; ``None`` in a function that is not async.
    """

    place: Place
    text: str
    use: str | None
    evidence: tuple[Evidence, ...]
    fix: Fix | None
    confidence: Confidence


class CachedRead(Struct, frozen=True):
    """A read of an object that a cache has kept from an earlier call, and that fails for that reason.

    Attributes:
        read: The read, as ``LateRead`` tells it.
        since: From when on others get what is kept.
        keeper: What keeps it, as written.
    """

    read: LateRead
    since: str
    keeper: str
    evidence: tuple[Evidence, ...]


class LateStream(Struct, frozen=True):
    """A generator that makes the body of a response, and uses what has ended before it runs.

    Attributes:
        place: The generator, where the response is given it.
        call: What makes the response (``StreamingResponse``); empty where it is returned as it is.
        read: A read of a detached object; ``None`` where the session itself, or a result of it, is used.
        is_result: A result of the session is iterated over.
    """

    place: Place
    call: str
    read: LateRead | None
    is_result: bool
    evidence: tuple[Evidence, ...]


class SharedSession(Struct, frozen=True):
    """A session that two tasks or threads use at the same time.

    Attributes:
        place: What uses it while it is in use; in the frame in which the two are begun.
        text: That use, as written.
        how: Why others use it at the same time.
    """

    place: Place
    text: str
    is_async: bool
    how: Meets
    evidence: tuple[Evidence, ...]
    confidence: Confidence


class Reopened(Struct, frozen=True):
    """A session that is used after it was closed.

    Attributes:
        place: The first use after that; in the frame in which it was closed.
        text: The use, as written (``session.get()``).
        is_final: It refuses to work; otherwise it begins anew.
        is_collected: The generator that made it has been collected, which closed it.
        is_async: That happens later, at the same time as the use.
    """

    place: Place
    text: str
    is_final: bool
    is_collected: bool
    is_async: bool
    evidence: tuple[Evidence, ...]
    confidence: Confidence


class BackgroundRead(Struct, frozen=True):
    """A read in work that was handed to somebody else, and that fails when it runs.

    Attributes:
        place: What was handed over.
        read: As ``LateRead`` tells it: the read itself, in the work.
        call: The call that handed it over (``asyncio.create_task``).
        runs: ``beside`` the caller, in a ``thread``, in a ``process``, ``afterwards``, or at an event of the session.
        is_captured: The object was not an argument: a closure has it, or the owner of a method.
    """

    place: Place
    read: LateRead
    call: str
    runs: str
    is_captured: bool
    evidence: tuple[Evidence, ...]

    @property
    def is_work(self) -> bool:
        """It is work, and not a listener."""
        return self.runs not in ("after_commit", "after_rollback")
