"""Statements that delete rows: the session lets go of those that it has, and the commit does not expire them."""

from sqlalchemy import delete


async def by_key():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 2)
        await session.execute(delete(Book).where(Book.id == book.id))
        await session.commit()
        print(book.title)  # quiet: it is detached, with its values


async def by_keys():
    async with AsyncSessionLocal() as session:
        books = (await session.scalars(select(Book))).all()
        await session.execute(delete(Book).where(Book.id.in_([book.id for book in books])))
        await session.commit()
        print([book.title for book in books])  # quiet: they are detached, with their values


async def in_a_function():
    async def remove(session, book):
        await session.execute(delete(Book).where(Book.id == book.id))
        await session.commit()
        return book

    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 2)
        print((await remove(session, book)).title)  # quiet: it is detached, with its values


async def of_another_class():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        await session.execute(delete(Book).where(Book.author_id == 1))
        await session.commit()
        print(author.name)  # finding: author.name expired at the commit


async def read_before():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 2)
        await session.execute(delete(Book).where(Book.id == 2).execution_options(synchronize_session=False))
        print(book.title)  # quiet: nothing has expired
