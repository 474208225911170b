"""The attribute read inside a traceback: which object, which attribute, why it had no value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import FrameType
from typing import Any, TypeGuard

from sqlalchemy import Column
from sqlalchemy.orm import (
    ColumnProperty,
    InstanceState,
    Mapper,
    MapperProperty,
    RelationshipProperty,
    Session,
    SynonymProperty,
)

from outlive.diagnosis.objects import Subject, is_state, subject_of, user_of
from outlive.diagnosis.sessions import sessions_in, sync_session_of
from outlive.diagnosis.tracebacks import Call, local, module_of
from outlive.lifecycle.places import Place
from outlive.sessions.acts import Act, place_at
from outlive.sessions.expiry import UNSEEN, act_on, query_of
from outlive.sessions.mapped import key_names

_EAGER = frozenset({"selectin", "joined", "subquery", "immediate", False})
_LOADERS: dict[object, str] = {
    "raise": "raiseload",
    "raise_on_sql": "raiseload",
    "select": "lazyload",
    "noload": "noload",
    "selectin": "selectinload",
    "joined": "joinedload",
    "subquery": "subqueryload",
    "immediate": "immediateload",
}


class Gap(StrEnum):
    """Why an attribute had no value when it was read."""

    EXPIRED = "expired"
    """A column whose value was erased."""
    DEFERRED = "deferred"
    """A column that its query left out."""
    LEFT_OUT = "left out"
    """A column of a subclass, which a query for the base class does not ask for."""
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
        instead_of: What the query said about this attribute: ``raiseload(Author.books)``; empty without.
        is_expired: The whole object was expired, its key included, and not this attribute alone.
        keeps_on_commit: Its session does not expire on commit, as far as is known.
        is_new: No query loaded the object: it was added to its session.
        expires_on_flush: The column is set by SQL in every UPDATE, so that a flush expires it, whatever
            ``expire_on_commit`` says.
        has_async_attrs: Its class has ``AsyncAttrs``.
        is_refreshable: ``refresh`` loads the attribute when it is named.
        erased: What erased the value, as far as it was noted.
        key_erased: What erased that of the key.
        query: Where the query is that loaded the object, where somebody watched queries.
    """

    subject: Subject
    attribute: str
    gap: Gap
    option: str = ""
    instead_of: str = ""
    is_expired: bool = False
    keeps_on_commit: bool = False
    is_new: bool = False
    expires_on_flush: bool = False
    has_async_attrs: bool = False
    is_refreshable: bool = True
    erased: Act = UNSEEN
    key_erased: Act = UNSEEN
    query: Place | None = None

    @property
    def name(self) -> str:
        """Class and attribute, as people write it: ``Author.books``."""
        return f"{self.subject.entity}.{self.attribute}" if self.subject.entity else self.attribute


def failed_read(calls: Iterable[Call]) -> FailedRead | None:
    """The innermost attribute read of a traceback; ``None`` if it has none.

    A lazy load may first reload columns of its own object, so within one call of the user's code the outermost
    read is what the user wrote.  Source: SQLAlchemy 2.0 and 2.1, ``orm.attributes``, ``AttributeImpl.get``.
    """
    calls = tuple(calls)
    for call in calls:
        for index, frame in enumerate(call.library):
            if frame.f_code.co_name == "get" and module_of(frame) == "sqlalchemy.orm.attributes":
                state, key = local(frame, "state"), getattr(local(frame, "self"), "key", None)
                if is_state(state) and isinstance(key, str):
                    return read_of(state, key, user_of(state, calls), call.library[index:])
    return None


def read_of(
    state: InstanceState[Any], key: str, user: FrameType | None = None, below: Sequence[FrameType] = ()
) -> FailedRead:
    """Describe the read of one attribute of one object.

    The frames below the read are better witnesses than the state: a rollback may have expired everything since.
    """
    prop: object = state.mapper.attrs.get(key)
    if isinstance(prop, SynonymProperty):
        return read_of(state, prop.name, user, below)
    read = FailedRead(
        subject_of(state, user),
        key,
        Gap.EXPIRED,
        is_expired=was_expired(state, below),
        keeps_on_commit=keeps_on_commit(state, user, below),
        is_new=not load_path(state),
        has_async_attrs=has_async_attrs(state.class_),
        erased=act_on(state, key),
        key_erased=act_on(state, key_names(state.mapper)[0]),
        query=place_at(query_of(state)),
    )
    if isinstance(prop, RelationshipProperty):
        gap = Gap.LOST if was_eager(state, prop) else Gap.UNLOADED
        return replace(
            read,
            gap=gap,
            option=loader_option(state, prop),
            instead_of=chosen_option(state, prop),
            # Ignored where a relationship to the base class loaded the object (SQLAlchemy 2.0.58 and 2.1.9).
            is_refreshable=asked_base(state, prop) is None or len(load_path(state)) == 1,
        )
    if isinstance(prop, ColumnProperty):
        if is_deferred(state, prop, below):
            option = loader_option(state, prop)
            return replace(read, gap=Gap.DEFERRED, option=option, instead_of=chosen_option(state, prop))
        if is_left_out(state, prop):
            return replace(read, gap=Gap.LEFT_OUT, option=loader_option(state, prop))
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
    is_detached = state.session is None and asked_session(below) is None
    return (not below or is_detached) and keys <= state.expired_attributes


def asked_session(below: Iterable[FrameType]) -> Session | None:
    """The session that the read asked for the value; ``None`` if it got none to ask."""
    asked = (local(frame, "session") for frame in below)
    return next((session for session in asked if isinstance(session, Session)), None)


def keeps_on_commit(state: InstanceState[Any], user: FrameType | None, below: Iterable[FrameType]) -> bool:
    """Whether the object's session keeps values across a commit; once detached, whether those beside it all do."""
    own = asked_session(below) or state.session
    around = [] if own or user is None else [sync_session_of(session) for session in sessions_in(user)]
    sessions = [own] if own else around
    return bool(sessions) and not any(session is None or session.expire_on_commit for session in sessions)


def is_deferred(state: InstanceState[Any], prop: ColumnProperty[Any], below: Sequence[FrameType]) -> bool:
    """Whether a column loads through its deferred loader rather than with the other expired ones."""
    if below:
        return any(frame.f_code.co_name == "_load_for_state" for frame in below)
    return prop.deferred or prop.key not in state.expired_attributes


def is_left_out(state: InstanceState[Any], prop: MapperProperty[Any]) -> bool:
    """Whether the query that loaded the object asked for a base class, and so for no attribute of a subclass.

    Source: SQLAlchemy 2.0 and 2.1, "Writing SELECT statements for Inheritance Mappings" (orm/queryguide/inheritance).
    """
    asked = asked_base(state, prop)
    return (
        asked is not None
        and prop.parent not in asked.with_polymorphic_mappers
        and prop.parent.polymorphic_load != "selectin"
        and not any("selectinload_polymorphic" in strategy for _, strategy in chosen_strategies(state))
    )


def asked_base(state: InstanceState[Any], prop: MapperProperty[Any]) -> Mapper[Any] | None:
    """The class that the query asked for, if the attribute belongs to a subclass of it."""
    for asked in load_path(state)[-1:]:
        if is_mapper(asked):
            return None if asked.isa(prop.parent) else asked
    return None


def is_mapper(part: object) -> TypeGuard[Mapper[Any]]:
    """Whether a part of a path is a plain class, and not an alias of one."""
    return isinstance(part, Mapper)


def was_eager(state: InstanceState[Any], prop: RelationshipProperty[Any]) -> bool:
    """Whether the query that loaded the object also loaded this relationship.

    Source: SQLAlchemy 2.0 and 2.1, ``InstanceState.load_path`` and ``load_options``, which outlive expiry and
    detachment; an object that no query loaded has an empty path.
    """
    path = load_path(state)
    if not path or prop in path or is_left_out(state, prop):
        return False
    return chosen_strategy(state, prop).get("lazy", prop.lazy) in _EAGER


def chosen_strategy(state: InstanceState[Any], prop: MapperProperty[Any]) -> dict[str, object]:
    """The strategy that the query chose for this very attribute; empty if it left that to the mapping.

    Mappers are not compared: an option for ``Manager.name`` stands below the class that maps it, ``Employee``.
    """
    steps = [*filter(is_step, load_path(state)), prop]
    for path, strategy in chosen_strategies(state):
        if strategy and [*filter(is_step, path)] == steps:
            return strategy
    return {}


def chosen_strategies(state: InstanceState[Any]) -> Iterator[tuple[tuple[object, ...], dict[str, object]]]:
    """The path and strategy of every loader option of the query that loaded the object."""
    for option in state.load_options:
        for element in getattr(option, "context", ()):
            path = tuple(getattr(getattr(element, "path", None), "path", ()))
            yield path, dict(getattr(element, "strategy", None) or ())


def chosen_option(state: InstanceState[Any], prop: MapperProperty[Any]) -> str:
    """The option of the query that did not load the attribute, about as the user wrote it; empty without one.

    A second option for one attribute raises (SQLAlchemy 2.0 and 2.1).
    """
    strategy = chosen_strategy(state, prop)
    name = "defer" if strategy.get("deferred") is True else _LOADERS.get(strategy.get("lazy"))
    return f"{name}({prop.parent.class_.__name__}.{prop.key})" if name else ""


def loader_option(state: InstanceState[Any], prop: RelationshipProperty[Any] | ColumnProperty[Any]) -> str:
    """The option that loads the attribute with the query that loaded the object, from that query's entity on."""
    if not load_path(state):
        return ""
    steps = [link(step) for step in load_path(state) if is_step(step)]
    base = asked_base(state, prop)
    if base is None:
        return f".options({'.'.join([*steps, link(prop)])})"
    parts = [f"selectin_polymorphic({base.class_.__name__}, [{prop.parent.class_.__name__}])"]
    # The columns of the subclass come along.
    parts += [] if isinstance(prop, ColumnProperty) and not prop.deferred else [link(prop)]
    options = f".options({', '.join(parts)})"
    return f".options({'.'.join(steps)}{options})" if steps else options


def link(prop: RelationshipProperty[Any] | ColumnProperty[Any]) -> str:
    """One step of a loader option: ``selectinload(Author.books)``."""
    attribute = f"{prop.parent.class_.__name__}.{prop.key}"
    if isinstance(prop, ColumnProperty):
        return f"undefer({attribute})"
    return f"selectinload({attribute})" if prop.uselist else f"joinedload({attribute})"


def is_step(part: object) -> TypeGuard[RelationshipProperty[Any] | ColumnProperty[Any]]:
    """Whether a part of a path is an attribute rather than a mapper."""
    return isinstance(part, (RelationshipProperty, ColumnProperty))


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
