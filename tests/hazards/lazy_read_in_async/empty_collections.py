"""Collections that a condition has found empty: nothing behind their elements is read."""

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


class Note(Base):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shelf.id"))


class Shelf(Base):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    room_id: Mapped[int | None] = mapped_column(ForeignKey("room.id"))
    notes: Mapped[list[Note]] = relationship()


class Room(Base):
    __tablename__ = "room"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelves: Mapped[list[Shelf]] = relationship()


async def _rooms(session, full=False):
    await session.run_sync(lambda sync_session: Base.metadata.create_all(sync_session.connection()))
    await session.merge(Room(id=1, shelves=[Shelf(id=1)] if full else []))
    await session.flush()
    session.expunge_all()
    result = await session.scalars(select(Room).options(selectinload(Room.shelves)))
    return result.all()


def _notes_in(room):
    return [shelf.notes for shelf in room.shelves]


def _is_free(room):
    if room.shelves:
        return False
    return room.id > 0


async def left_when_not_empty():
    async with AsyncKeeping() as session:
        room = (await _rooms(session))[0]
        if room.shelves:
            return
        print(_notes_in(room))  # quiet: there are no shelves here


async def left_when_longer_than_nothing():
    async with AsyncKeeping() as session:
        room = (await _rooms(session))[0]
        if len(room.shelves) > 0:
            raise ValueError
        print(_notes_in(room))  # quiet: there are no shelves here


async def raised_for_each_that_is_not_empty():
    async with AsyncKeeping() as session:
        rooms = await _rooms(session)
        for room in rooms:
            if len(room.shelves) != 0:
                raise ValueError
        for room in rooms:
            print(_notes_in(room))  # quiet: none of them has shelves


async def chosen_by_a_function():
    async with AsyncKeeping() as session:
        free = [room for room in await _rooms(session) if _is_free(room)]
        for room in free:
            print(_notes_in(room))  # quiet: only rooms without shelves were chosen


async def by_another_name():
    async with AsyncKeeping() as session:
        room = (await _rooms(session))[0]
        shelves = room.shelves
        if shelves:
            return
        print(_notes_in(room))  # quiet: there are no shelves here


async def said_and_gone_on():
    async with AsyncKeeping() as session:
        room = (await _rooms(session, full=True))[0]
        if not room.shelves:
            print("an empty room")
        print(_notes_in(room))  # finding: Shelf.notes is not loaded: reading it needs `await`


async def inside_the_condition():
    async with AsyncKeeping() as session:
        room = (await _rooms(session, full=True))[0]
        if len(room.shelves) > 0:
            print(_notes_in(room))  # finding: Shelf.notes is not loaded: reading it needs `await`
