"""Programs that look at what is loaded, and read accordingly."""
# since SQLAlchemy 2.0.4

from sqlalchemy import inspect
from sqlalchemy.exc import MissingGreenlet, StatementError


async def _load_if_needed(session, obj, names):
    missing = []
    for name in names:
        try:
            getattr(obj, name)
        except (MissingGreenlet, StatementError):
            missing.append(name)
    if missing:
        await session.refresh(obj, missing)


async def _load_if_unloaded(session, obj, names):
    unloaded = inspect(obj).unloaded
    missing = [name for name in names if name in unloaded]
    if missing:
        await session.refresh(obj, missing)


async def _touch(obj, names):
    for name in names:
        getattr(obj, name)


async def tried_first():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await _load_if_needed(session, book, ["author"])
        print(book.author)  # quiet: either it was there or it is loaded


async def another_one_tried_first():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await _load_if_needed(session, book, ["price"])
        print(book.author)  # finding: book.author is not loaded: reading it needs `await`


async def inspected_first():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await _load_if_unloaded(session, book, ["author"])
        print(book.author)  # quiet: either it was there or it is loaded


async def read_by_names_that_come_from_elsewhere():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1, options=[selectinload(Book.author)])
        await _touch(book, [column.key for column in inspect(Book).columns])
        print(book.author)  # quiet: an option asks for it


async def queries_for_rows_of_two_kinds():
    async with AsyncSessionLocal() as session:
        named = select(Author).where(Author.name != "").options(selectinload(Author.books))
        nameless = select(Author).where(Author.name == "")
        for query in [named, nameless]:
            for author in (await session.scalars(query)).all():
                if author.name:
                    print(author.books)  # quiet: the rows without a name are asked for nothing


async def queries_that_load_nothing():
    async with AsyncSessionLocal() as session:
        for query in [select(Author).where(Author.id == 1), select(Author).where(Author.id == 2)]:
            for author in (await session.scalars(query)).all():
                print(author.books)  # finding: author.books is not loaded
