"""The attribute read inside a traceback: which object, which attribute, why it had no value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import FrameType
from typing import Any, TypeGuard

from sqlalchemy import Column
from sqlalchemy.orm import ColumnProperty, InstanceState, RelationshipProperty

from outlive.diagnosis.objects import Subject, is_state, subject_of
from outlive.diagnosis.tracebacks import Call, local, module_of

_EAGER = frozenset({"selectin", "joined", "subquery", "immediate", False})


class Gap(StrEnum):
    """Why an attribute had no value when it was read."""

    EXPIRED = "expired"
    """A column whose value was erased."""
    DEFERRED = "deferred"
    """A column that its query left out."""
    UNLOADED = "unloaded"
    """A relationship without a value."""
    LOST = "lost"
    """A relationship that a loader option or the mapping had loaded, and that was erased."""


@dataclass(frozen=True, slots=True)
class FailedRead:
    """A read of an attribute that could not be served.

    Attributes:
        subject: The object.
        attribute: Name of the attribute.
        gap: Why it had no value.
        option: Loads it with the query, ready to paste: ``.options(selectinload(Author.books))``; empty for
            a column that every query loads, and for an object that no query loaded.
        is_expired: The whole object was expired, its key included, and not this attribute alone.
        is_new: No query loaded the object: it was added to its session.
        expires_on_flush: The column is set by SQL in every UPDATE, so that a flush expires it, whatever
            ``expire_on_commit`` says.
        has_async_attrs: Its class has ``AsyncAttrs``.
    """

    subject: Subject
    attribute: str
    gap: Gap
    option: str = ""
    is_expired: bool = False
    is_new: bool = False
    expires_on_flush: bool = False
    has_async_attrs: bool = False

    @property
    def name(self) -> str:
        """Class and attribute, as people write it: ``Author.books``."""
        return f"{self.subject.entity}.{self.attribute}" if self.subject.entity else self.attribute


def failed_read(calls: Iterable[Call]) -> FailedRead | None:
    """The innermost attribute read of a traceback; ``None`` if it has none.

    A lazy load may first reload columns of its own object, so within one call of the user's code the outermost
    read is what the user wrote.  Source: SQLAlchemy 2.0 and 2.1, ``orm.attributes``, ``AttributeImpl.get``.
    """
    for call in calls:
        for index, frame in enumerate(call.library):
            if frame.f_code.co_name == "get" and module_of(frame) == "sqlalchemy.orm.attributes":
                state, key = local(frame, "state"), getattr(local(frame, "self"), "key", None)
                if is_state(state) and isinstance(key, str):
                    return read_of(state, key, call.user, call.library[index:])
    return None


def read_of(
    state: InstanceState[Any], key: str, user: FrameType | None = None, below: Sequence[FrameType] = ()
) -> FailedRead:
    """Describe the read of one attribute of one object.

    The frames below the read are better witnesses than the state: a rollback may have expired everything since.
    """
    prop: object = state.mapper.attrs.get(key)
    read = FailedRead(
        subject_of(state, user),
        key,
        Gap.EXPIRED,
        is_expired=was_expired(state, below),
        is_new=not load_path(state),
        has_async_attrs=has_async_attrs(state.class_),
    )
    if isinstance(prop, RelationshipProperty):
        gap = Gap.LOST if was_eager(state, prop) else Gap.UNLOADED
        return replace(read, gap=gap, option=loader_option(state, prop))
    if isinstance(prop, ColumnProperty):
        if is_deferred(state, prop, below):
            return replace(read, gap=Gap.DEFERRED, option=loader_option(state, prop))
        return replace(read, expires_on_flush=expires_on_flush(prop))
    return read


def was_expired(state: InstanceState[Any], below: Sequence[FrameType]) -> bool:
    """Whether the whole object was expired when it was read: a commit or rollback takes the key as well."""
    keys = {state.mapper.get_property_by_column(column).key for column in state.mapper.primary_key}
    for frame in below:
        if frame.f_code.co_name == "_load_expired":
            reloaded = local(frame, "toload")
            return isinstance(reloaded, set) and keys <= reloaded
    # An attached object may have been expired since the read; a detached one cannot.
    return (not below or state.session is None) and keys <= state.expired_attributes


def is_deferred(state: InstanceState[Any], prop: ColumnProperty[Any], below: Sequence[FrameType]) -> bool:
    """Whether a column loads through its deferred loader rather than with the other expired ones."""
    if below:
        return any(frame.f_code.co_name == "_load_for_state" for frame in below)
    return prop.deferred or prop.key not in state.expired_attributes


def was_eager(state: InstanceState[Any], prop: RelationshipProperty[Any]) -> bool:
    """Whether the query that loaded the object also loaded this relationship.

    Source: SQLAlchemy 2.0 and 2.1, ``InstanceState.load_path`` and ``load_options``, which outlive expiry and
    detachment; an object that no query loaded has an empty path.
    """
    path = load_path(state)
    if not path or prop in path:
        return False
    strategy: object = prop.lazy
    for option in state.load_options:
        for element in getattr(option, "context", ()):
            reached = tuple(getattr(getattr(element, "path", None), "path", ()))
            if reached[: len(path) + 1] == (*path, prop) and len(reached) <= len(path) + 2:
                chosen: dict[str, object] = dict(getattr(element, "strategy", None) or ())
                strategy = chosen.get("lazy", strategy)
    return strategy in _EAGER


def loader_option(state: InstanceState[Any], prop: RelationshipProperty[Any] | ColumnProperty[Any]) -> str:
    """The option that loads the attribute with the query that loaded the object, from that query's entity on."""
    if not load_path(state):
        return ""
    steps = [step for step in load_path(state) if is_relationship(step)]
    return f".options({'.'.join(link(step) for step in [*steps, prop])})"


def link(prop: RelationshipProperty[Any] | ColumnProperty[Any]) -> str:
    """One step of a loader option: ``selectinload(Author.books)``."""
    attribute = f"{prop.parent.class_.__name__}.{prop.key}"
    if isinstance(prop, ColumnProperty):
        return f"undefer({attribute})"
    return f"selectinload({attribute})" if prop.uselist else f"joinedload({attribute})"


def is_relationship(step: object) -> TypeGuard[RelationshipProperty[Any]]:
    """Whether a step of a load path is a relationship rather than a mapper."""
    return isinstance(step, RelationshipProperty)


def load_path(state: InstanceState[Any]) -> tuple[object, ...]:
    """Mapper, relationship, mapper, ...: how the query reached the object; empty if no query did."""
    return tuple(getattr(getattr(state, "load_path", None), "path", ()))


def expires_on_flush(prop: ColumnProperty[Any]) -> bool:
    """Whether SQL sets the column in every UPDATE."""
    column = prop.columns[0]
    if not isinstance(column, Column):
        return False
    onupdate = column.onupdate
    return column.server_onupdate is not None or (onupdate is not None and bool(onupdate.is_clause_element))


def has_async_attrs(entity: type) -> bool:
    """Whether the class offers ``awaitable_attrs``."""
    return any(base.__name__ == "AsyncAttrs" and "sqlalchemy" in base.__module__ for base in entity.__mro__)
