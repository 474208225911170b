"""Lazy loads: attributes whose read has emitted SQL, in sync code, in ``run_sync`` and by ``awaitable_attrs``."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby

from sqlalchemy import event, orm
from sqlalchemy.orm import QueryableAttribute

from outlive.diagnosis.acts import acts_before, with_acts
from outlive.diagnosis.objects import redacted
from outlive.diagnosis.reads import FailedRead, Gap, failed_read
from outlive.diagnosis.remedies import can_refresh, keep_on_commit, load_with_query, refresh
from outlive.diagnosis.surroundings import in_async_code
from outlive.diagnosis.tracebacks import calls_on
from outlive.keep.attributes import Attribute, attribute_of
from outlive.lifecycle.places import Place
from outlive.recorder.callers import frames

_MOST = 10


@dataclass(frozen=True, slots=True)
class LazyLoad:
    """An attribute whose read has emitted SQL.

    Attributes:
        entity: Class name of the object.
        identity_key: SQLAlchemy's primary key tuple of the object, ``None`` if it has no row.
        attribute: Name of the attribute.
        place: The line that has read it; ``None`` where a library did by itself.
        story: What happened to the attribute before, a line each.
        remedies: What to do instead, best first.
    """

    entity: str
    identity_key: tuple[object, ...] | None
    attribute: str
    place: Place | None
    story: tuple[str, ...] = field(compare=False)
    remedies: tuple[str, ...] = field(compare=False)


@dataclass(slots=True)
class LazyLoads:
    """The lazy loads of a block, in the order in which they happened.

    Attributes:
        all: Each of them.
    """

    all: list[LazyLoad] = field(default_factory=list[LazyLoad])

    def add(self, load: LazyLoad) -> None:
        """Count a load, unless the same read has emitted SQL before: for its object's columns, then for itself."""
        if not self.all or load != self.all[-1]:
            self.all.append(load)

    def __iter__(self) -> Iterator[LazyLoad]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def __str__(self) -> str:
        if not self.all:
            return ""
        lines = [f"{len(self)} lazy load{'s' if len(self) > 1 else ''} in a block that allows none:"]
        kinds = [[*group] for _, group in groupby(sorted(self.all, key=_kind), key=_kind)]
        for loads in kinds[:_MOST]:
            first, times = loads[0], f", {len(loads)} times" if len(loads) > 1 else ""
            lines.append(
                f"{first.place or 'a library'}: `{first.entity}.{first.attribute}` was loaded by reading it{times}"
            )
            lines += [f"    {step}" for step in first.story]
            lines += [f"  - {remedy}" for remedy in first.remedies]
        if len(kinds) > _MOST:
            lines.append(f"and {len(kinds) - _MOST} more attributes or places")
        return "\n".join(lines)


def _kind(load: LazyLoad) -> tuple[str, int, str, str]:
    place = load.place
    return (place.filename, place.line, load.entity, load.attribute) if place else ("", 0, load.entity, load.attribute)


@contextmanager
def lazy_loads(
    attributes: Iterable[QueryableAttribute[object]], ignore: Iterable[QueryableAttribute[object]], *, redact: bool
) -> Generator[LazyLoads]:
    """Collect the lazy loads of a block, in every session, thread and task.

    Args:
        attributes: Those that count; all if there are none.
        ignore: Those that do not.
        redact: Leave primary keys out.
    """
    wanted, ignored = [*map(attribute_of, attributes)], [*map(attribute_of, ignore)]
    found = LazyLoads()

    def executed(execution: orm.ORMExecuteState) -> None:
        # Relationships, expired and deferred columns.  `selectinload()` comes here as well.
        if execution.is_relationship_load or execution.is_column_load:
            read, load = _loaded(redact=redact)
            if load is None or read is None or any(_is(read, one) for one in ignored):
                return
            if not wanted or any(_is(read, one) for one in wanted):
                found.add(load)

    event.listen(orm.Session, "do_orm_execute", executed)
    try:
        yield found
    finally:
        event.remove(orm.Session, "do_orm_execute", executed)


def _is(read: FailedRead, attribute: Attribute) -> bool:
    return read.attribute == attribute.name and read.subject.entity in {
        mapper.class_.__name__ for mapper in attribute.mapper.self_and_descendants
    }


def _loaded(*, redact: bool) -> tuple[FailedRead | None, LazyLoad | None]:
    """The read that has led to the SQL that is emitted now; nothing if no read has."""
    calls = calls_on(frames())
    # What stands above the innermost line of the user's is not its read.
    read = failed_read(calls[:1])
    if read is None:
        return None, None
    with redacted(redact):
        read = with_acts(read)
        story = tuple(map(str, acts_before(read)))
        remedies = _remedies(read, is_async=in_async_code(calls))
    subject = read.subject
    load = LazyLoad(subject.entity or "", subject.identity_key, read.attribute, calls[0].place, story, remedies)
    return read, load


def _remedies(read: FailedRead, *, is_async: bool) -> tuple[str, ...]:
    again = (f"Load it before: `{refresh(read, is_async=is_async)}`.",) if can_refresh(read) else ()
    if read.gap in {Gap.EXPIRED, Gap.LOST} and read.is_expired and not read.keeps_on_commit:
        return (keep_on_commit(is_async=is_async), *again)
    return (*load_with_query(read, is_async=is_async), *again)
