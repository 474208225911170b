"""``refresh_all``: many objects read anew, one statement per class and chunk; ``fresh``: one value of one object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, TypeAlias, TypeVar, overload

from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import InstanceState, QueryableAttribute, RelationshipProperty, Session
from sqlalchemy.sql.selectable import ForUpdateArg

from outlive.keep.attributes import attribute_of, has
from outlive.keep.relationships import load_relationship
from outlive.keep.scopes import Names, Reference, Scope, names_of, refuse_loss, scope_of
from outlive.lifecycle.causes import Cause
from outlive.lifecycle.errors import MissingRowsError
from outlive.sessions.expiry import expire
from outlive.sessions.objects import AnySession, as_list, by_mapper, listed, name_of, persistent_states, session_of
from outlive.sessions.rows import load_columns

T = TypeVar("T")
Lock: TypeAlias = "bool | Mapping[str, Any] | ForUpdateArg | None"
Dirty: TypeAlias = Literal["raise", "flush", "discard"]
Missing: TypeAlias = Literal["raise", "skip"]
States: TypeAlias = list[InstanceState[Any]]
Groups: TypeAlias = list[tuple[Scope, States]]
"""Objects of one class each, and what is to be read of them."""


@overload
def refresh_all(
    session: AnySession,
    objs: Iterable[T],
    attribute_names: Names | None = None,
    with_for_update: Lock = None,
    *,
    dirty: Dirty = "raise",
    missing: Missing = "raise",
) -> list[T]: ...


@overload
def refresh_all(
    session: AnySession,
    objs: T,
    attribute_names: Names | None = None,
    with_for_update: Lock = None,
    *,
    dirty: Dirty = "raise",
    missing: Missing = "raise",
) -> list[T]: ...


def refresh_all(  # noqa: PLR0913  SQLAlchemy's arguments, and what it leaves open
    session: AnySession,
    objs: object,
    attribute_names: Names | None = None,
    with_for_update: Lock = None,
    *,
    dirty: Dirty = "raise",
    missing: Missing = "raise",
) -> list[Any]:
    """Read what objects hold anew from the database: ``Session.refresh``, one statement per class and 1,000 objects.

    Columns that have a value, or had one before they were expired, are read; deferred ones only if they are loaded.
    Loaded relationships stay loaded.  A many-to-one whose foreign key has changed leads to its new target; to read a
    collection anew, name it.  Nothing is flushed unless you say so.

    A transaction that reads the same rows again and again (``REPEATABLE READ``, the default of MySQL and MariaDB, or
    ``SERIALIZABLE``) brings nothing new, except with a lock on these two: end it first.

    Args:
        session: The session of the objects.
        objs: A mapped object, or any iterable of them.
        attribute_names: Read only these: names, or attributes of the class (one of a subclass means the objects of that
            subclass).  A relationship costs one more statement per 1,000 objects.
        with_for_update: Lock the rows, as for ``Session.refresh``.
        dirty: What to do with unflushed changes of what is to be read.  ``"raise"`` an error before anything is lost,
            ``"flush"`` them first, or ``"discard"`` them; those of a relationship cannot be discarded, for the objects
            at its other side know of them, too.  Changes of other attributes stay.
        missing: What to do if rows are gone.  ``"raise"`` an error when all others are read, or ``"skip"`` them.  These
            objects stay in the session, and what was to be read of them is expired.

    Returns:
        The objects whose rows are there, in the order given, each once.

    Raises:
        ObjectStateError: An object is not persistent in this session, or has changes that would be lost.
        MissingRowsError: The rows of some objects are gone.
        sqlalchemy.exc.ArgumentError: Something else is named than columns and relationships of the objects.
        sqlalchemy.orm.exc.UnmappedInstanceError: Something among ``objs`` is no mapped object.
    """
    if dirty not in {"raise", "flush", "discard"} or missing not in {"raise", "skip"}:
        raise ArgumentError(f"dirty= is raise, flush or discard, missing= is raise or skip; got {dirty!r}, {missing!r}")
    lock, named = _lock(with_for_update), names_of(attribute_names)
    session, objs = session_of(session), as_list(objs)
    states = persistent_states(session, objs)
    groups = [(scope_of(mapper, named), alike) for mapper, alike in by_mapper(states).items()]
    changed = ((scope, state) for scope, alike in groups for state in alike if state.committed_state)
    changes = {state: names for scope, state in changed if (names := scope.changes(state))}
    if changes and dirty == "flush":
        session.flush()
        persistent_states(session, objs)
    elif changes:
        refuse_loss(changes, discard=dirty == "discard")
    with session.no_autoflush:
        gone = set(_refresh(session, groups, lock))
    if gone and missing == "raise":
        lost = [state for state in states if state in gone]
        lost_names = listed([name_of(state) for state in lost])
        locked = " or locked by others" if lock and lock["skip_locked"] else ""
        message = f"the rows of these objects are gone{locked}, missing='skip' passes over them: {lost_names}"
        raise MissingRowsError(message, [state.obj() for state in lost])
    return [state.obj() for state in states if state not in gone]


def fresh(session: AnySession, obj: object, attribute: QueryableAttribute[T]) -> T:
    """Read one column or relationship of an object anew, and return its value.

    ::

        price = fresh(session, product, Product.price)

    In async code, what ``session.expire(product, ["price"])`` and a read of ``product.price`` are in sync code.  The
    value is also that of the object from now on.  Other attributes stay what they are.

    Raises:
        ObjectStateError: The object is not persistent in this session, or has an unflushed change of the attribute.
        MissingRowsError: The row is gone.
        sqlalchemy.exc.ArgumentError: The object has no such column or relationship.
        sqlalchemy.orm.exc.UnmappedInstanceError: It is no mapped object.
    """
    session = session_of(session)
    [state] = persistent_states(session, [obj])
    meant = attribute_of(attribute)
    if not has(state.mapper, meant):
        raise ArgumentError(f"{meant} is no attribute of {state.class_.__name__}")
    refresh_all(session, [obj], [attribute])
    value: T = getattr(obj, meant.name)
    return value


def _refresh(session: Session, groups: Groups, lock: Mapping[str, Any] | None) -> States:
    """Read objects anew; those whose rows are gone."""
    wanted: dict[InstanceState[Any], Collection[str]] = {}
    held: dict[Reference, dict[InstanceState[Any], tuple[Any, ...]]] = {}
    for scope, states in groups:
        no_columns = scope.key if scope.needs_row(locked=lock is not None) else ()
        # Each look at `InstanceState.dict` goes through a weak reference.
        loaded = [(state, state.dict) for state in states]
        wanted.update((state, scope.wanted(state, values) or no_columns) for state, values in loaded)
        for reference in scope.references:
            having = (state for state, values in loaded if reference.relation.key in values)
            held.setdefault(reference, {}).update((state, reference.of_target(state)) for state in having)
    gone = load_columns(session, wanted, lock, replace=True)
    for state in gone:
        expire(session, state, wanted[state], Cause.REFRESH)
        del wanted[state]
    for reference, targets in held.items():
        moved = (state for state, key in targets.items() if reference.of_object(state) != key)
        _load_anew(session, reference.relation, [state for state in moved if state in wanted])
    return gone + _refresh_relations(session, groups, wanted)


def _refresh_relations(
    session: Session, groups: Groups, wanted: Mapping[InstanceState[Any], Collection[str]]
) -> States:
    """Load what is named besides the columns; the objects whose rows turn out to be gone."""
    by_relation: defaultdict[RelationshipProperty[Any], States] = defaultdict(list)
    for scope, states in groups:
        for relation in scope.relations:
            by_relation[relation] += [state for state in states if state in wanted]
    for relation, states in by_relation.items():
        _load_anew(session, relation, states)
    # A collection is read without the row of its object: that of an empty one may be gone.
    doubtful = {
        state: scope.key
        for scope, states in groups
        if scope.relations
        for state in states
        if wanted.get(state) == () and not any(state.dict[relation.key] for relation in scope.relations)
    }
    return load_columns(session, doubtful)


def _load_anew(session: Session, relation: RelationshipProperty[Any], states: States) -> None:
    for state in states:
        if relation.key in state.dict:
            expire(session, state, [relation.key], Cause.REFRESH)
    load_relationship(session, relation, states)


def _lock(given: Lock) -> dict[str, Any] | None:
    """Arguments of ``Select.with_for_update``."""
    if given is None or given is False:
        return None
    if isinstance(given, Mapping) and not given:
        raise ArgumentError("with_for_update={} is ambiguous: True locks the rows, None does not")
    match given:
        case ForUpdateArg():
            options = given
        case True:
            options = ForUpdateArg()
        case Mapping():
            options = ForUpdateArg(**given)
        case _:
            raise ArgumentError(f"with_for_update is True, or a mapping with options, got {given!r}")
    return {name: getattr(options, name) for name in ("nowait", "read", "of", "skip_locked", "key_share")}
