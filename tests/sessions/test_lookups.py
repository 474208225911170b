"""Rows are found by keys of any type and number, on every driver, in as few statements as the database allows."""

from __future__ import annotations

import asyncio
import sqlite3
import types
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import (
    UUID,
    BigInteger,
    Column,
    Engine,
    ForeignKey,
    Integer,
    String,
    Table,
    create_engine,
    event,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import OperationalError, UnboundExecutionError
from sqlalchemy.ext.horizontal_shard import ShardedSession
from sqlalchemy.orm import (
    ColumnProperty,
    DeclarativeBase,
    Mapped,
    Session,
    column_property,
    make_transient_to_detached,
    mapped_column,
    relationship,
)

from outlive import MissingRowsError, Reference, ensure_loaded, load_all, refresh_all
from tests import databases
from tests.conftest import chosen
from tests.keep import keyed
from tests.store import statements

Story = Callable[[Session], None]
Run = Callable[[Story], None]


class Base(DeclarativeBase):
    """The registry of the classes below."""


class Part(Base):
    """Whose key has two columns."""

    __tablename__ = "part"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    price: Mapped[int] = mapped_column(default=0)


class Place(Base):
    """Whose key has three columns, any of which may be NULL: the mapper says so, not the table."""

    __table__ = Table(
        "place",
        Base.metadata,
        Column("id", Integer, primary_key=True),
        Column("x", Integer),
        Column("y", String(20)),
        Column("z", Integer),
        Column("visits", Integer, default=0),
    )
    __mapper_args__: ClassVar = {"primary_key": [__table__.c.x, __table__.c.y, __table__.c.z]}


class Animal(Base):
    __tablename__ = "animal"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("animal.id"))
    young: Mapped[list[Animal]] = relationship()

    __mapper_args__: ClassVar = {"polymorphic_on": kind, "polymorphic_identity": "animal"}


class Cat(Animal):
    """Of a single table with its parent: a statement has a parameter more, that of the discriminator."""

    lives: Mapped[int | None]

    __mapper_args__: ClassVar = {"polymorphic_identity": "cat"}


@pytest.fixture(params=[*databases.SYNC, "pymysql", *databases.ASYNC])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Run a story on each driver.  What an ``AsyncSession`` drives is a session, too."""
    database = chosen(request, tmp_path)
    if request.param in databases.ASYNC:
        return lambda story: asyncio.run(in_a_loop(database, story))

    def by_itself(story: Story) -> None:
        with database.engine() as engine, Session(engine, expire_on_commit=False) as session:
            story(session)

    return by_itself


async def in_a_loop(database: databases.Database, story: Story) -> None:
    from sqlalchemy.ext.asyncio import AsyncSession  # noqa: PLC0415  fails without greenlet

    async with database.async_engine() as engine, AsyncSession(engine, expire_on_commit=False) as session:
        await session.run_sync(story)


def store(session: Session, *objs: Any) -> None:
    """Rows for these objects, in tables that are new."""
    for table in {type(obj).__table__ for obj in objs}:
        table.drop(session.connection(), checkfirst=True)
        table.create(session.connection())
    session.add_all(objs)
    session.commit()


@contextmanager
def sent_by(session: Session) -> Iterator[list[str]]:
    bind = session.get_bind()
    assert isinstance(bind, Engine)
    with statements(bind) as sent:
        yield sent


def is_on(name: str, session: Session) -> bool:
    return session.get_bind().dialect.name == name


# --- keys of one column

KEYS: dict[Any, Sequence[Any]] = {
    keyed.BY[int]: [1, -1, 2**15, 2**31, 2**40],
    keyed.BY[str]: ["", "a,b", '"q"', "{1}", "back\\slash", "it's", "NULL", "%s", ":x", "Zoë", "x" * 200],
    keyed.BY[uuid.UUID]: [uuid.UUID(int=n) for n in (0, 7, 2**127)],
    keyed.BY[Decimal]: [Decimal("1.5"), Decimal(2)],
    keyed.BY[datetime]: [datetime(2026, 1, 1), datetime(2026, 1, 1, 12, 30)],
    keyed.BY[bool]: [True, False],
    keyed.BY[keyed.Size]: [*keyed.Size],
    keyed.ByRank: [*keyed.Rank],
    keyed.ByGuid: [uuid.UUID(int=n) for n in (1, 2)],
}
IN_ARRAYS = {keyed.BY[int], keyed.BY[str], keyed.BY[uuid.UUID]}


@pytest.mark.filterwarnings("ignore:Dialect sqlite.* does .not. support Decimal:sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("class_", KEYS, ids=lambda class_: class_.__name__)
def test_keys_of_each_type_are_found(class_: Any, run: Run):
    def story(session: Session) -> None:
        store(session, *(class_(key_0=key) for key in KEYS[class_]))
        session.expunge_all()

        with sent_by(session) as sent:
            found = load_all(session, [Reference(class_, (key,)) for key in KEYS[class_]])
            refresh_all(session, found, ["key_0"])

        assert KEYS[class_] == [obj.key_0 for obj in found]
        is_array = is_on("postgresql", session) and class_ in IN_ARRAYS
        assert [is_array] * 2 == ["= ANY (" in statement for statement in sent]

    run(story)


def test_a_type_is_what_it_is_on_this_database(run: Run):
    class Own(DeclarativeBase):
        pass

    class Number(Own):
        __tablename__ = "number"
        id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)

    class Token(Own):
        __tablename__ = "token"
        id: Mapped[str] = mapped_column(String(36).with_variant(UUID(as_uuid=False), "postgresql"), primary_key=True)

    def story(session: Session) -> None:
        tokens = [Token(id=str(uuid.UUID(int=n))) for n in (1, 2)]
        store(session, *(objs := [Number(id=1), Number(id=2), *tokens]))

        with sent_by(session) as sent:
            assert objs == refresh_all(session, objs, ["id"])

        assert [is_on("postgresql", session), False] == ["= ANY (" in statement for statement in sent]

    run(story)


def test_keys_may_be_a_mixture_of_types(run: Run):
    def story(session: Session) -> None:
        store(session, *(Animal(id=n) for n in (1, 2)))

        found = load_all(session, [Reference(Animal, (key,)) for key in (2, True)])

        assert [2, 1] == [animal.id for animal in found]

    run(story)


def test_a_key_that_the_database_fills_with_blanks_is_found(run: Run):
    def story(session: Session) -> None:
        store(session, *(objs := [keyed.ByChar(key_0=key) for key in ("NO", "SE")]))

        assert objs == refresh_all(session, objs)

    run(story)


def test_a_text_is_compared_as_the_column_of_the_database_compares_it(run: Run):
    def story(session: Session) -> None:
        text_key = keyed.BY[str]
        store(session, text_key(key_0="NO"))
        session.execute(text("DROP TABLE bystr"))
        session.execute(text("CREATE TABLE bystr (key_0 CHAR(5) PRIMARY KEY)"))
        session.execute(text("INSERT INTO bystr VALUES ('NO')"))
        session.commit()

        [found] = load_all(session, [Reference(text_key, ("NO",))])

        assert "NO" == found.key_0.rstrip()

    run(story)


def test_a_text_that_is_too_long_is_not_cut_off_to_find_another_row(run: Run):
    def story(session: Session) -> None:
        store(session, keyed.BY[str](key_0="x" * 200))

        with sent_by(session) as sent, pytest.raises(MissingRowsError):
            load_all(session, [Reference(keyed.BY[str], ("x" * 201,))])

        # Had there been a row, each key would be asked for once more.
        assert 1 == len(sent)

    run(story)


def test_a_class_may_have_a_comparator_of_its_own(run: Run):
    class Upper(ColumnProperty.Comparator[str]):
        def operate(self, op: Any, *other: Any, **kw: Any) -> Any:
            return op(func.upper(self.__clause_element__()), *(func.upper(value) for value in other), **kw)

    class Own(DeclarativeBase):
        pass

    class Land(Own):
        __tablename__ = "land"
        code = column_property(mapped_column(String(5), primary_key=True).column, comparator_factory=Upper)

    def story(session: Session) -> None:
        store(session, *(lands := [Land(code="no"), Land(code="se")]))

        assert lands == refresh_all(session, lands, ["code"])

    run(story)


# --- keys of more columns


def test_keys_of_two_columns_are_found(run: Run):
    def story(session: Session) -> None:
        store(session, *(parts := [Part(number=n, code=code) for n in (1, 2) for code in ("a", "it's", "c,d")]))
        session.execute(update(Part).values(price=10 * Part.number).execution_options(synchronize_session=False))

        with sent_by(session) as sent:
            assert parts == refresh_all(session, parts)

        assert 1 == len(sent)
        assert "(part.number, part.code) IN (" in sent[0]
        assert [10, 10, 10, 20, 20, 20] == [part.price for part in parts]

    run(story)


def test_keys_that_are_null_in_some_columns_are_found(run: Run):
    keys = [(1, "a", 1), (1, None, 1), (1, "a", None), (None, None, 2), (2, None, 2), (None, "b", None)]

    def story(session: Session) -> None:
        store(session, *(places := [Place(id=n, x=x, y=y, z=z) for n, (x, y, z) in enumerate(keys, 1)]))
        session.execute(update(Place).values(visits=Place.__table__.c.id).execution_options(synchronize_session=False))

        with sent_by(session) as sent:
            assert places == refresh_all(session, places, ["visits"])

        assert 1 == len(sent)
        assert [*range(1, 7)] == [place.visits for place in places]

    run(story)


def test_a_thousand_keys_with_nulls_are_one_statement(run: Run):
    def story(session: Session) -> None:
        store(session, *(places := [Place(id=n, x=n, y=None if n % 2 else "y", z=None) for n in range(1, 1_001)]))

        with sent_by(session) as sent:
            assert places == refresh_all(session, places, ["visits"])

        assert 1 == len(sent)

    run(story)


# --- many


@pytest.mark.parametrize(("count", "chunks"), [(1_000, 1), (1_001, 2), (2_000, 2), (2_001, 3)])
@pytest.mark.parametrize("class_", [keyed.BY[int], keyed.BY[str], keyed.BY[uuid.UUID], Part])
def test_a_thousand_rows_are_one_statement(class_: Any, count: int, chunks: int, run: Run):
    def story(session: Session) -> None:
        kind = next((kind for kind, other in keyed.BY.items() if other is class_), None)
        store(session, *(objs := [new(class_, kind, n) for n in range(count)]))

        with sent_by(session) as sent:
            assert objs == refresh_all(session, objs, ["price" if class_ is Part else "key_0"])

        assert chunks == len(sent)

    def new(class_: Any, kind: Any, n: int) -> Any:
        if kind is None:
            return Part(number=n, code=str(n % 7))
        return class_(key_0=kind(int=n) if kind is uuid.UUID else kind(n))

    run(story)


def test_the_compiled_statement_serves_any_number_of_keys(run: Run):
    hits: list[str] = []

    def story(session: Session) -> None:
        store(session, *(ints := [keyed.BY[int](key_0=n) for n in range(9)]))
        store(session, *(guids := [keyed.ByGuid(key_0=uuid.UUID(int=n)) for n in range(9)]))
        store(session, *(parts := [Part(number=n, code="a") for n in range(9)]))

        @event.listens_for(session.get_bind(), "before_cursor_execute")
        def note(*given: Any) -> None:
            hits.append(given[4].cache_hit.name)

        for count in (9, 8, 1):
            refresh_all(session, ints[:count], ["key_0"])
            refresh_all(session, guids[:count], ["key_0"])
            refresh_all(session, parts[:count])

    run(story)

    assert ["CACHE_HIT"] * 6 == hits[3:]


@pytest.fixture
def old_sqlite() -> Iterator[Engine]:
    """SQLite as it was before 3.32: so many parameters, and SQLAlchemy knows."""
    module = types.SimpleNamespace(**vars(sqlite3))
    module.sqlite_version_info = (3, 31, 1)
    engine = create_engine("sqlite://", module=module)

    @event.listens_for(engine, "connect")
    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)

    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


def test_no_statement_has_more_parameters_than_the_database_takes(old_sqlite: Engine):
    with Session(old_sqlite) as session:
        session.execute(insert(Animal), [{"id": n, "kind": "cat"} for n in range(1, 1_001)])
        session.execute(insert(Part), [{"number": n, "code": "a", "price": 1} for n in range(1_000)])
        with pytest.raises(OperationalError, match="too many SQL variables"):
            session.scalars(select(Animal).where(Animal.id.in_(range(1_000)))).all()
        cats, parts = session.scalars(select(Cat)).all(), session.scalars(select(Part)).all()
        session.expire_all()

        with statements(old_sqlite) as sent:
            refresh_all(session, cats)
            refresh_all(session, parts)
            ensure_loaded(session, cats, Cat.young)

    # With the discriminator of a cat; two for each part.
    assert [901, 101, 900, 900, 200, 900, 100] == [statement.count("?") for statement in sent]


# --- which database


def shards(**other: Any) -> dict[str, Any]:
    """A session of two shards, which cannot tell a shard without an object."""
    engines = {name: create_engine("sqlite://") for name in ("north", "south")}
    for engine in engines.values():
        Base.metadata.create_all(engine)
    return {
        "shards": engines,
        "shard_chooser": lambda _mapper, instance, _clause=None: "north" if instance.number % 2 else "south",
        "identity_chooser": lambda _mapper, key, **_: ["north" if key[0] % 2 else "south"],
        "execute_chooser": lambda _context: list(engines),
    } | other


def test_a_session_with_shards_finds_keys_of_two_columns():
    settings = shards()
    with ShardedSession(**settings, expire_on_commit=False) as session:
        session.add_all(parts := [Part(number=n, code="a") for n in range(1_200)])
        session.commit()
        with statements(settings["shards"]["north"]) as north, statements(settings["shards"]["south"]) as south:
            assert parts == refresh_all(session, parts, ["price"])
        assert (1, 1) == (len(north), len(south))
        assert "IN (VALUES (" in north[0]
        refs = [Reference(Part, (n, "a"), ["south", "north"][n % 2]) for n in range(1_200)]
        session.expunge_all()

        found = load_all(session, refs)

        assert [*range(1_200)] == [part.number for part in found]
    for engine in settings["shards"].values():
        engine.dispose()


def test_a_statement_to_all_shards_is_one_that_any_database_takes():
    settings = shards()
    with ShardedSession(**settings, expire_on_commit=False) as session:
        session.add_all([Part(number=n, code="a") for n in range(2)])
        session.commit()
        session.expunge_all()

        with statements(settings["shards"]["north"]) as sent:
            found = load_all(session, [Reference(Part, (n, "a")) for n in range(2)], missing="skip")

        assert [0, 1] == [part.number for part in found]
        assert "part.number = ? AND part.code = ? OR" in sent[0]
    for engine in settings["shards"].values():
        engine.dispose()


def test_a_session_that_chooses_its_bind_by_statement_is_asked_as_for_any_other():
    engines = [create_engine("sqlite://") for _ in range(2)]
    for engine in engines:
        Base.metadata.create_all(engine)

    class Routing(Session):
        """As in SQLAlchemy's documentation, "Custom Vertical Partitioning"."""

        def get_bind(self, mapper: Any = None, clause: Any = None) -> Any:  # type: ignore[override]
            return engines[0] if self._flushing or not clause.is_select else engines[1]

    with Session(engines[1]) as reader, Routing() as session:
        reader.add_all([Part(number=n, code="a") for n in range(2)])
        reader.commit()
        with statements(engines[0]) as written, statements(engines[1]) as read:
            found = load_all(session, [Reference(Part, (n, "a")) for n in range(2)])
            refresh_all(session, found)

    assert (0, 2) == (len(written), len(read))
    for engine in engines:
        engine.dispose()


def test_nothing_to_find_needs_no_database():
    part = Part(number=1, code="a", price=1)
    make_transient_to_detached(part)
    with Session() as session:
        session.add(part)

        assert [] == refresh_all(session, [])
        assert [part] == load_all(session, [Reference(Part, (1, "a"))])
        ensure_loaded(session, part, Part.price)
        with pytest.raises(UnboundExecutionError):
            refresh_all(session, part)
