"""What stands behind an object that is to be deleted stays what it was."""

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


class Shelf(Base):
    __tablename__ = "shelf"

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("book.id"))
    book: Mapped[Book] = relationship()


def _fill(connection):
    Base.metadata.create_all(connection)
    connection.execute(insert(Shelf), [{"id": 1, "book_id": 1}])


async def _fill_async():
    async with async_engine.begin() as connection:
        await connection.run_sync(_fill)


async def _with_all(session, key):
    query = select(Shelf).where(Shelf.id == key).options(selectinload(Shelf.book).selectinload(Book.author))
    return (await session.scalars(query)).one()


async def _with_book(session, key):
    query = select(Shelf).where(Shelf.id == key).options(selectinload(Shelf.book))
    return (await session.scalars(query)).one()


async def _delete(session: AsyncSession, shelf: Shelf):
    await session.delete(shelf)
    print(shelf.book.author)  # quiet: the caller may have loaded it
    await session.commit()
    print(shelf.book.author)  # quiet: the caller may have loaded it


async def _delete_author(session: AsyncSession, author: Author):
    await session.delete(author)
    print(author.books)  # quiet: the caller may have loaded it


async def argument():
    await _fill_async()
    async with AsyncKeeping() as session:
        await _delete(session, await _with_all(session, 1))


async def argument_with_a_collection():
    async with AsyncKeeping() as session:
        await _delete_author(session, await session.get(Author, 1, options=[selectinload(Author.books)]))


async def loaded_with_all():
    await _fill_async()
    async with AsyncKeeping() as session:
        shelf = await _with_all(session, 1)
        await session.delete(shelf)
        print(shelf.book.author)  # quiet: the query has loaded it


async def loaded_in_part():
    await _fill_async()
    async with AsyncKeeping() as session:
        shelf = await _with_book(session, 1)
        await session.delete(shelf)
        print(shelf.book.author)  # finding: shelf.book.author is not loaded: reading it needs `await`


async def loaded_alone():
    await _fill_async()
    async with AsyncKeeping() as session:
        shelf = await session.get(Shelf, 1)
        await session.delete(shelf)
        print(shelf.book)  # finding: shelf.book is not loaded: reading it needs `await`
