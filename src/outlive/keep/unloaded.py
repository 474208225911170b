"""``expired`` and ``unloaded``: which attributes of an object have no value, and why.

Nothing here reads an attribute of the object, and nothing emits SQL.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.orm import NO_VALUE, InstanceState, Mapper, RelationshipProperty
from sqlalchemy.orm.exc import UnmappedInstanceError

from outlive.keep.relationships import foreign_key
from outlive.lifecycle.causes import Cause
from outlive.sessions.expiry import cause_of, notes_of, was_noted
from outlive.sessions.mapped import key_attributes, once
from outlive.sessions.objects import shown

NEVER_ERASED = frozenset({Cause.NEVER_LOADED, Cause.DEFERRED, Cause.RAISE})
_READ_ANYWHERE = frozenset({"dynamic", "write_only"})
"""Relationships whose attribute is a collection that can be read anywhere: its rows are asked for separately."""


def unloaded(obj: object) -> Mapping[str, Cause]:
    """The attributes of a mapped object that have no value, each with the reason, columns first.

    Reading one of them emits SQL while the object is in a session (in async code: raises ``MissingGreenlet``), and
    raises ``DetachedInstanceError`` afterwards.  ``"items" in unloaded(order)`` asks for one.  Emits no SQL itself.

    A many-to-one relationship whose object the session already has, or whose foreign key is null, is among them: SQL
    would not be needed now, and yet reading it fails once the object is detached.

    Not among them, because reading them works everywhere: the unset attributes of an object that has no row yet
    (``None``, ``[]``); ``WriteOnlyMapped`` and ``DynamicMapped`` collections; ``lazy="noload"``; a
    ``query_expression()`` without an expression.  Synonyms, hybrids and association proxies have no value of their own.

    Raises:
        UnmappedInstanceError: ``obj`` is not one mapped object.

    Source: SQLAlchemy 2.0 and 2.1, ``InstanceState.unloaded`` (orm/internals), which also lists what can be read, and
    leaves out what a backref has added to.
    """
    return MappingProxyType(dict(causes(_state_of(obj))))


def expired(obj: object) -> Mapping[str, Cause]:
    """The attributes of a mapped object whose value was erased, each with what erased it: a part of ``unloaded``.

    Named where a session of ``outlive.sessionmaker`` or ``outlive.async_sessionmaker`` did it.  Elsewhere the cause is
    ``Cause.UNKNOWN``, also for what was never loaded, if the object was expired as a whole.

    Raises:
        UnmappedInstanceError: ``obj`` is not one mapped object.
    """
    return MappingProxyType({name: cause for name, cause in causes(_state_of(obj)) if cause not in NEVER_ERASED})


def causes(state: InstanceState[Any]) -> Iterator[tuple[str, Cause]]:
    """Each attribute without a value and the reason: columns, composite values, relationships."""
    loaded = state.dict
    kinds = kinds_of(state.mapper)
    for name in kinds.names:
        if name not in loaded and (cause := _cause(state, kinds, name)) is not None:
            yield name, cause


def likeness(state: InstanceState[Any], kinds: Kinds, missing: frozenset[str]) -> Hashable:
    """Equal for objects of which ``causes`` says the same, so that it need not be asked for each of ten thousand.

    Args:
        state: The state of the object.
        kinds: Those of its mapper.
        missing: Those of ``all_names`` that are not in its ``__dict__``.
    """
    if not missing:
        return (state.class_,)
    if state.callables or kinds.depends_on_values or (state.committed_state and missing & state.committed_state.keys()):
        return state
    expired = frozenset(state.expired_attributes) if state.expired_attributes else None
    return state.class_, state.key is None, missing, expired, state.expired, notes_of(state)


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship that loads when it is read.

    Attributes:
        lazy: The loader strategy of the mapping.
        target: The mapper of the objects that it refers to.
        needs: The attributes whose values its query compares.
        identity: Of a many-to-one relationship those that hold the primary key of its object; else empty.
    """

    lazy: object
    target: Mapper[Any]
    needs: tuple[str, ...]
    identity: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kinds:
    """The attributes of a mapper, by what reading them without a value does.

    Attributes:
        names: All that can be without a value: columns, composite values, relationships.
        all_names: The same, without order.
        columns: Those that load together when one that is expired is read.
        deferred: Columns that load when they are read, with whether that raises.
        relations: Relationships that load when they are read.
        composites: Composite values, each with the attributes that it is made of.
        own: Columns of a subclass, each with all those that a query for its base class leaves out.
        depends_on_values: Whether a foreign key decides what reading a relationship does.
    """

    names: tuple[str, ...]
    all_names: frozenset[str]
    columns: frozenset[str]
    deferred: Mapping[str, bool]
    relations: Mapping[str, Relation]
    composites: Mapping[str, tuple[str, ...]]
    own: Mapping[str, frozenset[str]]
    depends_on_values: bool


@once
def kinds_of(mapper: Mapper[Any]) -> Kinds:
    """What the mapping says of each attribute."""
    columns = {it.key: it for it in mapper.column_attrs if it.key in mapper.class_manager}
    composites = {it.key: tuple(part.key for part in it.props) for it in mapper.composites}
    relations = {it.key: _relation(mapper, it) for it in mapper.relationships if it.lazy not in _READ_ANYWHERE}
    return Kinds(
        names=(*columns, *composites, *relations),
        all_names=frozenset((*columns, *composites, *relations)),
        columns=_loading_together(mapper),
        deferred={name: bool(it.raiseload) for name, it in columns.items() if it.deferred},
        relations=relations,
        composites=composites,
        own={name: own for own in _own_columns(mapper) for name in own},
        depends_on_values=any(it.lazy == "raise_on_sql" and it.identity for it in relations.values()),
    )


def _relation(mapper: Mapper[Any], relation: RelationshipProperty[Any]) -> Relation:
    known = {column for it in mapper.column_attrs for column in it.columns}
    return Relation(
        lazy=relation.lazy,
        target=relation.mapper,
        needs=tuple(mapper.get_property_by_column(it).key for it in relation.local_columns if it in known),
        identity=tuple(foreign_key(relation)),
    )


def _loading_together(mapper: Mapper[Any]) -> frozenset[str]:
    return frozenset(
        it.key for it in mapper.column_attrs if not it.deferred and ("query_expression", True) not in it.strategy_key
    )


def _own_columns(mapper: Mapper[Any]) -> Iterator[frozenset[str]]:
    for subclass in mapper.iterate_to_root():
        if subclass.inherits and not subclass.concrete:
            yield _loading_together(subclass) - _loading_together(subclass.inherits)


def _cause(state: InstanceState[Any], kinds: Kinds, name: str) -> Cause | None:
    """Why an attribute has no value, ``None`` if reading it gives ``None`` or ``[]`` without a query.

    Follows ``AttributeImpl.get`` (sqlalchemy/orm/attributes.py).
    """
    if state.committed_state.get(name, NO_VALUE) is not NO_VALUE:
        return None  # deleted with `del`
    if name in kinds.composites:
        parts = (_cause(state, kinds, part) for part in kinds.composites[name] if part not in state.dict)
        return next((cause for cause in parts if cause is not None), None)
    if name in kinds.columns and name in state.expired_attributes:
        return _cause_of_expired(state, kinds, name)
    raises = _raises(state, kinds, name) if state.key is not None else None
    if raises is None:
        return None
    if raises:
        return Cause.RAISE
    if name in kinds.columns:
        return Cause.DEFERRED  # by an option of its query
    cause = cause_of(state, name)
    if cause is Cause.NEVER_LOADED or (cause is Cause.UNKNOWN and name not in state.expired_attributes):
        return Cause.DEFERRED if name in kinds.deferred else Cause.NEVER_LOADED
    return cause


def _cause_of_expired(state: InstanceState[Any], kinds: Kinds, name: str) -> Cause:
    own = kinds.own.get(name)
    if own and own <= state.expired_attributes and not was_noted(state, name):
        # A query for the base class marks what it leaves out as expired.
        base_key = key_attributes(state.mapper.base_mapper)
        if not state.expired and state.expired_attributes.isdisjoint(base_key):
            return Cause.DEFERRED
    return cause_of(state, name)


def _raises(state: InstanceState[Any], kinds: Kinds, name: str) -> bool | None:
    """Whether loading the attribute is forbidden, ``None`` if nothing would load it."""
    relation = kinds.relations.get(name)
    option: Any = state.callables.get(name)
    if relation is None:
        return option.raiseload if option else kinds.deferred.get(name)
    lazy = dict(option.strategy_key)["lazy"] if option else relation.lazy
    if lazy in {"noload", None}:
        return None
    loaded = state.dict
    missing = {_cause(state, kinds, it) for it in relation.needs if it not in loaded}
    if lazy == "raise" or Cause.RAISE in missing:
        return True
    if lazy != "raise_on_sql" or None in missing:
        return False  # a foreign key that was never set refers to nothing
    return not relation.identity or not (missing or _is_known(state, relation))


def _is_known(state: InstanceState[Any], relation: Relation) -> bool:
    """Whether a many-to-one relationship can be read without SQL: it has no object, or the session has it."""
    identity = tuple(state.dict[name] for name in relation.identity)
    is_null = all if relation.target.allow_partial_pks else any
    if is_null(value is None for value in identity):
        return True
    key = relation.target.identity_key_from_primary_key(identity, identity_token=state.identity_token)
    return state.session is not None and key in state.session.identity_map


def _state_of(obj: object) -> InstanceState[Any]:
    state: InstanceState[Any] | None = inspect(obj, raiseerr=False)
    if isinstance(state, InstanceState):
        return state
    are_many = hasattr(type(obj), "__iter__") and not isinstance(obj, (str, bytes, type))
    got = f"a {type(obj).__name__}: use outlive.audit for many" if are_many else shown(obj)
    raise UnmappedInstanceError(obj, f"expected one mapped object, got {got}")
