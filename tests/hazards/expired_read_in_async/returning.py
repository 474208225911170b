"""Rows that an INSERT, UPDATE or DELETE gives back: objects of the session as any others."""

from sqlalchemy import delete, insert, update


async def of_an_update():
    async with AsyncSessionLocal() as session:
        change = update(Book).where(Book.id == 1).values(title="Lavinia").returning(Book)
        book = (await session.scalars(change)).one()
        await session.commit()
        print(book.title)  # finding: book.title expired at the commit


async def of_an_insert():
    async with AsyncSessionLocal() as session:
        author = await session.scalar(insert(Author).values(name="Livy").returning(Author))
        await session.commit()
        print(author.name)  # finding: author.name expired at the commit


async def values_given_apart():
    async with AsyncSessionLocal() as session:
        author = await session.scalar(insert(Author).returning(Author), {"name": "Livy"})
        await session.commit()
        print(author.name)  # finding: author.name expired at the commit


async def relationship_behind_it():
    async with AsyncSessionLocal() as session:
        change = update(Book).where(Book.id == 1).values(title="Lavinia").returning(Book)
        book = (await session.scalars(change)).one()
        print(book.title)  # quiet: the row has come back
        print(book.author.name)  # also lazy-read-in-async: book.author is not loaded


async def columns_only():
    async with AsyncSessionLocal() as session:
        change = update(Book).where(Book.id == 1).values(title="Lavinia").returning(Book.id, Book.title)
        found = (await session.execute(change)).one()
        await session.commit()
        print(found.title)  # quiet: a value


async def one_column_and_the_object():
    async with AsyncSessionLocal() as session:
        change = update(Book).where(Book.id == 1).values(title="Lavinia").returning(Book.id, Book)
        key, book = (await session.execute(change)).one()
        await session.commit()
        print(key, book.title)  # finding: book.title expired at the commit


async def nothing_asked_for():
    async with AsyncSessionLocal() as session:
        result = await session.execute(delete(Book).where(Book.id == 2))
        await session.commit()
        print(result.rowcount)  # quiet: a number


async def read_before_the_commit():
    async with AsyncSessionLocal() as session:
        author = await session.scalar(insert(Author).values(name="Livy").returning(Author))
        name = author.name
        await session.commit()
        print(name)  # quiet: a string
