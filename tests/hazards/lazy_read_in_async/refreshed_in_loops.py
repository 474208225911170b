"""What a loop does to what stands behind its elements is done to all of them."""

# since SQLAlchemy 2.0.4

from sqlalchemy.exc import MissingGreenlet, StatementError


async def _refresh_if_needed(session, thing, names):
    missing = []
    for name in names:
        try:
            getattr(thing, name)
        except (MissingGreenlet, StatementError):
            missing.append(name)
    if missing:
        await session.refresh(thing, missing)


class Report:
    def __init__(self, session: AsyncSession, books: list[Book]):
        self.session = session
        self.books = books
        self.others = [other.title for book in self.books for other in book.author.books]  # quiet: refreshed before

    @classmethod
    async def make(cls, session: AsyncSession, books: list[Book]):
        for book in books:
            await _refresh_if_needed(session, book, ["author"])
            await _refresh_if_needed(session, book.author, ["books"])
        return cls(session, books)


async def asked_for_and_refreshed():
    async with AsyncSessionLocal() as session:
        books = (await session.scalars(select(Book).options(joinedload(Book.author)))).all()
        await Report.make(session, books)


async def refreshed_behind_each():
    async with AsyncSessionLocal() as session:
        books = (await session.scalars(select(Book).options(joinedload(Book.author)))).all()
        for book in books:
            await session.refresh(book.author, ["books"])
        for book in books:
            print(book.author.books)  # quiet: refreshed before


async def refreshed_for_another_reason():
    async with AsyncSessionLocal() as session:
        books = (await session.scalars(select(Book).options(joinedload(Book.author)))).all()
        for book in books:
            await session.refresh(book.author, ["name"])
        for book in books:
            print(book.author.books)  # finding: book.author.books is not loaded


async def read_before_it_is_refreshed():
    async with AsyncSessionLocal() as session:
        books = (await session.scalars(select(Book).options(joinedload(Book.author)))).all()
        print([book.author.name for book in books])
        await Report.make(session, books)
