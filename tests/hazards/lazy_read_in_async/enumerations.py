"""Members of enumerations that a caller passes to say what is loaded."""

# since SQLAlchemy 2.0.4

import enum


class _Load(enum.Enum):
    BOOKS = "books"
    NOTHING = "nothing"


class _Depth(enum.StrEnum):
    DEEP = "deep"
    FLAT = "flat"


async def _author(session, load):
    query = select(Author)
    if load == _Load.BOOKS:
        query = query.options(selectinload(Author.books))
    return (await session.scalars(query)).one()


async def _author_by_identity(session, load):
    query = select(Author)
    if load is not _Load.NOTHING:
        query = query.options(selectinload(Author.books))
    return (await session.scalars(query)).one()


async def _author_by_match(session, depth):
    query = select(Author)
    match depth:
        case _Depth.DEEP:
            query = query.options(selectinload(Author.books))
        case _Depth.FLAT:
            pass
    return (await session.scalars(query)).one()


async def _author_by_list(session, depth):
    query = select(Author)
    if depth in (_Depth.DEEP,):
        query = query.options(selectinload(Author.books))
    return (await session.scalars(query)).one()


async def equal():
    async with AsyncSessionLocal() as session:
        author = await _author(session, _Load.BOOKS)
        print(author.books)  # quiet: loaded for this member
        session.expunge_all()
        author = await _author(session, _Load.NOTHING)
        print(author.books)  # finding: author.books is not loaded


async def identical():
    async with AsyncSessionLocal() as session:
        author = await _author_by_identity(session, _Load.BOOKS)
        print(author.books)  # quiet: loaded for this member
        session.expunge_all()
        author = await _author_by_identity(session, _Load.NOTHING)
        print(author.books)  # finding: author.books is not loaded


async def matched():
    async with AsyncSessionLocal() as session:
        author = await _author_by_match(session, _Depth.DEEP)
        print(author.books)  # quiet: loaded for this member
        session.expunge_all()
        author = await _author_by_match(session, _Depth.FLAT)
        print(author.books)  # finding: author.books is not loaded


async def in_a_list():
    async with AsyncSessionLocal() as session:
        author = await _author_by_list(session, _Depth.DEEP)
        print(author.books)  # quiet: loaded for this member
        session.expunge_all()
        author = await _author_by_list(session, _Depth.FLAT)
        print(author.books)  # finding: author.books is not loaded


class _Status(enum.Enum):
    NEW = "new"
    OPEN = "open"
    SHUT = "shut"


async def asked_for_some_first(new):
    status = _Status("new" if new else "shut")
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        if status in (_Status.NEW, _Status.OPEN):
            await session.refresh(author, ["books"])
        if status == _Status.NEW:
            print(author.books)  # quiet: that is one of those
        elif status in [_Status.SHUT]:
            print(author.books)  # finding: author.books is not loaded


async def asked_for_one_first(new):
    status = _Status("new" if new else "shut")
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        if status == _Status.NEW:
            return
        if status is not _Status.OPEN:
            await session.refresh(author, ["books"])
        if status in {_Status.NEW, _Status.SHUT}:
            print(author.books)  # quiet: of the two it can only be the one that is not open


async def asked_for_others(new):
    status = str("new" if new else "shut")
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        if status in ("new", "open"):
            await session.refresh(author, ["books"])
        if status in ("open", "shut"):
            print(author.books)  # finding: author.books is not loaded
