"""Dependencies of which only the annotation says that they give a session."""

from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.testclient import TestClient

app = FastAPI()
app.state.factory = AsyncSessionLocal


async def _of_application(request: Request):
    async with request.app.state.factory() as session:
        yield session


async def _of_request(request: Request):
    async with AsyncSessionLocal() as session:
        request.state.session = session
        yield getattr(request.state, "".join(("ses", "sion")))


class _Authors:
    def __init__(self, session: AsyncSession = Depends(_of_application)):
        self.session = session

    async def first(self):
        return await self.session.get(Author, 1)


Db = Annotated[AsyncSession, Depends(_of_request)]


@app.get("/application")
async def _application(session: AsyncSession = Depends(_of_application)):
    author = await session.get(Author, 1)
    await session.rollback()
    return {"name": author.name}  # finding: author.name expired at the rollback


@app.get("/request")
async def _request(session: Db):
    author = await session.get(Author, 1)
    print(author.name)  # quiet: loaded
    await session.rollback()
    return {"name": author.name}  # finding: author.name expired at the rollback


@app.get("/both")
async def _both(authors: Annotated[_Authors, Depends()], session: AsyncSession = Depends(_of_application)):
    author = await authors.first()
    await session.refresh(author)  # quiet: both have the same session
    await session.rollback()
    return {"name": author.name}  # finding: author.name expired at the rollback


def application():
    TestClient(app).get("/application")


def of_request():
    TestClient(app).get("/request")


def both():
    TestClient(app).get("/both")
