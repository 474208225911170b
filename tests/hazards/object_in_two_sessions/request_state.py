"""Objects that travel with the request."""

from fastapi import Depends, FastAPI, Request
from fastapi.security import HTTPBearer
from fastapi.testclient import TestClient


async def _get_session():
    async with AsyncSessionLocal() as session:
        yield session


async def _get_own_session():
    async with AsyncSessionLocal() as session:
        yield session


class _Bearer(HTTPBearer):
    async def __call__(self, request: Request, session: AsyncSession = Depends(_get_session)):
        request.state.author = await session.get(Author, 1)


class _OwnBearer(HTTPBearer):
    async def __call__(self, request: Request, session: AsyncSession = Depends(_get_own_session)):
        request.state.other = await session.get(Author, 1)


app = FastAPI(dependencies=[Depends(_Bearer()), Depends(_OwnBearer())])


def _call(path):
    assert TestClient(app).post(path).status_code == 200


async def _get_author(request: Request):
    return request.state.author


async def _get_other(request: Request):
    if not hasattr(request.state, "other"):
        raise LookupError
    return request.state.other


@app.post("/own")
async def _own(session: AsyncSession = Depends(_get_session), author: Author = Depends(_get_author)):
    session.add(Book(title="Lavinia", author=author))  # quiet: the bearer has the session of the request
    await session.commit()


def own():
    _call("/own")


@app.post("/other")
async def _other(session: AsyncSession = Depends(_get_session), author: Author = Depends(_get_other)):
    session.add(Book(title="Lavinia", author=author))  # finding: `session.add` takes a mapped Author
    await session.commit()


def other():
    _call("/other")


@app.post("/direct")
async def _direct(request: Request, session: AsyncSession = Depends(_get_session)):
    session.add(Book(title="Lavinia", author=request.state.other))  # finding: `session.add` takes a mapped Author
    await session.commit()


def direct():
    _call("/direct")


def _write(session, request):
    session.add(Book(title="Lavinia", author_id=request.state.other.id))


@app.post("/helper")
async def _with_helper(request: Request, session: AsyncSession = Depends(_get_session)):
    _write(session, request)  # quiet: only the key goes over
    await session.commit()


def helper():
    _call("/helper")


@app.post("/replaced")
async def _replaced(request: Request, session: AsyncSession = Depends(_get_session)):
    request.state.other = await session.get(Author, 1)
    session.add(Book(title="Lavinia", author=request.state.other))  # quiet: it was loaded again
    await session.commit()


def replaced():
    _call("/replaced")
