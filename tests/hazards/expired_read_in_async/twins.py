"""A row that is deleted under one name and read under another."""


async def _remove(session: AsyncSession, key: int):
    book = (await session.scalars(select(Book).where(Book.id == key))).one()
    await session.delete(book)
    await session.commit()


async def the_same_row():
    async with AsyncSessionLocal() as session:
        book = (await session.scalars(select(Book).where(Book.title == "The Dispossessed"))).one()
        await _remove(session, book.id)
        return book.title  # quiet: it is the object that was deleted, which keeps what it has


async def a_row_of_another_table():
    async with AsyncSessionLocal() as session:
        author = (await session.scalars(select(Author).where(Author.name == "Ursula"))).one()
        book = (await session.scalars(select(Book).where(Book.author_id == author.id))).first()
        await session.delete(book)
        await session.commit()
        return author.name  # finding: author.name expired at the commit


async def another_row():
    async with AsyncSessionLocal() as session:
        first, second = await session.get(Book, 1), await session.get(Book, 2)
        await session.delete(second)
        await session.commit()
        return first.title  # finding: first.title expired at the commit


async def one_row_after_the_other():
    async with AsyncSessionLocal() as session:
        for book in (await session.scalars(select(Book))).all():
            print(book.title)  # finding: book.title expired at the commit
            await session.delete(book)
            await session.commit()
