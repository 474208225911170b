"""What to do, best first, ready to paste."""

from __future__ import annotations

import sqlalchemy

from outlive.diagnosis.reads import FailedRead, Gap

_VERSION = tuple(int(part) for part in sqlalchemy.__version__.split(".")[:3] if part.isdigit())


def keep_on_commit(*, is_async: bool) -> str:
    """The flag of the factory, with its limit."""
    return f"Keep loaded values across a commit (not across a rollback): `{factory(is_async=is_async)}`."


def factory(*, is_async: bool) -> str:
    """A factory whose sessions keep loaded values across a commit."""
    return f"{'async_' if is_async else ''}sessionmaker(engine, expire_on_commit=False)"


def load_with_query(read: FailedRead, *, is_async: bool) -> tuple[str, ...]:
    """The loader option; with the factory beside it where a commit would undo it, and none where a rollback would."""
    if not read.option:
        return ()
    if read.is_expired and read.keeps_on_commit:
        return ()
    at = f" at {read.query}" if read.query else ""
    option = f"`{read.option}`" + (f" in place of `{read.instead_of}`" if read.instead_of else "")
    if read.is_expired:
        both = f"{option} and `{factory(is_async=is_async)}`"
        return (f"Load `{read.attribute}` with the query{at}, and keep it across the commit: {both}.",)
    return (f"Load `{read.attribute}` with the query{at}: {option}.",)


def refresh(read: FailedRead, *, is_async: bool) -> str:
    """The call that loads the attribute; with all columns, where all were expired."""
    is_column_among_others = read.gap is Gap.EXPIRED and read.is_expired
    names = "" if is_column_among_others else f', ["{read.attribute}"]'
    call = f"session.refresh({read.subject.variable}{names})"
    return f"await {call}" if is_async else call


def reload_in_async(read: FailedRead) -> tuple[str, ...]:
    """Loading the attribute of an object at hand, in async code."""
    variable, attribute = read.subject.variable, read.attribute
    ways: list[str] = []
    if can_refresh(read):
        ways.append(f"Load it before reading: `{refresh(read, is_async=True)}`.")
    if read.has_async_attrs:
        ways.append(f"Await the read: `await {variable}.awaitable_attrs.{attribute}`.")
    if not ways:
        ways.append(f"Read it where SQL can be awaited: `await session.run_sync(lambda _: {variable}.{attribute})`.")
    return tuple(ways)


def can_refresh(read: FailedRead) -> bool:
    """Whether ``refresh`` loads the attribute when named: a lazy relationship since SQLAlchemy 2.0.4."""
    return read.is_refreshable and (read.gap not in (Gap.UNLOADED, Gap.LOST) or _VERSION >= (2, 0, 4))


def before_closing(read: FailedRead | None, *, is_async: bool) -> tuple[str, ...]:
    """Remedies for a read on a detached object."""
    if read is None:
        return (
            keep_on_commit(is_async=is_async),
            "Read what you need before the session closes, or load it with the query through a loader option.",
        )
    last = "rollback" if read.keeps_on_commit else "commit"
    reload = f"Read it before the session closes, after the last {last}."
    if can_refresh(read):
        call = refresh(read, is_async=is_async)
        reload = f"Load it before the session closes, after the last {last}: `{call}`."
    if read.subject.was_deleted:
        return (*load_with_query(read, is_async=is_async), "Read it before the row is deleted.")
    keep = keep_on_commit(is_async=is_async)
    match read.gap:
        case Gap.EXPIRED | Gap.LOST if not read.is_expired:
            return (reload, "Read it before the session closes.")
        case Gap.EXPIRED | Gap.LOST if read.keeps_on_commit:
            return (reload, "Read it before the rollback.")
        case Gap.EXPIRED | Gap.LOST:
            return (keep, reload, "Read it before the commit.")
        case _ if read.is_new and read.is_expired and not read.keeps_on_commit:
            return (reload, keep)
        case _:
            return (*load_with_query(read, is_async=is_async), reload)


def in_async(read: FailedRead) -> tuple[str, ...]:
    """Remedies for a read that emits SQL in async code."""
    more = reload_in_async(read)
    match read.gap:
        case Gap.EXPIRED | Gap.LOST if not read.is_expired:
            return more
        case Gap.EXPIRED | Gap.LOST if read.keeps_on_commit:
            return (*more, "Read it before the rollback.")
        case Gap.EXPIRED | Gap.LOST:
            return (keep_on_commit(is_async=True), *more)
        case _ if read.is_new and read.is_expired and not read.keeps_on_commit:
            return (*more, keep_on_commit(is_async=True))
        case _:
            return (*load_with_query(read, is_async=True), *more)


def where_allowed(read: FailedRead | None, *, is_async: bool) -> tuple[str, ...]:
    """Remedies for a read that a raiseload forbids."""
    general = "Load it with the query, through a loader option for this attribute."
    if read is None or not read.option:
        return (general,)
    alone = (f"Load it for this object alone: `{refresh(read, is_async=is_async)}`.",) if can_refresh(read) else ()
    return (*load_with_query(read, is_async=is_async), *alone)
