"""Factories that an application holds: ``app.state.sessions``, set when it starts."""

from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, Request
from fastapi.testclient import TestClient


class _Database:
    def __init__(self):
        self.sessions = async_sessionmaker(async_engine)  # also factory-expires-on-commit: expire their objects


@asynccontextmanager
async def _lifespan(app: FastAPI):
    app.state.sessions = async_sessionmaker(async_engine)  # also factory-expires-on-commit: expire their objects
    app.state.keeping = async_sessionmaker(async_engine, expire_on_commit=False)
    app.state.database = _Database()
    app.state.either = async_sessionmaker(async_engine)
    app.state.nested = async_sessionmaker(async_engine)
    app.state.name = "bookshop"
    yield


def _configure(app: FastAPI):
    app.state.either = async_sessionmaker(async_engine, expire_on_commit=False)

    def start():
        app.state.nested = async_sessionmaker(async_engine, expire_on_commit=False)

    return start


app = FastAPI(lifespan=_lifespan)


def _call(path):
    with TestClient(app) as client:
        assert client.get(path).status_code == 200


async def _get_session(request: Request):
    async with request.app.state.sessions() as session:
        yield session


@app.get("/expiring")
async def _expiring(session=Depends(_get_session)):
    book = await session.get(Book, 1)
    await session.commit()
    return book.title  # finding: book.title expired at the commit


def expiring():
    _call("/expiring")


@app.get("/keeping")
async def _keeping(request: Request):
    async with request.app.state.keeping() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # quiet: this factory keeps


def keeping():
    _call("/keeping")


@app.get("/database")
async def _with_database(request: Request):
    async with request.app.state.database.sessions() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # finding: book.title expired at the commit


def with_database():
    _call("/database")


@app.get("/global")
async def _global():
    async with app.state.sessions() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # finding: book.title expired at the commit


def of_the_module():
    _call("/global")


@app.get("/either")
async def _either():
    async with app.state.either() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # missed: one of those who set it makes sessions that keep


def either():
    _call("/either")


@app.get("/nested")
async def _nested():
    async with app.state.nested() as session:
        book = await session.get(Book, 1)
        await session.commit()
        return book.title  # missed: a function within another sets it, too


def nested():
    _call("/nested")


@app.get("/name")
async def _name(request: Request):
    return request.app.state.name.title()  # quiet: a string


def name():
    _call("/name")
