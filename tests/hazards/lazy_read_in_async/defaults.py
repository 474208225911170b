"""A default is for what an object does not have; it does not answer for what is not loaded."""

from sqlalchemy.exc import MissingGreenlet, StatementError

AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


def _titles(author):
    return [book.title for book in getattr(author, "books", None) or []]


def _titles_if_any(author):
    return [book.title for book in getattr(author, "books", None) or []]  # quiet: every caller has loaded them


async def read_with_a_default():
    async with AsyncKeeping() as session:
        author = (await session.scalars(select(Author))).first()
        return getattr(author, "books", [])  # finding: Author.books is not loaded


async def asked_for():
    async with AsyncKeeping() as session:
        author = (await session.scalars(select(Author))).first()
        return hasattr(author, "books")  # finding: Author.books is not loaded


async def read_in_a_function():
    async with AsyncKeeping() as session:
        author = (await session.scalars(select(Author))).first()
        return _titles(author)  # finding: Author.books is not loaded


async def tried():
    async with AsyncKeeping() as session:
        author = (await session.scalars(select(Author))).first()
        try:
            return author.books  # finding: author.books is not loaded
        except AttributeError:
            return []


async def made_or_found(name="Nobody"):
    async with AsyncKeeping() as session:
        query = select(Author).where(Author.name == name).options(selectinload(Author.books))
        author = (await session.scalars(query)).one_or_none()
        if author is None:
            author = Author(name=name)
            session.add(author)
            await session.flush()
        return list(author.books) if getattr(author, "books", None) is not None else []  # finding: Author.books


async def loaded():
    async with AsyncKeeping() as session:
        author = (await session.scalars(select(Author).options(selectinload(Author.books)))).first()
        print(hasattr(author, "books"), getattr(author, "books", []))  # quiet: an option asks for it
        return _titles_if_any(author)


async def of_no_mapping():
    async with AsyncKeeping() as session:
        author = (await session.scalars(select(Author))).first()
        return getattr(author, "pen_name", "") or hasattr(author, "prizes")  # quiet: nothing is mapped by these names


async def told_apart_by_what_it_raises():
    async with AsyncKeeping() as session:
        author = (await session.scalars(select(Author))).first()
        try:
            return getattr(author, "books", [])  # quiet: the handler is for this
        except (MissingGreenlet, StatementError):
            return []


async def written_before():
    async with AsyncKeeping() as session:
        author = Author(name="Nobody", books=[])
        session.add(author)
        await session.flush()
        return getattr(author, "books", None) or []  # quiet: it was given one


def _count(author, number: int | None = None):
    return len(author.books) if number is None else number


async def counted_before():
    async with AsyncKeeping() as session:
        authors = (await session.scalars(select(Author))).all()
        rows = await session.execute(select(Book.author_id, func.count()).group_by(Book.author_id))
        numbers = {key: number for key, number in rows.all()}
        return [_count(author, numbers.get(author.id, 0)) for author in authors]  # quiet: there is a number in any case


async def counted_if_known():
    async with AsyncKeeping() as session:
        authors = (await session.scalars(select(Author))).all()
        numbers = {key: 1 for key in (await session.scalars(select(Author.id).where(Author.name == "Nobody"))).all()}
        return [_count(author, numbers.get(author.id)) for author in authors]  # finding: Author.books is not loaded


async def of_a_name_that_nothing_has():
    async with AsyncKeeping() as session:
        author = (await session.scalars(select(Author))).first()
        if getattr(author, "pen_name", None):
            print(author.books)
        print(author.id)  # quiet: it has no pen name


def _first_of(author, book=None):
    if book is not None:
        return book
    return author.books[0]


async def given_what_may_be_left_out():
    async with AsyncKeeping() as session:
        book = (await session.scalars(select(Book).options(selectinload(Book.author)))).first()
        return _first_of(book.author, book=book)  # quiet: a book is given


async def left_out():
    async with AsyncKeeping() as session:
        book = (await session.scalars(select(Book).options(selectinload(Book.author)))).first()
        return _first_of(book.author)  # finding: Author.books is not loaded


async def of_something_else():
    async with AsyncKeeping() as session:
        names = (await session.scalars(select(Author.name))).all()
        return [getattr(name, "books", None) for name in names]  # quiet: a name has no books
