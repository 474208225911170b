"""Background tasks of FastAPI: they run when the response has been sent."""

from typing import Annotated

import httpx
from fastapi import BackgroundTasks, Depends, FastAPI

app = FastAPI()


async def _get_session():
    async with AsyncSessionLocal() as session:
        yield session


async def _get_keeping_session():
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        yield session


async def _print_title(book):
    print(book.title)


def _print_author(book):
    print(book.author.name)


async def _print_title_of(book_id):
    with SessionLocal() as session:
        print(session.get(Book, book_id).title)


@app.post("/committed")
async def _committed(tasks: BackgroundTasks, session: Annotated[AsyncSession, Depends(_get_session)]):
    book = await session.get(Book, 1)
    book.price = 25
    await session.commit()
    tasks.add_task(_print_title, book)  # finding: book.title expired at the commit: reading it needs `await`
    return "ok"


@app.post("/committed-later")
async def _committed_later(tasks: BackgroundTasks, session: Annotated[AsyncSession, Depends(_get_session)]):
    book = await session.get(Book, 1)
    tasks.add_task(_print_title, book)  # finding: book.title expired at the commit: reading it needs `await`
    await session.commit()
    return "ok"


@app.post("/relationship")
async def _relationship(tasks: BackgroundTasks, session: Annotated[AsyncSession, Depends(_get_session)]):
    book = await session.get(Book, 1)
    tasks.add_task(_print_author, book=book)  # finding: book.author is not loaded: reading it needs `await`
    return "ok"


@app.post("/closed")
async def _closed(tasks: BackgroundTasks):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        tasks.add_task(_print_author, book)  # finding: book.author is not loaded and its session is closed
    return "ok"


def _announce(tasks: BackgroundTasks, book):
    tasks.add_task(_print_title, book)  # finding: book.title expired at the commit and its session is closed


@app.post("/helper")
async def _helper(tasks: BackgroundTasks):
    with SessionLocal.begin() as session:
        book = session.get(Book, 1)
        _announce(tasks, book)
    return "ok"


@app.post("/keeps")
async def _keeps(tasks: BackgroundTasks, session: Annotated[AsyncSession, Depends(_get_keeping_session)]):
    book = await session.get(Book, 1)
    book.title = "Tehanu"
    await session.commit()
    tasks.add_task(_print_title, book)  # quiet: nothing expires
    return "ok"


@app.post("/key")
async def _key(tasks: BackgroundTasks, session: Annotated[AsyncSession, Depends(_get_session)]):
    book = await session.get(Book, 1)
    tasks.add_task(_print_title_of, book.id)  # quiet: a number
    await session.commit()
    return "ok"


@app.post("/refreshed")
async def _refreshed(tasks: BackgroundTasks, session: Annotated[AsyncSession, Depends(_get_session)]):
    book = await session.get(Book, 1)
    tasks.add_task(_print_title, book)  # quiet: there again when the task runs
    await session.commit()
    await session.refresh(book)
    return "ok"


async def _save(tasks: BackgroundTasks, session: AsyncSession):
    book = await session.get(Book, 1)
    await session.commit()
    tasks.add_task(_print_title, book)  # quiet: the caller refreshes it
    return book


@app.post("/refreshed-by-the-caller")
async def _refreshed_by_the_caller(tasks: BackgroundTasks, session: Annotated[AsyncSession, Depends(_get_session)]):
    book = await _save(tasks, session)
    await session.refresh(book)
    return "ok"


@app.post("/own-mistake")
async def _own_mistake(tasks: BackgroundTasks, session: Annotated[AsyncSession, Depends(_get_session)]):
    book = await session.get(Book, 1)
    tasks.add_task(_rolls_back, book.id)  # quiet: nothing of the caller is in it
    return "ok"


async def _rolls_back(book_id):
    async with AsyncSessionLocal() as session:
        await _print_after_rollback(book_id, session)


async def _print_after_rollback(book_id, session: AsyncSession):
    book = await session.get(Book, book_id)
    await session.rollback()
    print(book.title)  # also read-after-rollback: book.title expired at the rollback


async def _post(path):
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://bookshop") as client:
        response = await client.post(path)
        assert response.json() == "ok"


async def committed():
    await _post("/committed")


async def committed_later():
    await _post("/committed-later")


async def relationship_that_is_not_loaded():
    await _post("/relationship")


async def closed():
    await _post("/closed")


async def handed_over_by_a_helper():
    await _post("/helper")


async def nothing_fails():
    for path in ("/keeps", "/key", "/refreshed", "/refreshed-by-the-caller"):
        await _post(path)


async def mistake_of_the_work():
    await _post("/own-mistake")
