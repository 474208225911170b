"""Methods of async sessions, awaited and not."""

from sqlalchemy import event
from sqlalchemy.ext.asyncio import async_scoped_session

scoped = async_scoped_session(AsyncSessionLocal, scopefunc=asyncio.current_task)


async def _titles():
    async with AsyncSessionLocal() as session:
        return (await session.scalars(select(Book.title))).all()


async def commit():
    async with AsyncSessionLocal() as session:
        session.add(Book(title="Lavinia"))
        session.commit()  # finding: `session.commit()` is not awaited: it never runs
    assert "Lavinia" not in await _titles()


async def flush_then_commit():
    async with AsyncSessionLocal() as session:
        session.add(Book(title="Lavinia"))
        session.flush()  # finding: it never runs
        await session.commit()  # quiet: awaited
    assert "Lavinia" in await _titles()


async def delete():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        session.delete(book)  # finding: it never runs
        await session.commit()
    assert len(await _titles()) == 2


async def refresh(session: AsyncSession):
    book = await session.get(Book, 1)
    book.price = 99
    session.refresh(book)  # finding: it never runs
    assert book.price == 99


async def rollback_in_a_handler():
    async with AsyncSessionLocal() as session:
        try:
            session.add(Author(name="Ursula"))
            await session.flush()
        except IntegrityError:
            session.rollback()  # finding: it never runs
        assert not session.is_active


def _save(session):
    session.commit()  # finding: it never runs
    assert session.new


async def in_a_function_that_is_not_async():
    async with AsyncSessionLocal() as session:
        session.add(Book(title="Lavinia"))
        _save(session)
    assert "Lavinia" not in await _titles()


async def of_an_annotated_session():
    async def save(session: AsyncSession):
        session.add(Book(title="Lavinia"))
        session.commit()  # finding: it never runs

    async with AsyncSessionLocal() as session:
        await save(session)
    assert "Lavinia" not in await _titles()


async def of_a_scoped_session():
    scoped.add(Book(title="Lavinia"))
    scoped.commit()  # finding: it never runs
    await scoped.remove()  # quiet: awaited
    assert "Lavinia" not in await _titles()


async def chain_behind_the_await():
    async with AsyncSessionLocal() as session:
        try:
            await session.execute(select(Book)).scalars()  # finding: has no `scalars`
        except AttributeError as error:
            assert "coroutine" in str(error)


async def chain_without_await():
    async with AsyncSessionLocal() as session:
        try:
            return session.scalars(select(Book)).all()  # finding: has no `all`
        except AttributeError as error:
            assert "coroutine" in str(error)


async def chain_over_lines():
    async with AsyncSessionLocal() as session:
        try:
            return (
                session.scalars(  # finding: has no `all`
                    select(Book)
                )
                .all()
            )
        except AttributeError as error:
            assert "coroutine" in str(error)


async def result_under_a_name(session: AsyncSession):
    book = session.get(Book, 1)  # finding: has no `title`
    try:
        print(book.title)
    except AttributeError as error:
        assert "coroutine" in str(error)


async def attribute_of_the_result():
    async with AsyncSessionLocal() as session:
        book = session.get(Book, 1)  # finding: has no `price`
        try:
            book.price = 25
        except AttributeError as error:
            assert "coroutine" in str(error)


async def iteration():
    async with AsyncSessionLocal() as session:
        try:
            for book in session.scalars(select(Book)):  # finding: cannot be iterated over
                print(book.title)
        except TypeError as error:
            assert "coroutine" in str(error)


async def test_for_a_row():
    async with AsyncSessionLocal() as session:
        missing = not session.get(Book, 99)  # finding: the coroutine, which is always true
        assert not missing


async def comparison():
    async with AsyncSessionLocal() as session:
        count = session.scalar(select(Book.id))  # finding: the coroutine, which is always true
        assert count != 1


async def awaited_later():
    async with AsyncSessionLocal() as session:
        waiting = session.get(Book, 1)  # quiet: awaited below
        book = await waiting
        print(book.title)


async def awaited_by_others():
    async with AsyncSessionLocal() as session:
        session.add(Book(title="Lavinia"))
        await asyncio.wait_for(session.flush(), 5)  # quiet: wait_for awaits it
        await asyncio.shield(session.commit())  # quiet: shield awaits it
        (book,) = await asyncio.gather(session.get(Book, 1))  # quiet: gather awaits it
        print(book.title)
        task = asyncio.create_task(session.get(Book, 2))  # quiet: the task awaits it
        print((await task).title)


async def awaited_by_the_caller():
    def load(session):
        return session.get(Book, 1)  # quiet: the caller awaits it

    async with AsyncSessionLocal() as session:
        book = await load(session)
        print(book.title)


async def in_a_list():
    async with AsyncSessionLocal() as session:
        waiting = [session.get(Book, number) for number in (1, 2)]  # quiet: awaited below
        for each in waiting:
            print((await each).title)


async def by_a_lambda():
    async with AsyncSessionLocal() as session:
        load = lambda: session.get(Book, 1)  # quiet: the caller awaits it
        print((await load()).title)


async def closed_without_running():
    async with AsyncSessionLocal() as session:
        session.commit().close()  # quiet: given up by intention


async def methods_that_are_not_async():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        session.expire(book)  # quiet: not async
        session.expunge(book)  # quiet: not async
        session.add(Book(title="Lavinia"))  # quiet: not async
        session.expunge_all()  # quiet: not async
        print(session.in_transaction())  # quiet: not async


async def inside_run_sync():
    def save(session):
        session.add(Book(title="Lavinia"))
        session.commit()  # quiet: a sync session here

    async with AsyncSessionLocal() as session:
        await session.run_sync(save)
    assert "Lavinia" in await _titles()


async def the_session_inside():
    async with AsyncSessionLocal() as session:
        session.sync_session.close()  # quiet: not async


def sync_session():
    with SessionLocal() as session:
        session.add(Book(title="Lavinia"))
        session.commit()  # quiet: not async


class _Repository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def save(self, book):
        self.session.add(book)
        self.session.commit()  # finding: `self.session.commit()` is not awaited: it never runs
        assert self.session.new

    def run(self, query):
        return self.session.execute(query)  # quiet: the caller awaits it


async def repository():
    async with AsyncSessionLocal() as session:
        shop = _Repository(session)
        await shop.save(Book(title="Lavinia"))
        print((await shop.run(select(Book))).scalars().first())
    assert "Lavinia" not in await _titles()


class _ForgivingSession(AsyncSession):
    def commit(self):
        self.committed = True


async def _remember(session: _ForgivingSession):
    session.commit()  # quiet: a class of the program's own, with a method of its own


async def own_class():
    async with _ForgivingSession(async_engine) as session:
        await _remember(session)


_Listened = sessionmaker(engine)


@event.listens_for(_Listened, "before_commit")
def _count_new(session: AsyncSession):
    session.flush()  # quiet: an event gives the sync session, whatever the annotation says


def listener():
    with _Listened() as session:
        session.add(Book(title="Lavinia"))
        session.commit()
        print(session.scalars(select(Book.title)).all())


async def _total(parts):
    found = []
    for part in parts:
        if part["query"] is not None:
            found += (await part["query"]).all()  # quiet: awaited here
    return len(found)


async def kept_in_a_dict(wanted):
    async with AsyncSessionLocal() as session:
        second = session.scalars(select(Book.title)) if wanted else None
        print(await _total([{"query": session.scalars(select(Book.title))}, {"query": second}]))


async def asked_and_never_awaited():
    async with AsyncSessionLocal() as session:
        book = session.get(Book, 0)  # finding: `session.get()` is not awaited
        assert book is not None
