"""Two sessions in one request."""

from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.testclient import TestClient

app = FastAPI()


def _call(path):
    assert TestClient(app).post(path).status_code == 200


async def _get_session():
    async with AsyncSessionLocal() as session:
        yield session


async def _get_own_session():
    async with AsyncSessionLocal() as session:
        yield session


async def _get_author(session: AsyncSession = Depends(_get_own_session)):
    return await session.get(Author, 1)


@app.post("/two")
async def _two(session: AsyncSession = Depends(_get_session), author: Author = Depends(_get_author)):
    session.add(Book(title="Lavinia", author=author))  # finding: `session.add` takes a mapped Author
    await session.commit()


def two():
    _call("/two")


async def _get_same_author(session: AsyncSession = Depends(_get_session)):
    return await session.get(Author, 1)


@app.post("/one")
async def _one(session: AsyncSession = Depends(_get_session), author: Author = Depends(_get_same_author)):
    session.add(Book(title="Lavinia", author=author))  # quiet: one request, one dependency, one session
    await session.commit()


def one():
    _call("/one")


Db = Annotated[AsyncSession, Depends(_get_session, use_cache=False)]


@app.post("/uncached")
async def _uncached(author: Annotated[Author, Depends(_get_same_author)], session: Db):
    session.add(Book(title="Lavinia", author=author))  # finding: `session.add` takes a mapped Author
    await session.commit()


def uncached():
    _call("/uncached")


@app.post("/uncached_first")
async def _uncached_first(session: Db, author: Annotated[Author, Depends(_get_same_author)]):
    session.add(Book(title="Lavinia", author=author))  # quiet: what comes first is kept for those that follow
    await session.commit()


def uncached_first():
    _call("/uncached_first")


class _Shelf:
    def __init__(self, session: Annotated[AsyncSession, Depends(_get_session)]):
        self.session = session

    def put(self, title, author):
        self.session.add(Book(title=title, author=author))


@app.post("/shelf")
async def _shelf(author: Annotated[Author, Depends(_get_author)], shelf: Annotated[_Shelf, Depends()]):
    shelf.put("Lavinia", author)  # finding: `shelf.put` takes a mapped Author
    await shelf.session.commit()


def shelf():
    _call("/shelf")


@app.post("/own_shelf")
async def _own_shelf(author: Annotated[Author, Depends(_get_same_author)], shelf=Depends(_Shelf)):
    shelf.put("Lavinia", author)  # quiet: the shelf has the author's session
    await shelf.session.commit()


def own_shelf():
    _call("/own_shelf")


class _Bearer:
    """As the security classes of FastAPI are: an instance that is called."""

    async def __call__(self, session: AsyncSession = Depends(_get_own_session)):
        return await session.get(Author, 1)


class _OwnBearer:
    async def __call__(self, session: AsyncSession = Depends(_get_session)):
        return await session.get(Author, 1)


_bearer = _Bearer()


@app.post("/bearer")
async def _with_bearer(session: AsyncSession = Depends(_get_session), author: Author = Depends(_bearer)):
    session.add(Book(title="Lavinia", author=author))  # finding: `session.add` takes a mapped Author
    await session.commit()


def bearer():
    _call("/bearer")


@app.post("/own_bearer")
async def _with_own_bearer(session: AsyncSession = Depends(_get_session), author: Author = Depends(_OwnBearer())):
    session.add(Book(title="Lavinia", author=author))  # quiet: the bearer asks for the same session
    await session.commit()


def own_bearer():
    _call("/own_bearer")


class _Database:
    def __init__(self):
        self.factory = async_sessionmaker(async_engine)

    async def session(self):
        async with self.factory() as session:
            yield session


_database = _Database()


async def _get_author_of_database(session: AsyncSession = Depends(_database.session)):
    return await session.get(Author, 1)


@app.post("/database")
async def _with_database(
    session: AsyncSession = Depends(_database.session), author: Author = Depends(_get_author_of_database)
):
    session.add(Book(title="Lavinia", author=author))  # quiet: the same method of the same instance
    await session.commit()


def database():
    _call("/database")


@app.post("/two_databases")
async def _with_two(session: AsyncSession = Depends(_get_session), author: Author = Depends(_get_author_of_database)):
    session.add(Book(title="Lavinia", author=author))  # finding: `session.add` takes a mapped Author
    await session.commit()


def two_databases():
    _call("/two_databases")
