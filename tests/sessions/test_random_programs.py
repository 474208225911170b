"""Random session operations, run with our factory and with SQLAlchemy's own and ``expire_on_commit=False``.

Every read gives the same value in both worlds.  In ours, a column that was promised is there without SQL: all of an
object's columns after a commit or a released savepoint, its key after a rollback.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import ClauseElement, Engine, String, create_engine, event, inspect, literal_column, select, update
from sqlalchemy.exc import InvalidRequestError, SQLAlchemyError
from sqlalchemy.orm import (
    DeclarativeBase,
    InstanceState,
    Mapped,
    Session,
    SessionTransaction,
    mapped_column,
    undefer,
)
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import DetachedInstanceError
from sqlalchemy.pool import StaticPool

import outlive
from tests.databases import Database

STEPS = 30
PHASES = [phase for phase in Phase if phase is not Phase.explain]
Operation = Callable[[Session, "list[Thing]"], object]


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "thing"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    price: Mapped[int]
    name: Mapped[str | None] = mapped_column(String(20))
    kind: Mapped[str | None] = mapped_column(String(20), server_default="plain")
    revision: Mapped[int] = mapped_column(server_default="0", onupdate=literal_column("revision + 1"))
    notes: Mapped[str | None] = mapped_column(String(20), deferred=True)


COLUMNS = ("id", "price", "name", "kind", "revision", "notes")
ASKED = {"name", "kind", "notes"}
"""Without the key, which comes with every row, and what a flush may expire for reasons of its own."""


class World:
    """A session, the objects that a program has had in hand, and the savepoints that it has begun."""

    def __init__(self, engine: Engine, factory: Callable[[], Session]) -> None:
        self.engine = engine
        self.factory = factory
        self.session = factory()
        self.things: list[Thing] = []
        self.savepoints: list[SessionTransaction] = []

    def begin_savepoint(self, session: Session, _things: object) -> None:
        self.savepoints.append(session.begin_nested())

    def run(self, operation: Operation) -> str:
        """The type of what the operation raises, or nothing."""
        try:
            self.apply(operation)
        except SQLAlchemyError as error:
            return type(error).__name__
        return ""

    def apply(self, operation: Operation) -> object:
        return operation(self.session, self.things)

    def read(self, index: int, name: str) -> object:
        try:
            return getattr(self.things[index], name)
        except SQLAlchemyError as error:
            return error

    def close(self) -> None:
        self.session.close()
        self.session = self.factory()
        self.savepoints.clear()

    def end(self) -> None:
        self.session.close()
        self.engine.dispose()


class AsyncWorld(World):
    """The same through an ``AsyncSession``: what is there is read outside of it, where SQL is an error."""

    def __init__(self, database: Database) -> None:
        from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415  fails without greenlet

        self.loop = asyncio.new_event_loop()
        engine = create_async_engine(database.url, connect_args=database.connect_args)
        make = outlive.async_sessionmaker(engine)

        def factory() -> Session:
            self.async_session = make()
            return self.async_session.sync_session

        self.dispose = engine.dispose
        super().__init__(with_savepoints(engine.sync_engine), factory)

    def apply(self, operation: Operation) -> object:
        return self.loop.run_until_complete(self.async_session.run_sync(operation, self.things))

    def read(self, index: int, name: str) -> object:
        if name in inspect(self.things[index]).dict:
            return super().read(index, name)
        # Outside, it would fail, and the flush that it may begin with would take the transaction along.
        return self.apply(lambda _session, _things: super(AsyncWorld, self).read(index, name))

    def close(self) -> None:
        self.loop.run_until_complete(self.async_session.close())
        self.session = self.factory()
        self.savepoints.clear()

    def end(self) -> None:
        self.loop.run_until_complete(self.async_session.close())
        self.loop.run_until_complete(self.dispose())
        self.loop.close()


class Programs(RuleBasedStateMachine):
    """One program, run in both worlds step by step."""

    def __init__(self, ours: World) -> None:
        super().__init__()
        plain = with_savepoints(create_engine("sqlite://", poolclass=StaticPool))
        self.ours = ours
        self.plain = World(plain, lambda: Session(plain, expire_on_commit=False))
        self.sent: list[str] = []
        event.listen(ours.engine, "before_cursor_execute", lambda *words: self.sent.append(words[2]))
        self.asked: list[set[str]] = []
        """For each object the attributes that the program itself has expired, and that have not been loaded since."""
        self.expired_again = False
        """Whether something else, since the last commit, may have expired what the program had expired."""
        for world in (self.ours, self.plain):
            world.apply(lambda session, _: self.create(session))
        for _ in range(3):
            self.add(price=len(self.asked), notes="long")
        self.commit()

    def create(self, session: Session) -> None:
        Base.metadata.drop_all(session.connection())
        Base.metadata.create_all(session.connection())
        session.commit()

    def both(self, operation: Operation) -> None:
        plain = self.plain.run(operation)

        assert plain == self.ours.run(operation)

    def on(self, index: int, operation: Callable[[Session, Thing], object]) -> None:
        if index < len(self.ours.things):
            self.both(lambda session, things: operation(session, things[index]))

    things = st.integers(0, 3)
    columns = st.sampled_from(COLUMNS)

    @rule(price=st.integers(0, 9), notes=st.sampled_from([None, "long"]))
    def add(self, price: int, notes: str | None) -> None:
        def operation(session: Session, things: list[Thing]) -> None:
            things.append(Thing(id=len(things) + 1, price=price, notes=notes))
            session.add(things[-1])

        self.both(operation)
        self.asked.append(set())

    @rule(index=things, name=st.sampled_from(["x", "y"]))
    def change(self, index: int, name: str) -> None:
        self.on(index, lambda _, thing: setattr(thing, "name", name))

    @rule(kind=st.sampled_from(["x", "y"]))
    def change_all(self, kind: str) -> None:
        self.both(lambda _, things: [setattr(thing, "kind", kind) for thing in things])

    @rule(index=things)
    def change_by_expression(self, index: int) -> None:
        def operation(session: Session, thing: Thing) -> None:
            if thing in session and inspect(thing).persistent:
                thing.price = Thing.price + 1  # type: ignore[assignment]

        self.on(index, operation)

    @rule(price=st.integers(0, 9))
    def update_in_bulk(self, price: int) -> None:
        self.both(lambda session, _: session.execute(update(Thing).where(Thing.price > price).values(name="bulk")))
        self.expired_again = True
        self.mend_what_was_not_updated()

    def mend_what_was_not_updated(self) -> None:
        """Give objects of the plain session the value of their row.

        A bulk UPDATE gives its values to any object that it cannot compare with its criteria because a flush has
        expired what they name, whether the row was updated or not.  Of ours, the flush has left nothing expired.
        """
        for index, (thing, plain) in enumerate(zip(self.ours.things, self.plain.things, strict=True)):
            actual, other = inspect(thing).dict.get("name"), inspect(plain).dict.get("name")
            if other == "bulk" and actual != other and inspect(thing).persistent:
                self.is_stored(index, "name", actual)
                set_committed_value(plain, "name", actual)

    @rule(synchronize=st.sampled_from(["fetch", "auto"]))
    def update_all_by_expression(self, synchronize: str) -> None:
        statement = update(Thing).values(price=Thing.price + 1)
        self.both(lambda session, _: session.execute(statement, execution_options={"synchronize_session": synchronize}))
        self.expired_again = True

    @rule()
    def flush(self) -> None:
        self.both(lambda session, _: session.flush())

    @rule()
    def commit(self) -> None:
        untouched = [index for index, thing in enumerate(self.ours.things) if not inspect(thing).modified]
        self.both(lambda session, _: session.commit())
        self.promised()
        for index in untouched:
            # What the program wants to read anew is not read for it.
            state: InstanceState[Thing] = inspect(self.ours.things[index])
            assert self.expired_again or not state.persistent or self.asked[index] & ASKED <= state.expired_attributes
        self.expired_again = False

    @rule()
    def rollback(self) -> None:
        self.both(lambda session, _: session.rollback())
        self.plain.savepoints.clear()
        self.ours.savepoints.clear()
        self.expired_again = True

    @rule()
    def begin_savepoint(self) -> None:
        outcomes = [world.run(world.begin_savepoint) for world in (self.plain, self.ours)]

        assert outcomes[0] == outcomes[1]

    @precondition(lambda self: self.ours.savepoints)
    @rule(released=st.booleans())
    def end_savepoint(self, released: bool) -> None:
        ends = {
            world: savepoint.commit if released else savepoint.rollback
            for world in (self.plain, self.ours)
            for savepoint in [world.savepoints.pop()]
        }
        failures = [world.run(lambda _session, _things, end=end: end()) for world, end in ends.items()]
        assert failures[0] == failures[1]
        if released and not failures[0]:
            self.promised()
        else:
            self.expired_again = True

    @rule(index=things, names=st.none() | st.lists(columns, min_size=1, max_size=2))
    def expire(self, index: int, names: list[str] | None) -> None:
        self.on(index, lambda session, thing: session.expire(thing, names))
        if index < len(self.asked):
            self.asked[index].update(names or COLUMNS)

    @rule()
    def expire_all(self) -> None:
        self.both(lambda session, _: session.expire_all())
        for asked in self.asked:
            asked.update(COLUMNS)

    @rule(index=things)
    def refresh(self, index: int) -> None:
        self.on(index, lambda session, thing: session.refresh(thing))

    @rule(index=things)
    def delete(self, index: int) -> None:
        def operation(session: Session, thing: Thing) -> None:
            # A deleted object would come back as one without a row.
            if inspect(thing).persistent:
                session.delete(thing)

        self.on(index, operation)

    @rule(index=things)
    def expunge(self, index: int) -> None:
        self.on(index, lambda session, thing: session.expunge(thing))

    @rule(undeferred=st.booleans())
    def load_all(self, undeferred: bool) -> None:
        options = [undefer(Thing.notes)] if undeferred else []
        self.both(lambda session, _: session.scalars(select(Thing).options(*options)).all())

    @rule(key=st.integers(1, 4))
    def get(self, key: int) -> None:
        self.both(lambda session, _: session.get(Thing, key))

    @rule()
    def close(self) -> None:
        self.plain.close()
        self.ours.close()

    @rule(index=things, name=columns)
    def read(self, index: int, name: str) -> None:
        if index >= len(self.ours.things):
            return
        # A read that emits SQL flushes first, and in ours many emit none.
        self.both(lambda session, _: session.flush())
        if name in inspect(self.ours.things[index]).dict:
            self.read_without_sql(index, name)
            return
        expected, actual = self.plain.read(index, name), self.ours.read(index, name)
        if isinstance(expected, DetachedInstanceError | InvalidRequestError):
            assert type(expected) is type(actual)
        elif not isinstance(expected, ClauseElement) and expected != actual:
            self.is_stored(index, name, actual)

    def read_without_sql(self, index: int, name: str) -> None:
        before = len(self.sent)
        actual = self.ours.read(index, name)

        assert before == len(self.sent)
        state: InstanceState[Thing] = inspect(self.plain.things[index])
        if name in state.dict:
            assert isinstance(actual, ClauseElement) or state.dict[name] == actual
        elif state.persistent:
            # To read it from the object would reload all of the object, which ours had no need to do.
            self.is_stored(index, name, actual)

    def is_stored(self, index: int, name: str, value: object) -> None:
        """Ask the database.

        SQLAlchemy forgets that a flush has expired an attribute when that flush was part of reloading the object: it
        reads as None.  Ours was returned by the UPDATE.
        """
        query = select(Thing.__table__.c[name]).where(Thing.id == index + 1)

        assert value == self.plain.apply(lambda session, _: session.scalar(query))

    def promised(self) -> None:
        """Nothing that has been loaded is gone, unless the program has expired it."""
        for thing, asked in zip(self.ours.things, self.asked, strict=True):
            state: InstanceState[Thing] = inspect(thing)
            if state.persistent and state.session is self.ours.session:
                assert set() == state.expired_attributes - asked - {"notes"}

    @invariant()
    def keys_are_there(self) -> None:
        for thing, asked in zip(self.ours.things, self.asked, strict=True):
            state: InstanceState[Thing] = inspect(thing)
            asked.intersection_update(state.expired_attributes)
            if state.persistent and "id" not in asked:
                assert "id" in state.dict

    def teardown(self) -> None:
        self.ours.end()
        self.plain.end()


pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


def test_sync(every_database: Database):
    def program() -> Programs:
        engine = create_engine(every_database.url, connect_args=every_database.connect_args)
        return Programs(World(with_savepoints(engine), outlive.sessionmaker(engine)))

    run_state_machine_as_test(program, settings=effort(100 if "sqlite" in every_database.url else 20))


def test_async(every_async_database: Database):
    pytest.importorskip("greenlet")
    run_state_machine_as_test(lambda: Programs(AsyncWorld(every_async_database)), settings=effort(20))


def effort(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=PHASES,
    )


def with_savepoints(engine: Engine) -> Engine:
    """Make the sqlite3 module begin its transactions when SQLAlchemy does, as SQLAlchemy's documentation shows."""
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _leave_it_to_us(connection: Any, _record: object) -> None:
            connection.isolation_level = None

        @event.listens_for(engine, "begin")
        def _begin(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN")

    return engine
