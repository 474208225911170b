"""What a dependency does when the response is made, while a task of the path operation still runs."""

from fastapi import Depends, FastAPI
from httpx import ASGITransport, AsyncClient

app = FastAPI()
AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)
_errors = []
_running = []
_tasks = set()


async def _rolling_back():
    async with AsyncKeeping() as session:
        try:
            yield session
        finally:
            await session.rollback()


async def _committing():
    async with AsyncSessionLocal() as session:
        yield session
        await session.commit()


async def _closing():
    async with AsyncKeeping() as session:
        yield session


async def _call(path):
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://shop") as client:
        await client.post(path)
    await asyncio.gather(*_running, *_tasks)


@app.post("/rolled_back")
async def _rolled_back(session: AsyncSession = Depends(_rolling_back)):
    book = await session.get(Book, 1)

    async def later():
        await asyncio.sleep(0.05)
        print(book.title)

    _running.append(asyncio.create_task(later()))  # finding: book.title expired at the rollback and its session is closed


@app.post("/committed")
async def _committed(session: AsyncSession = Depends(_committing)):
    book = await session.get(Book, 1)

    async def later():
        await asyncio.sleep(0.05)
        print(book.title)

    _tasks.add(asyncio.create_task(later()))  # finding: book.title expired at the commit and its session is closed


@app.post("/closed")
async def _closed(session: AsyncSession = Depends(_closing)):
    book = await session.get(Book, 1)

    async def later():
        await asyncio.sleep(0.05)
        print(book.title)

    _tasks.add(asyncio.create_task(later()))  # quiet: a column that is loaded stays readable


async def rolled_back():
    await _call("/rolled_back")


async def committed():
    await _call("/committed")


async def closed():
    await _call("/closed")
