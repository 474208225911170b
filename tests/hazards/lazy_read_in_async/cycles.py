"""What mappings load eagerly ends where it comes to a class that is on the way already."""

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


class Shop(Base):
    __tablename__ = "shop"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelves: Mapped[list["Shelf"]] = relationship(back_populates="shop", lazy="selectin")


class Shelf(Base):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    shop_id: Mapped[int] = mapped_column(ForeignKey("shop.id"))
    shop: Mapped[Shop] = relationship(back_populates="shelves", lazy="selectin")
    boards: Mapped[list["Board"]] = relationship(back_populates="shelf", lazy="selectin")


class Board(Base):
    __tablename__ = "board"

    id: Mapped[int] = mapped_column(primary_key=True)
    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelf.id"))
    shelf: Mapped[Shelf] = relationship(back_populates="boards")


class Part(Base):
    __tablename__ = "part"

    id: Mapped[int] = mapped_column(primary_key=True)
    whole_id: Mapped[int | None] = mapped_column(ForeignKey("part.id"))
    parts: Mapped[list["Part"]] = relationship(lazy="selectin", back_populates="whole")
    deep: Mapped[list["Part"]] = relationship(lazy="selectin", join_depth=2, viewonly=True)
    whole: Mapped["Part | None"] = relationship(remote_side=[id], back_populates="parts")


class Folder(Base):
    __tablename__ = "folder"

    id: Mapped[int] = mapped_column(primary_key=True)
    pages: Mapped[list["Page"]] = relationship(back_populates="folder", lazy="joined")


class Page(Base):
    __tablename__ = "page"

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(ForeignKey("folder.id"))
    folder: Mapped[Folder] = relationship(back_populates="pages", lazy="joined")
    notes: Mapped[list["Note"]] = relationship(back_populates="page", lazy="immediate")


class Note(Base):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    page_id: Mapped[int] = mapped_column(ForeignKey("page.id"))
    page: Mapped[Page] = relationship(back_populates="notes", lazy="immediate")


async def _fill(session):
    await session.run_sync(lambda sync_session: Base.metadata.create_all(sync_session.connection()))
    session.add(Shop(id=1, shelves=[Shelf(id=1, boards=[Board(id=1), Board(id=2)])]))
    session.add(Part(id=1, parts=[Part(id=2, parts=[Part(id=3)])]))
    session.add(Folder(id=1, pages=[Page(id=1, notes=[Note(id=1)])]))
    await session.flush()
    session.expunge_all()


async def back_to_the_class_of_the_query():
    async with AsyncKeeping() as session:
        await _fill(session)
        shelf = await session.get(Shelf, 1)
        print(shelf.shop.id)  # quiet: the mapping loads it
        print(shelf.shop.shelves)  # finding: shelf.shop.shelves is not loaded: reading it needs `await`


async def down_and_back():
    async with AsyncKeeping() as session:
        await _fill(session)
        shop = await session.get(Shop, 1)
        for shelf in shop.shelves:  # quiet: the mapping loads it
            print(shelf.boards)  # quiet: another class
            print(shelf.shop)  # quiet: the session has the shop


async def an_option_goes_round():
    async with AsyncKeeping() as session:
        await _fill(session)
        query = select(Shelf).options(selectinload(Shelf.shop).selectinload(Shop.shelves))
        shelf = (await session.scalars(query)).one()
        print(shelf.shop.shelves)  # quiet: an option asks for it


async def behind_an_option():
    async with AsyncKeeping() as session:
        await _fill(session)
        board = await session.get(Board, 1, options=[selectinload(Board.shelf)])
        print(board.shelf.shop)  # quiet: another class
        print(board.shelf.boards)  # finding: board.shelf.boards is not loaded: reading it needs `await`


async def of_its_own_class():
    async with AsyncKeeping() as session:
        await _fill(session)
        part = await session.get(Part, 1)
        print(part.parts)  # finding: part.parts is not loaded: reading it needs `await`


async def of_its_own_class_with_an_option():
    async with AsyncKeeping() as session:
        await _fill(session)
        part = await session.get(Part, 1, options=[selectinload(Part.parts)])
        for inner in part.parts:  # quiet: an option asks for it
            print(inner.parts)  # finding: inner.parts is not loaded: reading it needs `await`


async def of_its_own_class_with_a_depth():
    async with AsyncKeeping() as session:
        await _fill(session)
        part = await session.get(Part, 1)
        print(part.deep)  # quiet: `join_depth` says how often


async def by_joins():
    async with AsyncKeeping() as session:
        await _fill(session)
        page = await session.get(Page, 1)
        print(page.folder.id)  # quiet: the mapping loads it
        print(page.folder.pages)  # finding: page.folder.pages is not loaded: reading it needs `await`


async def immediately():
    async with AsyncKeeping() as session:
        await _fill(session)
        note = await session.get(Note, 1)
        print(note.page.notes)  # quiet: one query after the other, which ends nowhere


async def loaded_again():
    async with AsyncKeeping() as session:
        await _fill(session)
        shelf = await session.get(Shelf, 1)
        await session.refresh(shelf.shop)
        print(shelf.shop.shelves)  # quiet: here the shop is where the query begins


async def a_new_one_that_is_refreshed():
    async with AsyncKeeping() as session:
        await _fill(session)
        shop = Shop(id=2)
        session.add(shop)
        await session.flush()
        await session.refresh(shop)
        await session.commit()
        await session.refresh(shop)
        print(shop.shelves)  # quiet: the mapping loads it
