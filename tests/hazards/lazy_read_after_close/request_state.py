"""What a middleware leaves with the request."""

from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from starlette.middleware.base import BaseHTTPMiddleware

app = FastAPI()


def _call(path):
    assert TestClient(app).get(path).status_code == 200


@app.middleware("http")
async def _authenticate(request: Request, call_next):
    async with AsyncSessionLocal() as session:
        request.state.author = await session.get(Author, 1)
    return await call_next(request)


@app.middleware("http")
async def _open(request: Request, call_next):
    async with AsyncSessionLocal() as session:
        request.state.reader = await session.get(Author, 1)
        return await call_next(request)


@app.get("/books")
async def _books(request: Request):
    return len(request.state.author.books)  # finding: request.state.author.books is not loaded and its session is closed


def books():
    _call("/books")


@app.get("/name")
async def _name(request: Request):
    return request.state.author.name  # quiet: a loaded column stays readable


def name():
    _call("/name")


@app.get("/reader")
async def _reader(request: Request):
    return len(request.state.reader.books)  # also lazy-read-in-async: request.state.reader.books is not loaded


def reader():
    _call("/reader")


class _Tokens(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        async with AsyncSessionLocal() as session:
            request.state.token = await session.scalar(select(Author.name))
        return await call_next(request)


app.add_middleware(_Tokens)


@app.get("/token")
async def _token(request: Request):
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
    return [author.name, request.state.token]  # quiet: a loaded column stays readable


def token():
    _call("/token")
