"""Mappings and sessions of rarer kinds, each with what it would break."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar

import pytest
from sqlalchemy import Engine, ForeignKey, String, create_engine, event, func, inspect, literal_column, select, update
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    configure_mappers,
    mapped_column,
    relationship,
    with_loader_criteria,
)

from outlive import sessionmaker
from outlive.sessions import returning
from outlive.sessions.mapped import server_columns
from tests import databases
from tests.databases import Database
from tests.store import statements


class Base(DeclarativeBase):
    pass


class Eager(Base):
    """Already returns what an UPDATE computes."""

    __tablename__ = "eager"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(20))
    revision: Mapped[int] = mapped_column(server_default="0", onupdate=literal_column("revision + 1"))
    __mapper_args__: ClassVar = {"eager_defaults": True}


class Lazy(Base):
    """Wants no RETURNING."""

    __tablename__ = "lazy"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(20))
    revision: Mapped[int] = mapped_column(server_default="0", onupdate=literal_column("revision + 1"))
    __mapper_args__: ClassVar = {"eager_defaults": False}


class Post(Base):
    """Updated twice in one flush: once for itself and once for its favourite comment."""

    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(20))
    revision: Mapped[int] = mapped_column(server_default="0", onupdate=literal_column("revision + 1"))
    favourite_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id"))
    favourite: Mapped[Comment | None] = relationship(foreign_keys=favourite_id, post_update=True)


class Comment(Base):
    __tablename__ = "comment"
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id", use_alter=True, name="comment_post"))
    post: Mapped[Post | None] = relationship(foreign_keys=post_id)


class Animal(Base):
    __tablename__ = "animal"
    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(String(20))
    seen: Mapped[datetime | None] = mapped_column(onupdate=func.now())
    __mapper_args__: ClassVar = {"polymorphic_on": "type", "polymorphic_identity": "animal"}


class Cat(Animal):
    """Maps its part of the key under a name of its own."""

    __tablename__ = "cat"
    cat_id: Mapped[int] = mapped_column(ForeignKey("animal.id"), primary_key=True)
    lives: Mapped[int] = mapped_column(default=9)
    petted: Mapped[datetime | None] = mapped_column(onupdate=func.now())
    __mapper_args__: ClassVar = {"polymorphic_identity": "cat"}


class Note(Base):
    """Softly deleted."""

    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    is_deleted: Mapped[bool] = mapped_column(default=False)
    revision: Mapped[int] = mapped_column(server_default="0", onupdate=literal_column("revision + 1"))


@pytest.fixture
def engine(every_database: Database) -> Iterator[Engine]:
    with every_database.engine() as engine:
        Base.metadata.create_all(engine)
        yield engine


@pytest.mark.parametrize("entity", [Eager, Lazy])
@pytest.mark.parametrize("count", [1, 2])
def test_what_a_mapping_says_of_eager_defaults_stands(engine: Engine, entity: type[Any], count: int):
    with sessionmaker(engine)() as session:
        objs = [entity(name="a") for _ in range(count)]
        session.add_all(objs)
        session.commit()
        for obj in objs:
            obj.name = "b"
        with statements(engine) as sent:
            session.commit()

    returns = entity is Eager and engine.dialect.update_returning
    assert returns == any("RETURNING" in statement for statement in sent)
    assert [1] * count == [obj.revision for obj in objs]


def test_a_row_that_is_updated_twice_has_its_last_values(engine: Engine):
    with sessionmaker(engine)() as session:
        post = Post(name="a")
        session.add(post)
        session.commit()
        post.name = "b"
        post.favourite = Comment(post=post)
        session.commit()
    with Session(engine) as session:
        assert 2 == session.get(Post, 1).revision == post.revision


def test_a_class_mapped_later_may_make_updates_double():
    class Local(DeclarativeBase):
        pass

    class Early(Local):
        __tablename__ = "early"
        id: Mapped[int] = mapped_column(primary_key=True)
        late_id: Mapped[int | None] = mapped_column(ForeignKey("late.id"))

    before = set(server_columns(inspect(Early)))

    class Late(Local):
        __tablename__ = "late"
        id: Mapped[int] = mapped_column(primary_key=True)
        early: Mapped[list[Early]] = relationship(post_update=True)

    configure_mappers()

    assert {Early.__table__} == before
    assert set() == set(server_columns(inspect(Early)))


def test_both_tables_of_a_joined_class_return_their_values(engine: Engine):
    with sessionmaker(engine)() as session:
        cat = Cat()
        session.add(cat)
        session.commit()
        cat.type, cat.lives = "cat", 8
        cat.lives = 7
        session.commit()

    assert cat.petted is not None
    assert set() == inspect(cat).expired_attributes


def test_the_key_is_readable_under_each_of_its_names_after_a_rollback(engine: Engine):
    with sessionmaker(engine)() as session:
        cat = Cat()
        session.add(cat)
        session.commit()
        session.rollback()
        with statements(engine) as sent:
            assert (1, 1) == (cat.id, cat.cat_id)

        assert [] == sent


def test_a_listener_that_hides_rows_hides_none_that_are_in_hand(engine: Engine):
    factory = sessionmaker(engine)

    @event.listens_for(factory, "do_orm_execute")
    def hide_deleted(execution: Any) -> None:
        if execution.is_select and not execution.is_column_load and not execution.is_relationship_load:
            execution.statement = execution.statement.options(with_loader_criteria(Note, Note.is_deleted.is_(False)))

    with factory() as session:
        notes = [Note(), Note()]
        session.add_all(notes)
        session.commit()
        for note in notes:
            note.is_deleted = True
        session.commit()

        assert [] == session.scalars(select(Note)).all()
    assert [1, 1] == [note.revision for note in notes]


def test_several_databases_in_one_session(engine: Engine):
    other = create_engine("sqlite://")
    Base.metadata.create_all(other)
    with sessionmaker(binds={Eager: engine, Lazy: other, Animal: other})() as session:
        objs = [Eager(name="a"), Lazy(name="a"), Cat()]
        session.add_all(objs)
        session.commit()
        objs[0].name, objs[1].name, objs[2].lives = "b", "b", 1
        session.commit()
    other.dispose()

    assert [1, 1] == [obj.revision for obj in objs[:2]]
    assert objs[2].petted is not None


def test_a_session_in_a_transaction_of_the_users_own(engine: Engine):
    with engine.connect() as connection, connection.begin() as outer:
        for _ in range(3):
            with sessionmaker(connection, join_transaction_mode="create_savepoint")() as session:
                cat = Cat()
                session.add(cat)
                session.commit()
                cat.lives = 1
                session.commit()

            assert cat.petted is not None
        outer.rollback()


def test_a_failing_flush_leaves_nothing_behind(engine: Engine):
    with engine.connect() as connection, sessionmaker(connection)() as session:
        cat = Cat()
        session.add(cat)
        session.commit()
        cat.lives = None  # type: ignore[assignment]
        with pytest.raises(Exception, match="lives"):
            session.commit()
        session.rollback()

        assert {} == returning._flushing


def test_an_engine_gets_one_listener(engine: Engine):
    for _ in range(3):
        with sessionmaker(engine)() as session:
            cat = Cat()
            session.add(cat)
            session.commit()
            cat.lives = 1
            session.commit()

    assert engine.dialect.update_returning == len(list(engine.dispatch.before_execute))


def test_statements_of_the_users_own_return_nothing_more(engine: Engine):
    with sessionmaker(engine)() as session:
        cat = Cat()
        session.add(cat)
        session.commit()
        cat.lives = 1
        session.flush()
        with statements(engine) as sent:
            session.connection().execute(update(Cat.__table__).values(lives=2))

        assert not any("RETURNING" in statement for statement in sent)


def test_two_phases(mariadb_url: str):
    engine = databases.mariadb("pymysql", mariadb_url).connect()
    Base.metadata.create_all(engine)
    with sessionmaker(engine, twophase=True)() as session:
        cats = [Cat(), Cat()]
        session.add_all(cats)
        session.commit()
        for cat in cats:
            cat.lives = 1
        session.prepare()
        session.commit()
    engine.dispose()

    assert all(cat.petted is not None for cat in cats)


def test_a_sharded_session():
    engines = {name: create_engine("sqlite://") for name in ("north", "south")}
    for shard in engines.values():
        Base.metadata.create_all(shard)
    factory = sessionmaker(
        class_=ShardedSession,
        shards=engines,
        shard_chooser=lambda _mapper, instance, _clause=None: "north" if instance.id % 2 else "south",
        identity_chooser=lambda _mapper, key, **_: ["north" if key[0] % 2 else "south"],
        execute_chooser=lambda _context: ["north", "south"],
    )
    with factory() as session:
        notes = [Note(id=number) for number in range(1, 5)]
        session.add_all(notes)
        session.commit()
        for note in notes:
            note.is_deleted = True
        with statements(engines["north"]) as sent:
            session.commit()
    for shard in engines.values():
        shard.dispose()

    assert [1, 1, 1, 1] == [note.revision for note in notes]
    assert 1 == sum(statement.startswith("SELECT") for statement in sent)
