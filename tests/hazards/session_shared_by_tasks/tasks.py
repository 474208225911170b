"""Tasks that run beside each other, or beside the function that has begun them."""

# since SQLAlchemy 2.0.17

from sqlalchemy.pool import NullPool

_ConnectingSession = async_sessionmaker(create_async_engine("sqlite+aiosqlite://", poolclass=NullPool))
"""Its sessions wait for their connection."""


def _raise(results):
    """Raised when all are done, so that nothing runs on when its event loop is closed."""
    for error in [result for result in results if isinstance(result, Exception)]:
        raise error


async def _today(session):
    return await session.scalar(select(func.current_date()))


async def _rename(session, book_id, title):
    book = await session.get(Book, book_id)
    book.title = title
    await session.flush()


async def _rename_and_commit(session, book_id, title):
    book = await session.get(Book, book_id)
    book.title = title
    await session.commit()


async def _titles(session):
    return (await session.scalars(select(Book.title))).all()


async def _count():
    async with AsyncSessionLocal() as session:
        return await session.scalar(select(func.count(Book.id)))


async def both_wait_for_the_connection():
    async with _ConnectingSession() as session:
        results = await asyncio.gather(
            _today(session),
            _today(session),  # finding: `_today()` uses a session that is in use by another task at the same time
            return_exceptions=True,
        )
        _raise(results)


async def both_methods_of_the_session():
    async with _ConnectingSession() as session:
        results = await asyncio.gather(
            session.scalar(select(func.current_date())),
            session.scalar(select(func.current_time())),  # finding: `session.scalar()` uses a session that is in use
            return_exceptions=True,
        )
        _raise(results)


async def both_flush():
    async with AsyncSessionLocal() as session:
        results = await asyncio.gather(
            _rename(session, 1, "Tehanu"),
            _rename(session, 2, "Lavinia"),  # finding: `_rename()` uses
            return_exceptions=True,
        )
        _raise(results)


async def both_commit():
    async with AsyncSessionLocal() as session:
        one = _rename_and_commit(session, 1, "Tehanu")
        other = _rename_and_commit(session, 2, "Lavinia")  # finding: `_rename_and_commit()` uses a session
        _raise(await asyncio.gather(one, other, return_exceptions=True))


async def _rename_both(session: AsyncSession):
    results = await asyncio.gather(
        _rename(session, 1, "Tehanu"),
        _rename(session, 2, "Lavinia"),  # finding: `_rename()` uses
        return_exceptions=True,
    )
    _raise(results)


async def of_the_caller(session):
    await _rename_both(session)


async def one_for_each():
    async with AsyncSessionLocal() as session:
        results = await asyncio.gather(
            *[_rename(session, number, "Tehanu") for number in (1, 2)],  # finding: `_rename()` uses
            return_exceptions=True,
        )
        _raise(results)


async def in_a_list():
    async with AsyncSessionLocal() as session:
        renamings = []
        for number in range(1, 3):
            renamings.append(_rename(session, number, "Tehanu"))  # finding: `_rename()` uses a session
        _raise(await asyncio.gather(*renamings, return_exceptions=True))


async def in_a_group():
    try:
        async with AsyncSessionLocal() as session, asyncio.TaskGroup() as group:
            for number in range(1, 3):
                group.create_task(_rename(session, number, "Tehanu"))  # finding: `_rename()` uses a session
    except ExceptionGroup as group_of_errors:
        raise group_of_errors.exceptions[0]


async def tasks_in_a_list():
    async with AsyncSessionLocal() as session:
        tasks = []
        for number in range(1, 3):
            tasks.append(asyncio.create_task(_rename(session, number, "Tehanu")))  # finding: `_rename()` uses
        _raise(await asyncio.gather(*tasks, return_exceptions=True))


async def beside_the_caller():
    async with AsyncSessionLocal() as session:
        lathe = await session.get(Book, 2)
        task = asyncio.create_task(_rename(session, 1, "Tehanu"))
        lathe.title = "Lavinia"
        await asyncio.sleep(0)
        try:
            await session.flush()  # finding: `session.flush()` uses a session that is in use by another task
        finally:
            await asyncio.wait([task])
            task.exception()


class _Shop:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def rename(self, book_id, title):
        book = await self.session.get(Book, book_id)
        book.title = title
        await self.session.flush()

    async def rename_both(self):
        results = await asyncio.gather(
            self.rename(1, "Tehanu"),
            self.rename(2, "Lavinia"),  # finding: `self.rename()` uses
            return_exceptions=True,
        )
        _raise(results)


async def of_a_service():
    async with AsyncSessionLocal() as session:
        await _Shop(session).rename_both()


async def one_session_each():
    assert [2, 2] == await asyncio.gather(_count(), _count())  # quiet: each opens its own


async def two_sessions():
    async with AsyncSessionLocal() as session, AsyncSessionLocal() as other:
        await asyncio.gather(_titles(session), _titles(other))  # quiet: one each


async def reading_in_a_transaction():
    async with AsyncSessionLocal() as session:
        await session.get(Author, 1)
        await asyncio.gather(_titles(session), _titles(session))  # quiet: the session has its connection, and both only read


async def one_after_the_other():
    async with AsyncSessionLocal() as session:
        await _rename(session, 1, "Tehanu")
        await _rename(session, 2, "Lavinia")  # quiet: the first is done


async def waited_for():
    async with AsyncSessionLocal() as session:
        task = asyncio.create_task(_rename(session, 1, "Tehanu"))
        await task
        await session.commit()  # quiet: the task is done


async def waited_for_if_begun(flag):
    async with AsyncSessionLocal() as session:
        task = None
        if flag:
            task = asyncio.create_task(_rename(session, 1, "Tehanu"))
        if task:
            await task
        await session.commit()  # quiet: the task is done


async def waited_for_in_a_try(flag):
    async with AsyncSessionLocal() as session:
        task = asyncio.create_task(_rename(session, 3 if flag else 1, "Tehanu"))
        try:
            await asyncio.wait_for(task, 5)
        except AttributeError:
            await session.rollback()  # quiet: the task has failed


async def gathered_before_the_commit():
    async with AsyncSessionLocal() as session:
        await asyncio.gather(_rename(session, 1, "Tehanu"), _count())
        await session.commit()  # quiet: both are done


async def with_a_lock():
    lock = asyncio.Lock()

    async def rename(number):
        async with lock:
            await _rename(session, number, "Tehanu")

    async with AsyncSessionLocal() as session:
        await asyncio.gather(rename(1), rename(2))  # quiet: one at a time


async def opened_for_each_round():
    async def rename(session, number):
        async with session:
            await _rename(session, number, "Tehanu")
            await session.commit()

    await asyncio.gather(*[rename(AsyncSessionLocal(), number) for number in (1, 1)])  # quiet: a session each


async def opened_for_each_task():
    for number in (1, 2, 3, 4):
        async with AsyncSessionLocal() as session:
            task = asyncio.create_task(_rename(session, number % 2 + 1, "Tehanu"))  # quiet: a session each
            await asyncio.wait([task])


async def gathered_round_by_round():
    async with AsyncSessionLocal() as session:
        for number in (1, 2, 3, 4):
            await asyncio.gather(_rename(session, number % 2 + 1, "Tehanu"), _count())  # quiet: done in each round


async def tasks_of_a_list():
    async with _ConnectingSession() as session:
        waiting = []
        waiting.append(_today(session))
        if session.is_active:
            waiting.append(_titles(session))  # finding: `_titles()` uses a session that is in use by another task
        _raise(await asyncio.gather(*waiting, return_exceptions=True))


async def tasks_of_a_list_with_their_own():
    waiting = []
    waiting.append(_count())
    waiting.append(_count())  # quiet: each has its own session
    _raise(await asyncio.gather(*waiting, return_exceptions=True))


async def tasks_of_a_list_that_differ():
    async def reload(book, delay):
        async with AsyncSessionLocal() as session:
            await asyncio.sleep(delay)
            return await session.get(Book, book.id)

    async with AsyncSessionLocal() as session:
        books = (await session.scalars(select(Book))).all()
    waiting, delay = [], 0
    for book in books:
        waiting.append(reload(book, delay))  # quiet: each has its own session
        delay = book.id / 100
    _raise(await asyncio.gather(*waiting, return_exceptions=True))
