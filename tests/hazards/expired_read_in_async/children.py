"""What a new query for the rows behind a collection does to those that have expired."""

# since SQLAlchemy 2.0.13

from sqlalchemy.ext.asyncio import AsyncAttrs


class Shelf(AsyncAttrs, Base):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
    tomes: Mapped[list["Tome"]] = relationship()


class Tome(Base):
    __tablename__ = "tome"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelf.id"))


async def _shelve(session):
    await session.run_sync(lambda sync_session: Base.metadata.create_all(sync_session.connection()))
    session.add(Shelf(label="A", tomes=[Tome(title="Rocannon")]))
    await session.commit()
    session.expunge_all()


async def _expired(session):
    shelf = (await session.scalars(select(Shelf).options(selectinload(Shelf.tomes)))).one()
    shelf.label = "B"
    await session.commit()
    await session.refresh(shelf)
    return shelf


async def awaited():
    async with AsyncSessionLocal() as session:
        await _shelve(session)
        shelf = await _expired(session)
        await shelf.awaitable_attrs.tomes
        print([tome.title for tome in shelf.tomes])  # quiet: their rows have come again


async def awaited_twice():
    async with AsyncSessionLocal() as session:
        await _shelve(session)
        shelf = (await session.scalars(select(Shelf))).one()
        await shelf.awaitable_attrs.tomes
        await session.commit()
        for tome in await shelf.awaitable_attrs.tomes:
            print(tome.title)  # quiet: their rows have come again


async def awaited_before_only():
    async with AsyncSessionLocal() as session:
        await _shelve(session)
        shelf = (await session.scalars(select(Shelf))).one()
        tomes = await shelf.awaitable_attrs.tomes
        await session.commit()
        print([tome.title for tome in tomes])  # finding: tome.title expired at the commit


async def refreshed():
    async with AsyncSessionLocal() as session:
        await _shelve(session)
        shelf = await _expired(session)
        await session.refresh(shelf, ["tomes"])
        print([tome.title for tome in shelf.tomes])  # quiet: their rows have come again


async def asked_for_again():
    async with AsyncSessionLocal() as session:
        await _shelve(session)
        shelf = await _expired(session)
        await session.execute(select(Shelf).options(selectinload(Shelf.tomes)))
        print([tome.title for tome in shelf.tomes])  # quiet: their rows have come again


async def in_run_sync():
    async with AsyncSessionLocal() as session:
        await _shelve(session)
        shelf = await _expired(session)
        await session.run_sync(lambda _: len(shelf.tomes))
        print([tome.title for tome in shelf.tomes])  # quiet: their rows have come again


async def held_by_other_names():
    async with AsyncSessionLocal() as session:
        await _shelve(session)
        shelf = (await session.scalars(select(Shelf).options(selectinload(Shelf.tomes)))).one()
        tomes = list(shelf.tomes)
        await session.commit()
        await shelf.awaitable_attrs.tomes
        print([tome.title for tome in tomes])  # quiet: these are the same objects


async def expected_to_be_of_another_class():
    async def load(shelf):
        try:
            await shelf.awaitable_attrs.tomes
        except AttributeError:
            pass

    async with AsyncSessionLocal() as session:
        await _shelve(session)
        shelf = (await session.scalars(select(Shelf))).one()
        await load(shelf)
        print(shelf.tomes)  # quiet: where it raises that, it has no such attribute


async def assigned_and_awaited():
    async with AsyncSessionLocal() as session:
        await _shelve(session)
        tomes = (await session.scalars(select(Tome))).all()
        shelf = Shelf(label="B", tomes=tomes)
        session.add(shelf)
        await session.commit()
        await session.refresh(shelf)
        await shelf.awaitable_attrs.tomes
        print([tome.title for tome in shelf.tomes])  # quiet: their rows have come again
