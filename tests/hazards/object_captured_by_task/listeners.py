"""Listeners of a session: what they read while it commits or rolls back, and what they set to work."""

from sqlalchemy import event

_heard = []
_tasks = []


def not_loaded():
    with SessionLocal() as session:
        book = session.get(Book, 1)

        @event.listens_for(session, "after_commit", once=True)  # finding: in the listener, book.author is not loaded
        def announce(_):
            _heard.append(book.author.name)

        session.commit()


def given_as_a_function():
    def announce(_):
        _heard.append(book.author.name)

    with SessionLocal() as session:
        book = session.get(Book, 1)
        event.listen(session, "after_commit", lambda _: announce(book), once=True)  # quiet: never called
        event.listen(session, "after_commit", lambda _: book.author.name)  # finding: book.author is not loaded
        session.commit()


def expired_before():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
        event.listen(session, "after_commit", lambda _: book.title, once=True)  # finding: expired at the commit
        session.add(Author(name="Livy"))
        session.commit()


def once_more():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        event.listen(session, "after_commit", lambda _: book.title)  # finding: book.title expired at the commit
        session.commit()
        session.add(Author(name="Livy"))
        session.commit()


def only_once():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        event.listen(session, "after_commit", lambda _: book.title, once=True)  # quiet: nothing has expired yet
        session.commit()
        session.add(Author(name="Livy"))
        session.commit()


def added_by_a_helper():
    def _schedule(session, book):
        @event.listens_for(session, "after_commit", once=True)  # finding: book.author is not loaded
        def announce(_):
            _heard.append(book.author.name)

    with SessionLocal() as session:
        book = session.get(Book, 1)
        _schedule(session, book)
        session.commit()


def end_of_a_block():
    with SessionLocal.begin() as session:
        book = session.get(Book, 1)
        event.listen(session, "after_commit", lambda _: book.author.name)  # finding: book.author is not loaded


def computed_by_the_database():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        book.title = "Lavinia"
        event.listen(session, "after_commit", lambda _: book.title)  # quiet: set by the program
        session.commit()


def keeps_its_objects():
    with Session(engine, expire_on_commit=False) as session:
        book = session.get(Book, 1)
        event.listen(session, "after_commit", lambda _: book.author.name)  # finding: book.author is not loaded
        session.commit()


def rolled_back():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        event.listen(session, "after_rollback", lambda _: book.title)  # quiet: it expires after that
        event.listen(session, "after_rollback", lambda _: book.author.name)  # finding: during `after_rollback`
        session.rollback()


def before_the_commit():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        event.listen(session, "before_commit", lambda _: book.author.name)  # quiet: the transaction is open
        session.commit()


def loaded():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        name = book.author.name
        event.listen(session, "after_commit", lambda _: book.author.name)  # quiet: loaded
        session.commit()
        return name


def never_committed():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        event.listen(session, "after_commit", lambda _: book.author.name)  # quiet: nobody commits
        return book.title


def in_the_identity_map():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        author = session.get(Author, 1)
        event.listen(session, "after_commit", lambda _: book.author.name)  # quiet: the session has the author
        session.commit()
        return author.id


async def sync_session_of_an_async_one():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)

        @event.listens_for(session.sync_session, "after_commit", once=True)  # finding: book.author is not loaded
        def announce(_):
            _heard.append(book.author.name)

        await session.commit()


async def _sets_a_task_to_work():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)

        async def tell():
            _heard.append(book.title)

        def begin(_):
            _tasks.append(asyncio.get_running_loop().create_task(tell()))  # finding: book.title expired at the commit

        event.listen(session.sync_session, "after_commit", begin, once=True)
        await session.commit()


async def sets_a_task_to_work():
    await _sets_a_task_to_work()
    await asyncio.gather(*_tasks)


async def sets_a_task_to_work_with_values():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        title = book.title

        async def tell():
            _heard.append(title)

        def begin(_):
            _tasks.append(asyncio.get_running_loop().create_task(tell()))  # quiet: a string

        event.listen(session.sync_session, "after_commit", begin, once=True)
        await session.commit()
        await asyncio.gather(*_tasks)


def session_of_its_own():
    with SessionLocal() as session:
        key = session.get(Book, 1).id

        @event.listens_for(session, "after_commit", once=True)
        def announce(_):
            with SessionLocal() as other:
                _heard.append(other.get(Book, key).author.name)  # quiet: another session

        session.commit()
