"""Objects that work takes along: closures, lambdas, and the owners of methods."""

ready = asyncio.Event()
"""The caller has gone on."""


class _Announcer:
    def __init__(self, book):
        self.book = book

    async def run(self):
        await ready.wait()
        return self.book.title

    async def say(self, words):
        await ready.wait()
        return words


async def closure():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)

        async def announce():
            await ready.wait()
            return book.title

        task = asyncio.create_task(announce())  # finding: book.title expired at the commit and its session is closed
        await session.commit()
    ready.set()
    await task


async def owner_of_the_method():
    async with AsyncSessionLocal() as session:
        announcer = _Announcer(await session.get(Book, 1))
        task = asyncio.create_task(announcer.run())  # finding: self.book.title expired at the commit
        await session.commit()
    ready.set()
    await task


async def closure_in_a_thread():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await asyncio.to_thread(lambda: book.author.name)  # finding: book.author is not loaded: reading it needs `await`


async def closure_over_values():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        title = book.title

        async def announce():
            await ready.wait()
            return title

        task = asyncio.create_task(announce())  # quiet: a string
        await session.commit()
    ready.set()
    await task


async def method_that_reads_nothing():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        task = asyncio.create_task(_Announcer(book).say(book.title))  # quiet: it never reads the object
        await session.commit()
    ready.set()
    await task


async def waited_for_in_time():
    async with AsyncSessionLocal() as session:
        announcer = _Announcer(await session.get(Book, 1))
        ready.set()
        await asyncio.create_task(announcer.run())  # quiet: done before the commit
        await session.commit()


async def keeps_its_values():
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        announcer = _Announcer(await session.get(Book, 1))
        task = asyncio.create_task(announcer.run())  # quiet: nothing expires
        await session.commit()
    ready.set()
    await task


async def bound_anew():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)

        async def announce():
            await ready.wait()
            return book

        task = asyncio.create_task(announce())  # quiet: it reads no attribute
        book = await session.get(Book, 2)
        await session.commit()
    ready.set()
    await task


class _Own:
    async def load(self):
        await ready.wait()
        async with AsyncSessionLocal() as session:
            self.book = await session.get(Book, 1)
            return self.book.title


async def loaded_in_the_work():
    task = asyncio.create_task(_Own().load())  # quiet: a session of its own
    ready.set()
    await task
