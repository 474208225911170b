"""``lazy="raise_on_sql"`` raises only where a read would emit SQL; each other error has a hazard of its own."""

# since SQLAlchemy 2.0.13

from sqlalchemy.ext.asyncio import AsyncAttrs


class Shelf(AsyncAttrs, Base):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    tomes: Mapped[list["Tome"]] = relationship(back_populates="shelf", lazy="raise_on_sql")


class Tome(AsyncAttrs, Base):
    __tablename__ = "tome"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelf.id"))
    shelf: Mapped[Shelf] = relationship(back_populates="tomes", lazy="raise_on_sql")


def _fill(connection):
    Base.metadata.create_all(connection)
    connection.execute(insert(Shelf), [{"id": 1, "name": "upper"}, {"id": 2, "name": "lower"}])
    connection.execute(insert(Tome), [{"id": 1, "shelf_id": 1}])


async def _fill_async():
    async with async_engine.begin() as connection:
        await connection.run_sync(_fill)


with engine.begin() as connection:
    _fill(connection)
asyncio.run(_fill_async())


def attached():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        print(shelf.tomes)  # finding: shelf.tomes is not loaded, and lazy="raise_on_sql" forbids to load it on a read


def to_one():
    with Session(engine) as session:
        tome = session.get(Tome, 1)
        print(tome.shelf)  # finding: tome.shelf is not loaded, and lazy="raise_on_sql" forbids


def to_one_in_the_identity_map():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        tome = session.get(Tome, 1)
        print(shelf, tome.shelf)  # quiet: the identity map has it


def to_one_in_the_identity_map_and_expired():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        tome = session.get(Tome, 1)
        session.commit()
        print(tome.shelf, shelf)  # quiet: the identity map has it


def behind_the_other_side():
    with Session(engine) as session:
        shelf = session.scalars(select(Shelf).where(Shelf.id == 1).options(selectinload(Shelf.tomes))).one()
        print(shelf.tomes[0].shelf)  # quiet: the identity map has it


def new_without_a_key():
    with Session(engine) as session:
        session.autoflush = False
        tome = Tome()
        session.add(tome)
        print(tome.shelf)  # quiet: a pending object reads as empty


def new():
    with Session(engine) as session:
        shelf = Shelf(name="new")
        session.add(shelf)
        session.flush()
        print(shelf.tomes)  # finding: shelf.tomes is not loaded


def detached():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
    print(shelf.tomes)  # also lazy-read-after-close: shelf.tomes is not loaded and its session is closed


def committed():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        session.commit()
        print(shelf.tomes)  # finding: shelf.tomes expired at the commit, and lazy="raise_on_sql" forbids


def committed_after_option():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1, options=[selectinload(Shelf.tomes)])
        session.commit()
        print(shelf.tomes)  # quiet: the row is loaded first, with the options of its query


def refreshed():
    with Session(engine) as session:
        shelf = session.get(Shelf, 1)
        session.refresh(shelf, ["tomes"])
        print(shelf.tomes)  # quiet: the refresh has loaded it


async def attached_async():
    async with AsyncSession(async_engine) as session:
        shelf = await session.get(Shelf, 1)
        print(shelf.tomes)  # finding: shelf.tomes is not loaded, and lazy="raise_on_sql" forbids


async def to_one_in_the_identity_map_async():
    async with AsyncSession(async_engine) as session:
        shelf = await session.get(Shelf, 1)
        tome = await session.get(Tome, 1)
        print(shelf, tome.shelf)  # quiet: the identity map has it


async def committed_async():
    async with AsyncSession(async_engine) as session:
        shelf = await session.get(Shelf, 1, options=[selectinload(Shelf.tomes)])
        await session.commit()
        print(shelf.tomes)  # also eager-load-lost-at-commit: shelf.tomes expired at the commit


async def in_run_sync():
    async with AsyncSession(async_engine) as session:
        shelf = await session.get(Shelf, 1)
        await session.run_sync(lambda _: print(shelf.tomes))  # finding: Shelf.tomes is not loaded


async def awaited():
    async with AsyncSession(async_engine) as session:
        shelf = await session.get(Shelf, 1)
        print(await shelf.awaitable_attrs.tomes)  # missed: what can be awaited is taken to load
