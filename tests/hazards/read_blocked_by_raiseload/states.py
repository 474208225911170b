"""What is mapped with ``lazy="raise"``: the states of its object, and what loads it."""

# since SQLAlchemy 2.0.13

import json

from sqlalchemy import String, inspect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.ext.asyncio import AsyncAttrs
from sqlalchemy.orm import contains_eager, defaultload, lazyload, raiseload
from sqlalchemy.orm.attributes import set_committed_value


class Shelf(AsyncAttrs, Base):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    tomes: Mapped[list["Tome"]] = relationship(back_populates="shelf", lazy="raise")


class Tome(AsyncAttrs, Base):
    __tablename__ = "tome"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shelf.id"))
    shelf: Mapped[Shelf | None] = relationship(back_populates="tomes", lazy="raise")


def _fill(connection):
    Base.metadata.create_all(connection)
    connection.execute(insert(Shelf), {"id": 1, "name": "upper"})
    connection.execute(insert(Tome), [{"id": 1, "shelf_id": 1}, {"id": 2, "shelf_id": None}])


async def _fill_async():
    async with async_engine.begin() as connection:
        await connection.run_sync(_fill)


with engine.begin() as connection:
    _fill(connection)
asyncio.run(_fill_async())


def attached():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf)).one()
        print(shelf.name)  # quiet: a column is loaded
        print(shelf.tomes)  # finding: shelf.tomes is not loaded, and lazy="raise" forbids to load it on a read


def got():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        print(shelf.tomes)  # finding: shelf.tomes is not loaded


def detached():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf)).one()
    print(shelf.tomes)  # finding: shelf.tomes is not loaded, and lazy="raise" forbids to load it on a read


def expunged():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf)).one()
        session.expunge(shelf)
        print(shelf.tomes)  # finding: shelf.tomes is not loaded


def to_one_in_the_identity_map():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf)).one()
        tome = session.scalars(select(Tome).where(Tome.shelf_id == shelf.id)).one()
        print(tome.shelf)  # finding: tome.shelf is not loaded


def to_one_without_a_key():
    with Session(engine) as session:
        tome = session.get(Tome, 2)
        print(tome.shelf)  # finding: tome.shelf is not loaded


def with_option():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf).options(selectinload(Shelf.tomes))).one()
        print(shelf.tomes)  # quiet: the option has loaded it
        print(shelf.tomes[0].shelf)  # finding: shelf.tomes[0].shelf is not loaded


def with_nested_option():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf).options(selectinload(Shelf.tomes).joinedload(Tome.shelf))).one()
        print(shelf.tomes[0].shelf)  # quiet: the option has loaded it
        print(shelf.tomes[0].shelf.tomes)  # quiet: it is the shelf that the query has loaded


def with_joined_option():
    with Session(engine) as session:
        tome = session.scalars(select(Tome).where(Tome.id == 1).options(joinedload(Tome.shelf))).one()
        print(tome.shelf.name)  # quiet: the option has loaded it
        print(tome.shelf.tomes)  # finding: tome.shelf.tomes is not loaded


def with_contains_eager():
    with Session(engine) as session:
        tome = session.scalars(select(Tome).join(Tome.shelf).options(contains_eager(Tome.shelf))).one()
        print(tome.shelf)  # quiet: the option has loaded it


def with_lazyload():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf).options(lazyload(Shelf.tomes))).one()
        print(shelf.tomes)  # quiet: the option stands above the mapping


def with_wildcards():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf).options(selectinload("*"))).one()
        print(shelf.tomes)  # quiet: the option has loaded it


def with_defaultload():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf).options(defaultload(Shelf.tomes))).one()
        print(shelf.tomes)  # missed: the option changes nothing


def with_raiseload():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf).options(raiseload(Shelf.tomes))).one()
        print(shelf.tomes)  # missed: the mapping raises too


def with_option_of_get():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1, options=[selectinload(Shelf.tomes)])
    print(shelf.tomes)  # quiet: the option has loaded it


def with_options_that_cannot_be_read():
    more = json.loads("[1]") and [selectinload(Shelf.tomes)]
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf).options(*more)).one()
        print(shelf.tomes)  # quiet: the option has loaded it
        session.commit()
        print(shelf.name)  # quiet: it is loaded again
        print(shelf.tomes)  # quiet: and so are the tomes


def found_again_with_option():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        session.scalars(select(Shelf).options(selectinload(Shelf.tomes))).all()
        print(shelf.tomes)  # quiet: the second query has filled it in


def all_found_again_with_option():
    with Session(engine) as session:
        tomes = session.scalars(select(Tome)).all()
        keys = [tome.id for tome in tomes]
        session.scalars(select(Tome).options(selectinload(Tome.shelf)).where(Tome.id.in_(keys))).all()
        print([tome.shelf for tome in tomes])  # quiet: the second query has filled them in


def found_again_behind_another():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        session.scalars(select(Tome).options(joinedload(Tome.shelf).selectinload(Shelf.tomes))).all()
        print(shelf.tomes)  # quiet: the second query has filled it in


def found_again_without_option():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf).options(selectinload(Shelf.tomes))).one()
        session.scalars(select(Shelf)).all()
        print(shelf.tomes)  # quiet: what is loaded stays


def committed():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf)).one()
        session.commit()
        print(shelf.name)  # quiet: it is loaded again
        print(shelf.tomes)  # finding: shelf.tomes is not loaded


def committed_and_closed():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf)).one()
        session.commit()
    print(shelf.tomes)  # finding: shelf.tomes expired at the commit


def committed_after_option():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf).options(selectinload(Shelf.tomes))).one()
        session.commit()
        print(shelf.tomes)  # finding: shelf.tomes expired at the commit, and lazy="raise" forbids


def committed_after_option_and_loaded_again():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf).options(selectinload(Shelf.tomes))).one()
        session.commit()
        print(shelf.name)  # quiet: it is loaded again
        print(shelf.tomes)  # quiet: with the options of its query


def committed_without_expiry():
    with Session(engine, expire_on_commit=False) as session:
        shelf = session.scalars(select(Shelf).options(selectinload(Shelf.tomes))).one()
        session.commit()
    print(shelf.tomes)  # quiet: it is kept


def rolled_back():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf).options(selectinload(Shelf.tomes))).one()
        session.rollback()
        print(shelf.tomes)  # finding: shelf.tomes expired at the rollback


def expired():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf).options(selectinload(Shelf.tomes))).one()
        session.expire(shelf, ["tomes"])
        print(shelf.tomes)  # finding: shelf.tomes was expired by hand


def refreshed():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf)).one()
        session.refresh(shelf)
        print(shelf.tomes)  # finding: shelf.tomes was dropped by the refresh


def refreshed_by_name():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf)).one()
        session.commit()
        session.refresh(shelf, ["tomes"])
        print(shelf.tomes)  # quiet: the refresh has loaded it


def refreshed_by_name_and_again():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf)).one()
        session.refresh(shelf, ["tomes"])
        session.refresh(shelf)
        print(shelf.tomes)  # finding: shelf.tomes was dropped by the refresh


def refreshed_after_option():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf).options(selectinload(Shelf.tomes))).one()
        session.commit()
        session.refresh(shelf)
        print(shelf.tomes)  # quiet: the refresh keeps to the options of the query


def merged():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
    with Session(engine) as session:
        shelf = session.merge(shelf)
        print(shelf.tomes)  # missed: whether the session had it already is not asked


def new():
    with Session(engine) as session:
        shelf = Shelf(name="new")
        print(shelf.tomes)  # quiet: a transient object has an empty collection
        session.add(shelf)
        session.flush()
        print(shelf.tomes)  # finding: shelf.tomes is not loaded


def new_and_pending():
    with Session(engine) as session:
        shelf = Shelf(name="new")
        session.add(shelf)
        print(shelf.tomes)  # quiet: a pending object has an empty collection


def new_and_given():
    with Session(engine) as session:
        shelf = Shelf(name="new", tomes=[Tome()])
        session.add(shelf)
        session.flush()
        print(shelf.tomes)  # quiet: what was assigned stays
        print(shelf.tomes[0].shelf)  # quiet: it has been filled in from the other side
        session.commit()
        print(shelf.tomes)  # finding: shelf.tomes expired at the commit


def new_and_filled():
    with Session(engine) as session:
        shelf = Shelf(name="new")
        shelf.tomes.append(Tome())
        session.add(shelf)
        session.flush()
        print(shelf.tomes)  # quiet: what was appended stays


def new_and_filled_from_the_other_side():
    with Session(engine) as session:
        shelf = Shelf(name="new")
        tome = Tome(shelf=shelf)
        session.add(tome)
        session.flush()
        print(tome.shelf)  # quiet: what was assigned stays
        print(shelf.tomes)  # quiet: it has been filled in from the other side


def new_and_without_a_key():
    with Session(engine) as session:
        tome = Tome()
        session.add(tome)
        session.flush()
        print(tome.shelf)  # finding: tome.shelf is not loaded


def new_and_with_a_key():
    with Session(engine) as session:
        tome = Tome(shelf_id=1)
        session.add(tome)
        session.commit()
        print(tome.shelf)  # finding: tome.shelf expired at the commit


def assigned_to_one():
    with Session(engine) as session:
        tome = session.get(Tome, 2)
        tome.shelf = session.get(Shelf, 1)
        print(tome.shelf)  # quiet: it has been assigned
        print(tome.shelf.tomes)  # finding: tome.shelf.tomes is not loaded


def assigned_collection():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        shelf.tomes = []  # missed: assigning asks for what was there


def appended():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        shelf.tomes.append(Tome())  # finding: shelf.tomes is not loaded


def deleted():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        session.delete(shelf)
        session.flush()
        print(shelf.tomes)  # quiet: a DELETE loads those that refer to it


def transient_again():
    with Session(engine) as session:
        shelf = Shelf(name="new")
        session.add(shelf)
        session.flush()
        session.rollback()
        print(shelf.tomes)  # quiet: it has no row any longer


def _rows(session):
    return session.scalars(select(Shelf)).all()


def in_a_loop():
    with Session(engine) as session:
        for shelf in _rows(session):
            for tome in shelf.tomes:  # finding: shelf.tomes is not loaded
                print(tome)


def _show(shelf):
    print(shelf.tomes)


def in_a_callee():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        _show(shelf)  # finding: Shelf.tomes is not loaded


def caught():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        try:
            print(shelf.tomes)  # quiet: it is expected
        except InvalidRequestError:
            print("not loaded")


def asked_first():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        if "tomes" in shelf.__dict__:
            print(shelf.tomes)
        if "tomes" not in inspect(shelf).unloaded:
            print(shelf.tomes)
        shelf.__dict__["tomes"] = []
        print(shelf.tomes)  # quiet: who looks into `__dict__` knows what is there


def committed_value():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        set_committed_value(shelf, "tomes", [])
        print(shelf.tomes)  # quiet: it has been set


def with_session(session):
    shelf = session.scalars(select(Shelf)).one()
    print(shelf.tomes)  # finding: shelf.tomes is not loaded


async def attached_async():
    async with AsyncSession(async_engine) as session:
        shelf = (await session.scalars(select(Shelf))).one()
        print(shelf.tomes)  # finding: shelf.tomes is not loaded, and lazy="raise" forbids


async def option_async():
    async with AsyncSession(async_engine) as session:
        shelf = (await session.scalars(select(Shelf).options(selectinload(Shelf.tomes)))).one()
        print(shelf.tomes)  # quiet: the option has loaded it
        await session.commit()
        print(shelf.tomes)  # finding: shelf.tomes expired at the commit, and lazy="raise" forbids


async def refreshed_async():
    async with AsyncSession(async_engine) as session:
        shelf = await session.get(Shelf, 1)
        await session.refresh(shelf, ["tomes"])
        print(shelf.tomes)  # quiet: the refresh has loaded it


async def awaited():
    async with AsyncSession(async_engine) as session:
        shelf = await session.get(Shelf, 1)
        print(await shelf.awaitable_attrs.tomes)  # finding: shelf.awaitable_attrs.tomes is not loaded


async def in_run_sync():
    async with AsyncSession(async_engine) as session:
        shelf = await session.get(Shelf, 1)
        await session.run_sync(lambda _: print(shelf.tomes))  # finding: Shelf.tomes is not loaded


async def to_one_async():
    async with AsyncSession(async_engine) as session:
        shelf = await session.get(Shelf, 1)
        tome = await session.get(Tome, 1)
        print(shelf, tome.shelf)  # finding: tome.shelf is not loaded
