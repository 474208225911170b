"""What the hazards of late reads have in common: the words that tell what became of the value."""

from __future__ import annotations

from outlive.check.flow.observations import Exit, LateRead, Loss

_LOST = {
    Loss.COMMIT: "expired at the commit",
    Loss.ROLLBACK: "expired at the rollback",
    Loss.FAILED_FLUSH: "expired when the flush failed",
    Loss.FLUSH: "expired at the flush of an UPDATE",
    Loss.EXPIRE: "was expired by hand",
    Loss.REFRESH: "was dropped by the refresh",
    Loss.NEVER_LOADED: "is not loaded",
}
_LEFT = {
    Exit.CLOSE: "its session is closed",
    Exit.EXPUNGE: "its object was expunged",
    Exit.LOSS: "its session is gone",
    Exit.COPY: "its object is a copy from a cache",
    Exit.PROCESS: "its object is a copy in another process",
    Exit.ROLLBACK: "the rollback has taken its row",
}


def expired_by_commit(read: LateRead) -> bool:
    """Lost at a commit; what had been loaded eagerly is a hazard of its own."""
    return read.loss is Loss.COMMIT and not read.was_eager


def told(read: LateRead) -> str:
    """What became of the value and why it cannot come back (``"order.total expired at the commit and ..."``)."""
    lost = f"{read.text} {_LOST[read.loss]}"
    if read.guard:
        return f'{lost}, and lazy="{read.guard}" forbids to load it on a read'
    if read.exit:
        return f"{lost} and {_LEFT[read.exit]}"
    needed = "a rollback first" if read.loss is Loss.FAILED_FLUSH else "`await`"
    return f"{lost}: reading it needs {needed}"


def told_at_event(read: LateRead, event: str) -> str:
    """What became of a value that a session would have to load while it calls what listens to it."""
    if read.exit or read.guard:
        return told(read)
    return f"{read.text} {_LOST[read.loss]}, and the session emits no SQL during `{event}`"


def parent_of(read: LateRead) -> str:
    """The object as the source names it: ``order`` of ``order.items``."""
    return read.text.rpartition(".")[0].removesuffix(".awaitable_attrs") or read.entity


def loader_option(read: LateRead) -> str:
    """The loader option that loads the attribute with its query."""
    if read.heir:
        return f"`.options(selectin_polymorphic({read.entity}, [{read.heir}]))`"
    return f"`.options({'selectinload' if read.is_relationship else 'undefer'}({read.entity}.{read.attribute}))`"
