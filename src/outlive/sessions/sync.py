"""``sessionmaker``, whose objects stay readable after commit, rollback and close."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar, cast, overload

from sqlalchemy import Connection, Engine, event, orm
from sqlalchemy.orm import InstanceState, Mapper
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.interfaces import ORMOption

from outlive.lifecycle.causes import Cause
from outlive.sessions import noting
from outlive.sessions.expiry import erased_as_a_whole_by, expired_by_rollback, expired_by_user, had_value
from outlive.sessions.mapped import key_attributes
from outlive.sessions.returning import Wanted, columns_to_return, returning
from outlive.sessions.rows import load_columns

S = TypeVar("S", bound=orm.Session)
T = TypeVar("T")


class Session(orm.Session):
    """SQLAlchemy's session, which knows who expires what, and loads before a commit what a flush has expired.

    All of it is off while ``expire_on_commit`` is true: then the session is SQLAlchemy's own.
    """

    outlive_notes = True

    def expire(self, instance: object, attribute_names: Iterable[str] | None = None) -> None:
        noting.expire(self, super().expire, instance, attribute_names)

    def expire_all(self) -> None:
        noting.expire_all(self, super().expire_all)

    def refresh(
        self, instance: object, attribute_names: Iterable[str] | None = None, with_for_update: Any = None
    ) -> None:
        noting.refresh(self, super().refresh, instance, attribute_names, with_for_update)

    def merge(self, instance: T, *, load: bool = True, options: Sequence[ORMOption] | None = None) -> T:
        merged: T = noting.merge(self, super().merge, instance, load=load, options=options)
        return merged

    if hasattr(orm.Session, "merge_all"):  # SQLAlchemy 2.1

        def merge_all(
            self, instances: Iterable[T], *, load: bool = True, options: Sequence[ORMOption] | None = None
        ) -> Sequence[T]:
            merged: Sequence[T] = noting.merge(self, super().merge_all, instances, load=load, options=options)
            return merged

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        wanted = {} if self.expire_on_commit else self._keep_values()
        if wanted:
            with returning(wanted):
                super().flush(objects)
        else:
            super().flush(objects)
        if noting.doings_of(self).is_committing:
            load_expired_columns(self, self.identity_map.all_states())

    def _keep_values(self) -> Wanted:
        """Load what a flush would take from its objects, and say what it is to return."""
        changed = [instance_state(obj) for obj in self.dirty]
        # With its key expired too, SQLAlchemy would reload each of these objects as a whole, and the program would have
        # it in hand; of a deleted object this is the last chance.
        reloaded = [state for state in (*changed, *map(instance_state, self.deleted)) if expired_by_rollback(state)]
        if reloaded:
            load_expired_columns(self, reloaded)
        return columns_to_return(self, changed) if changed else {}


class sessionmaker(orm.sessionmaker[S]):  # noqa: N801  SQLAlchemy's name
    """SQLAlchemy's ``sessionmaker``, with sessions whose objects stay readable.

    - After ``commit()``, the exit of ``begin()`` and the release of a savepoint no column of an object in the session
      is expired, except by your own ``expire()``.  What a flush expired (``onupdate`` in SQL, ``FetchedValue``, a SQL
      expression, a bulk UPDATE) is fetched before the commit: by ``UPDATE ... RETURNING`` where a single row is
      updated and the database has it, else with one SELECT per class and 1,000 objects.
    - After ``rollback()``, a ``begin()`` block that raises, and the rollback of a savepoint the primary key stays
      readable.  Everything else still reloads, since the transaction in which it was read is no more.
    - Objects detached by ``close()``, ``expunge()`` and ``expunge_all()`` keep all of that.

    What was never loaded is not loaded: see ``ensure_loaded``.  Deferred columns stay deferred.

    ``expire_on_commit=True``, for the factory or for one session, gives SQLAlchemy's own behaviour back.  Arguments,
    ``configure()``, ``begin()`` and typing are those of ``sqlalchemy.orm.sessionmaker``; ``class_`` may be any subclass
    of SQLAlchemy's ``Session``.

    Source: SQLAlchemy 2.0 and 2.1, "When Expiring Happens" (orm/session_state_management), "Fetching Server-Generated
    Defaults" (orm/persistence_techniques).
    """

    @overload
    def __init__(
        self,
        bind: Engine | Connection | None = ...,
        *,
        class_: type[S],
        autoflush: bool = ...,
        expire_on_commit: bool = ...,
        info: dict[Any, Any] | None = ...,
        **kw: Any,
    ) -> None: ...

    @overload
    def __init__(
        self: sessionmaker[orm.Session],
        bind: Engine | Connection | None = ...,
        *,
        autoflush: bool = ...,
        expire_on_commit: bool = ...,
        info: dict[Any, Any] | None = ...,
        **kw: Any,
    ) -> None: ...

    def __init__(
        self,
        bind: Engine | Connection | None = None,
        *,
        class_: type[Any] = orm.Session,
        expire_on_commit: bool = False,
        **kw: Any,
    ) -> None:
        super().__init__(bind, class_=cast("type[S]", keeping(class_)), expire_on_commit=expire_on_commit, **kw)


_kept: dict[type[orm.Session], type[Session]] = {}


def keeping(class_: type[orm.Session]) -> type[Session]:
    """The session class with what ``Session`` does, before what the class itself does."""
    if issubclass(Session, class_):
        return Session
    if issubclass(class_, Session):
        return class_
    if class_ not in _kept:
        _kept[class_] = type(class_.__name__, (Session, class_), {})
    return _kept[class_]


for _name, _listener in noting.LISTENERS.items():
    event.listen(Session, _name, _listener, raw=True)


@event.listens_for(Session, "before_commit")
def _load_before_commit(session: Session) -> None:
    expired = [state for state in session.identity_map.all_states() if state.expired_attributes]
    # With something to flush, the end of that flush is the better moment: it expires more.
    if expired and not (session.new or session.dirty or session.deleted):
        load_expired_columns(session, expired)


@event.listens_for(Mapper, "expire", raw=True)
def _keep_identity(state: InstanceState[Any], names: Iterable[str] | None) -> None:
    """Give the primary key back its value after a rollback.

    ``set_committed_value`` would also say that the object is not expired: ``Session.get`` would then return it without
    asking whether its row is still there.
    """
    session = state.session
    if names is not None or not isinstance(session, Session) or session.expire_on_commit:
        return
    if erased_as_a_whole_by(state) in {Cause.ROLLBACK, Cause.BULK_DELETE}:
        assert state.identity is not None
        for name, index in key_attributes(state.mapper).items():
            state.dict[name] = state.identity[index]
            state.expired_attributes.discard(name)


def load_expired_columns(session: Session, states: Iterable[InstanceState[Any]]) -> None:
    """Load what these objects have lost, without what the user has expired to read it anew."""
    expired = [state for state in states if state.expired_attributes]
    if expired and not session.expire_on_commit:
        load_columns(session, {state: _lost_columns(state) for state in expired})


def _lost_columns(state: InstanceState[Any]) -> set[str]:
    lost = state.expired_attributes.intersection(state.mapper.column_attrs.keys()) - expired_by_user(state)
    return {name for name in lost if had_value(state, name)}
