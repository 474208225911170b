"""Work that is handed over, and opens a session of its own while its caller's is open."""

from contextlib import asynccontextmanager


async def _write(author):
    async with AsyncSessionLocal() as other:
        other.add(Book(title="Lavinia", author=author))  # finding: `other.add` takes a mapped Author
        await other.commit()


async def task_that_is_waited_for():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        task = asyncio.create_task(_write(author))
        await task


async def _get_session():
    async with AsyncSessionLocal() as session:
        yield session


@asynccontextmanager
async def _scope():
    generator = _get_session()
    session = await generator.__anext__()
    try:
        yield session
    finally:
        await generator.aclose()


async def generator_by_hand():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        async with _scope() as other:
            other.add(author)  # finding: `other.add` takes a mapped Author


async def generator_that_was_closed():
    async with _scope() as session:
        author = await session.get(Author, 1)
    async with _scope() as other:
        other.add(author)  # quiet: `aclose` has closed the session


async def _note(author_id):
    async with AsyncSessionLocal() as other:
        other.add(Book(title="Lavinia", author_id=author_id))  # quiet: only the key goes over
        await other.commit()


async def task_with_the_key():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        await asyncio.create_task(_note(author.id))


async def _keep(author):
    async with AsyncSessionLocal() as other:
        other.add(Book(title="Lavinia", author=author))  # quiet: by then the caller has closed its session
        await other.commit()


async def task_that_comes_later():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
    await asyncio.create_task(_keep(author))
