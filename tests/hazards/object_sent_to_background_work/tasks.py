"""Tasks that read objects while their caller goes on."""

ready = asyncio.Event()
"""The caller has gone on."""


async def _announce(book):
    await ready.wait()
    return book.title


async def _announce_author(book):
    await ready.wait()
    return book.author.name


async def _announce_at_once(book):
    title = book.title
    await ready.wait()
    return title


async def _announce_by_key(book_id):
    await ready.wait()
    async with AsyncSessionLocal() as session:
        return (await session.get(Book, book_id)).title


async def committed_meanwhile():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = asyncio.create_task(_announce(book))  # finding: book.title expired at the commit and its session is closed
        book.price = 25
        await session.commit()
    ready.set()
    await task


async def still_open_when_waited_for():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = asyncio.create_task(_announce(book))  # finding: book.title expired at the commit: reading it needs `await`
        book.price = 25
        await session.commit()
        ready.set()
        await task


async def gathered_later():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = asyncio.create_task(_announce(book))  # finding: book.title expired at the commit and its session is closed
        await session.commit()
    ready.set()
    await asyncio.gather(task)


async def rolled_back_meanwhile():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = asyncio.create_task(_announce(book))  # finding: book.title expired at the rollback
        await session.rollback()
    ready.set()
    await task


async def by_ensure_future():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = asyncio.ensure_future(_announce(book))  # finding: book.title expired at the commit
        await session.commit()
    ready.set()
    await task


async def of_the_running_loop():
    loop = asyncio.get_running_loop()
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = loop.create_task(_announce(book))  # finding: book.title expired at the commit
        await session.commit()
    ready.set()
    await task


async def in_a_group_around_the_session():
    try:
        async with asyncio.TaskGroup() as group:
            async with AsyncSessionLocal() as session:
                book = await session.get(Book, 1)
                group.create_task(_announce(book))  # finding: book.title expired at the commit
                await session.commit()
            ready.set()
    except ExceptionGroup as group_of_errors:
        raise group_of_errors.exceptions[0]


def _start(book):
    return asyncio.create_task(_announce(book))  # finding: book.title expired at the commit


async def started_by_a_helper():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = _start(book)
        await session.commit()
    ready.set()
    await task


async def keeps_its_values():
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        book = await session.get(Book, 1)
        task = asyncio.create_task(_announce(book))  # quiet: nothing expires
        book.price = 25
        await session.commit()
    ready.set()
    await task


async def only_closed_meanwhile():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = asyncio.create_task(_announce(book))  # quiet: a loaded column stays readable
    ready.set()
    await task


async def loaded_for_the_task():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1, options=[selectinload(Book.author)])
        task = asyncio.create_task(_announce_author(book))  # quiet: loaded with the query
    ready.set()
    await task


async def read_before_it_waits():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = asyncio.create_task(_announce_at_once(book))  # quiet: read before the commit is through
        await session.commit()
    ready.set()
    await task


async def waited_for_before_the_commit():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = asyncio.create_task(_announce(book))  # quiet: done before the commit
        ready.set()
        await task
        await session.commit()


async def gathered_before_the_commit():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = asyncio.create_task(_announce(book))  # quiet: done before the commit
        ready.set()
        await asyncio.gather(task)
        await session.commit()


async def in_a_group_inside_the_session():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        async with asyncio.TaskGroup() as group:
            group.create_task(_announce(book))  # quiet: the group waits for it
            ready.set()
        await session.commit()


async def in_a_list():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        tasks = [asyncio.create_task(_announce(book))]  # quiet: when they are waited for is not seen
        ready.set()
        await asyncio.gather(*tasks)
        await session.commit()


async def key_only():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = asyncio.create_task(_announce_by_key(book.id))  # quiet: a number
        book.price = 25
        await session.commit()
    ready.set()
    await task


async def refreshed_before_it_is_waited_for():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = asyncio.create_task(_announce(book))  # quiet: there again when it runs
        await session.commit()
        await session.refresh(book)
        ready.set()
        await task


async def relationship_that_is_not_loaded():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = asyncio.create_task(_announce_author(book))  # finding: book.author is not loaded: reading it needs `await`
        ready.set()
        await task


class _Reader:
    def create_task(self, book):
        return book.title


async def something_else_that_creates_tasks():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        _Reader().create_task(book)  # quiet: a method of the program
        await session.commit()
