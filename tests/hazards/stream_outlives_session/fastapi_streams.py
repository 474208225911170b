"""Streaming responses of FastAPI, with sessions of their own and of dependencies."""

# since SQLAlchemy 2.0.22

from typing import Annotated

import httpx
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import event
from sqlalchemy.ext.asyncio import close_all_sessions
from starlette.background import BackgroundTask

app = FastAPI()
router = APIRouter()
class _Noted(Session):
    """Transactions that are open are known."""


_transactions = set()


@event.listens_for(_Noted, "after_transaction_create")
def _begun(session, transaction):
    _transactions.add(transaction)


@event.listens_for(_Noted, "after_transaction_end")
def _ended(session, transaction):
    _transactions.discard(transaction)


_open_session = async_sessionmaker(async_engine, sync_session_class=_Noted)


async def _get(path):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as client:
        return (await client.get(path)).text


async def _get_session():
    async with _open_session() as session:
        yield session


async def _get_sync_session():
    session = SessionLocal()
    try:
        yield session
    finally:
        session.close()


_Open = Annotated[AsyncSession, Depends(_get_session)]
_Short = Annotated[AsyncSession, Depends(_get_session, scope="function")]
_Sync = Annotated[Session, Depends(_get_sync_session)]
_ShortSync = Annotated[Session, Depends(_get_sync_session, scope="function")]


async def _titles(session):
    for book in await session.scalars(select(Book)):
        yield book.title


async def _titles_of(author):
    for book in author.books:
        yield book.title


async def _each(books):
    async for book in books:
        yield book.title


@app.get("/block")
async def _block():
    async with _open_session() as session:
        return StreamingResponse(_titles(session), media_type="text/csv")  # finding, silent: when `StreamingResponse` runs this


async def block():
    await _get("/block")
    assert _transactions
    await close_all_sessions()


@app.get("/result")
async def _result():
    async with AsyncSessionLocal() as session:
        return StreamingResponse(_each(await session.stream_scalars(select(Book))))  # finding, lkrp: of its result is


async def result():
    await _get("/result")


@app.get("/not-loaded")
async def _not_loaded(session: _ShortSync):
    author = session.get(Author, 1)
    return StreamingResponse(content=_titles_of(author))  # finding: author.books is not loaded and its session is closed


async def not_loaded():
    await _get("/not-loaded")


@app.get("/function")
async def _function(session: _Short):
    return StreamingResponse(_titles(session))  # finding, silent: its session is closed; it begins anew, and nobody ends that


async def ended_with_the_function():
    await _get("/function")
    assert _transactions
    await close_all_sessions()


async def _events(session):
    while True:
        book = await session.get(Book, 1)
        yield book.title
        await asyncio.sleep(0)


@router.get("/endless")
async def _endless(session: _Short):
    return StreamingResponse(_events(session))  # finding, silent: its session is closed; it begins anew, and nobody ends that


app.include_router(router)


async def endless():
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)
        if len(sent) > 2:
            raise OSError  # The client has gone away.

    scope = {"type": "http", "method": "GET", "path": "/endless", "query_string": b"", "headers": []}
    try:
        await app({**scope, "asgi": {"spec_version": "2.4"}}, receive, send)
    except Exception as error:
        assert "disconnect" in type(error).__name__.lower()
    assert _transactions
    await close_all_sessions()


async def _events_in_blocks(session):
    while True:
        async with session.begin():
            book = await session.get(Book, 1)
        yield str(book in session)
        return


@app.get("/begun-in-blocks")
async def _begun_in_blocks(session: _Short):
    return StreamingResponse(_events_in_blocks(session))  # quiet: the block ends what it begins


async def begun_in_blocks():
    await _get("/begun-in-blocks")


@app.get("/request")
async def _request(session: _Open):
    return StreamingResponse(_titles(session))  # quiet: FastAPI ends the dependency behind the stream


async def open_through_the_stream():
    await _get("/request")
    assert not _transactions


@app.get("/request-sync")
async def _request_sync(session: _Sync):
    return StreamingResponse(_titles_of(session.get(Author, 1)))  # quiet: loads while it is sent


async def sync_through_the_stream():
    await _get("/request-sync")


@app.get("/in-async")
async def _in_async(session: _Open):
    author = await session.get(Author, 1, options=[undefer(Author.biography)])
    return StreamingResponse(_titles_of(author))  # also lazy-read-in-async: Author.books is not loaded: reading it needs


async def in_async():
    await _get("/in-async")


@app.get("/loaded")
async def _loaded(session: _Short):
    author = await session.get(Author, 1, options=[selectinload(Author.books)])
    return StreamingResponse(_titles_of(author))  # quiet: loaded with the query


async def loaded():
    await _get("/loaded")


@app.get("/in-background")
async def _in_background(session: _Short):
    return StreamingResponse(_titles(session), background=BackgroundTask(session.close))  # quiet: closed after it


async def closed_in_background():
    await _get("/in-background")
    assert not _transactions


def _maybe(author, whole):
    if whole:
        return StreamingResponse(_titles_of(author))  # quiet: its callers keep the session open
    return {"name": author.name}


@app.get("/helper")
async def _helper(session: _Sync, tasks: BackgroundTasks):
    author = session.get(Author, 1)
    tasks.add_task(print, author.name)
    return _maybe(author, whole=True)


async def helper():
    await _get("/helper")


async def consumed_by_the_caller():
    with SessionLocal() as session:
        response = await _request_sync(session)
        titles = [title async for title in response.body_iterator]  # quiet: read while it is open
    assert len(titles) == 2
