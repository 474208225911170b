import json
from typing import Annotated

from fastapi import Depends, FastAPI

app = FastAPI()


async def _answer(path):
    body = b""

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        nonlocal body
        body += message.get("body", b"")

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await app(scope, receive, send)
    return json.loads(body)


async def _get_session():
    async with AsyncSessionLocal() as session:
        yield session


_ForRequest = Annotated[AsyncSession, Depends(_get_session)]
_ForFunction = Annotated[AsyncSession, Depends(_get_session, scope="function")]  # finding: `_mixed` gets two sessions from


async def _get_author(session: _ForRequest):
    return await session.get(Author, 1)


async def _get_book(session: _ForFunction):
    return await session.get(Book, 1)


@app.get("/mixed")
async def _mixed(session: _ForFunction, author: Annotated[Author, Depends(_get_author)]):
    return author in session


async def mixed():
    assert await _answer("/mixed") is False


@app.get("/both")
async def _both(
    session: AsyncSession = Depends(_get_session),
    other: AsyncSession = Depends(_get_session, scope="function"),  # finding: `_both` gets two sessions
):
    return session is other


async def both():
    assert await _answer("/both") is False


@app.get("/function")
async def _same_scope(session: _ForFunction, book: Annotated[Book, Depends(_get_book)]):
    return book in session


async def same_scope():
    assert await _answer("/function") is True  # quiet: one scope, one session


async def _get_open():
    async with AsyncSessionLocal() as session:
        yield session


async def _get_reader(session: AsyncSession = Depends(_get_open)):
    return await session.get(Author, 1)


@app.get("/request")
async def _same_request(
    author: Author = Depends(_get_reader),
    session: AsyncSession = Depends(_get_open, scope="request"),  # quiet: that is the default
):
    return author in session


async def same_request():
    assert await _answer("/request") is True


async def _get_number():
    yield 1


@app.get("/number")
async def _number(
    one: int = Depends(_get_number),
    other: int = Depends(_get_number, scope="function"),  # quiet: not a session
):
    return one + other


async def number():
    assert 2 == await _answer("/number")


@app.get("/asked")
async def _asked_for_two(
    session: AsyncSession = Depends(_get_session),
    other: AsyncSession = Depends(_get_session, scope="function", use_cache=False),  # quiet: somebody wants two
):
    return session is other


async def asked_for_two():
    assert await _answer("/asked") is False
