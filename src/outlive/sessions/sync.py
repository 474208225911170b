"""``sessionmaker``, whose objects stay readable after commit, rollback and close."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast, overload

from sqlalchemy import Connection, Engine, event, inspect, orm
from sqlalchemy.orm import InstanceState, Mapper, SessionTransaction
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.interfaces import ORMOption

from outlive.lifecycle.causes import Cause
from outlive.sessions.expiry import expired_by_rollback, expired_by_user, had_value, has_notes, note, note_values
from outlive.sessions.mapped import key_attributes
from outlive.sessions.returning import Wanted, columns_to_return, returning
from outlive.sessions.rows import load_columns

S = TypeVar("S", bound=orm.Session)
T = TypeVar("T")


class Session(orm.Session):
    """SQLAlchemy's session, which knows who expires what, and loads before a commit what a flush has expired.

    All of it is off while ``expire_on_commit`` is true: then the session is SQLAlchemy's own.
    """

    outlive_cause: Cause | None = None
    """What is being done that may expire attributes."""
    outlive_commits = False
    """Whether a commit has begun: from now on nothing may stay expired."""
    outlive_committed = False
    """Whether the database has committed, and the session is about to expire everything."""

    @contextmanager
    def _expiring(self, cause: Cause) -> Generator[None]:
        before, self.outlive_cause = self.outlive_cause, cause
        try:
            yield
        finally:
            self.outlive_cause = before

    def expire(self, instance: object, attribute_names: Iterable[str] | None = None) -> None:
        if attribute_names is not None and not isinstance(attribute_names, Collection):
            # An iterator would have nothing left to note; an empty one expires nothing, an empty list everything.
            attribute_names = list(attribute_names) or iter(())
        note_values(_expired_with(instance, only=attribute_names))
        with self._expiring(Cause.EXPIRE):
            super().expire(instance, attribute_names)

    def expire_all(self) -> None:
        note_values(self.identity_map.all_states())
        with self._expiring(Cause.EXPIRE_ALL):
            super().expire_all()

    def refresh(
        self, instance: object, attribute_names: Iterable[str] | None = None, with_for_update: Any = None
    ) -> None:
        if not attribute_names:
            note_values(_expired_with(instance))
        with self._expiring(Cause.REFRESH):
            super().refresh(instance, attribute_names, with_for_update)

    def merge(self, instance: T, *, load: bool = True, options: Sequence[ORMOption] | None = None) -> T:
        with self._expiring(Cause.MERGE):
            return super().merge(instance, load=load, options=options)

    if hasattr(orm.Session, "merge_all"):  # SQLAlchemy 2.1

        def merge_all(
            self, instances: Iterable[T], *, load: bool = True, options: Sequence[ORMOption] | None = None
        ) -> Sequence[T]:
            with self._expiring(Cause.MERGE):
                return super().merge_all(instances, load=load, options=options)

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        # Autoflush comes here with every query: a context manager each time would be a tenth of its cost.
        before, self.outlive_cause = self.outlive_cause, Cause.FLUSH
        try:
            wanted = {} if self.expire_on_commit else self._keep_values()
            if wanted:
                with returning(wanted):
                    super().flush(objects)
            else:
                super().flush(objects)
        finally:
            self.outlive_cause = before
        if self.outlive_commits:
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
      updated and the database has it, else with one SELECT per class and 500 objects.
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


@event.listens_for(Mapper, "expire", raw=True)
def _note_expiry(state: InstanceState[Any], names: Iterable[str] | None) -> None:
    session = state.session
    if not isinstance(session, Session):
        if has_notes(state):
            # Ours, from before: out of date now.
            note(state, names, Cause.UNKNOWN)
        return
    cause = _cause(session, names)
    if cause is Cause.MERGE and names is not None:
        # Those that load on a read anyhow are in the event, and are not expired.
        names = state.expired_attributes.intersection(names)
    note(state, names, cause)
    if cause in {Cause.ROLLBACK, Cause.BULK_DELETE} and not session.expire_on_commit:
        _keep_identity(state)


def _cause(session: Session, names: Iterable[str] | None) -> Cause:
    doing = session.outlive_cause
    if names is not None:
        return doing or Cause.BULK_UPDATE
    if doing is not None and doing is not Cause.FLUSH:
        return doing
    # No method of the session lies on the way of every commit and rollback: a flush that fails rolls back, and so does
    # the end of a block.
    if session.outlive_committed:
        return Cause.COMMIT
    return Cause.BULK_DELETE if session.is_active else Cause.ROLLBACK


def _expired_with(instance: object, only: object = None) -> Iterator[InstanceState[Any]]:
    """The states that expiring an object expires: without names also those that it cascades to."""
    state: InstanceState[Any] | None = inspect(instance, raiseerr=False)
    if isinstance(state, InstanceState):
        yield state
        if not only:
            for _, _, reached, _ in state.mapper.cascade_iterator("refresh-expire", state):
                yield reached


def _keep_identity(state: InstanceState[Any]) -> None:
    """Give the primary key back its value.

    ``set_committed_value`` would also say that the object is not expired: ``Session.get`` would then return it without
    asking whether its row is still there.
    """
    assert state.identity is not None
    for name, index in key_attributes(state.mapper).items():
        state.dict[name] = state.identity[index]
        state.expired_attributes.discard(name)


@event.listens_for(Session, "before_commit")
def _begin_commit(session: Session) -> None:
    session.outlive_commits = True
    expired = [state for state in session.identity_map.all_states() if state.expired_attributes]
    # With something to flush, the end of that flush is the better moment: it expires more.
    if expired and not (session.new or session.dirty or session.deleted):
        load_expired_columns(session, expired)


@event.listens_for(Session, "after_rollback")
def _before_rollback_expires(session: Session) -> None:
    # No public name tells what has changed since a savepoint, which is all that its rollback expires.
    flushed = getattr(session.get_nested_transaction(), "_dirty", None)
    if flushed is None:
        note_values(session.identity_map.all_states())
    else:
        note_values({*flushed, *(inspect(obj) for obj in session.dirty)})


@event.listens_for(Session, "deleted_to_persistent", raw=True)
def _before_revived_expires(session: Session, state: InstanceState[Any]) -> None:  # noqa: ARG001
    note_values([state])


@event.listens_for(Session, "after_commit")
def _before_commit_expires(session: Session) -> None:
    session.outlive_committed = True
    if session.expire_on_commit and not session.in_nested_transaction():
        note_values(session.identity_map.all_states())


@event.listens_for(Session, "after_transaction_end")
def _end_transaction(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None or transaction.nested:
        session.outlive_commits = False
        session.outlive_committed = False


def load_expired_columns(session: Session, states: Iterable[InstanceState[Any]]) -> None:
    """Load what these objects have lost, without what the user has expired to read it anew."""
    expired = [state for state in states if state.expired_attributes]
    if expired and not session.expire_on_commit:
        load_columns(session, {state: _lost_columns(state) for state in expired})


def _lost_columns(state: InstanceState[Any]) -> set[str]:
    lost = state.expired_attributes.intersection(state.mapper.column_attrs.keys()) - expired_by_user(state)
    return {name for name in lost if had_value(state, name)}
