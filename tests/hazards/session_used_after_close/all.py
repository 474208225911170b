"""Sessions after the block that closes them, and sessions out of generators."""

# since SQLAlchemy 2.0.22

from contextlib import asynccontextmanager, closing, contextmanager

from sqlalchemy.ext.asyncio import close_all_sessions


def _get_session():
    with SessionLocal() as session:
        yield session


def _get_committing_session():
    with SessionLocal.begin() as session:
        yield session


def _get_session_and_close():
    session = SessionLocal()
    try:
        yield session
        session.commit()
    finally:
        session.close()


def _get_session_that_stays():
    yield SessionLocal()


async def _get_async_session():
    async with AsyncSessionLocal() as session:
        yield session


def _titles():
    with SessionLocal() as session:
        return session.scalars(select(Book.title)).all()


def read_after_the_block():
    with SessionLocal() as session:
        print(session.get(Book, 1).title)
    book = session.get(Book, 2)  # finding: the session's block has closed it; here it begins anew
    print(book.title)  # quiet: its session is open again
    assert session.in_transaction()


def write_after_the_block():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    session.add(Book(title="Lavinia", author_id=author.id))  # finding: begins anew, and nobody ends that
    assert "Lavinia" not in _titles()


def legacy_query_after_the_block():
    with SessionLocal() as session:
        print(session.get(Book, 1).title)
    books = session.query(Book).all()  # finding: begins anew, and nobody ends that
    assert len(books) == 2 and session.in_transaction()


def after_a_block_that_commits():
    with SessionLocal.begin() as session:
        session.add(Book(title="Lavinia"))
    session.add(Book(title="Tehanu"))  # finding: begins anew, and nobody ends that
    assert "Tehanu" not in _titles() and "Lavinia" in _titles()


def after_closing():
    with closing(SessionLocal()) as session:
        print(session.get(Book, 1).title)
    session.get(Book, 2)  # missed: handed to a library, which might keep it
    assert session.in_transaction()


def _list_books(session):
    return session.scalars(select(Book)).all()


def in_another_function():
    with SessionLocal() as session:
        print(session.get(Book, 1).title)
    books = _list_books(session)  # finding: `session`: the session's block has closed it
    assert books and session.in_transaction()


def _open_session():
    with SessionLocal() as session:
        return session


def returned_from_its_block():
    session = _open_session()
    session.get(Book, 1)  # finding: begins anew, and nobody ends that
    assert session.in_transaction()


def collected_generator():
    session = next(_get_session())
    session.get(Book, 1)  # finding: nothing holds the session's generator
    assert session.in_transaction()


def collected_generator_that_commits():
    session = next(_get_committing_session())
    session.add(Book(title="Lavinia"))  # finding: nothing holds the session's generator
    assert "Lavinia" not in _titles()


def collected_generator_with_finally():
    session = next(_get_session_and_close())
    session.add(Book(title="Lavinia"))  # finding: nothing holds the session's generator
    assert "Lavinia" not in _titles()


def out_of_a_loop_over_the_generator():
    def first():
        for session in _get_session():
            return session

    session = first()
    session.get(Book, 1)  # finding: begins anew, and nobody ends that
    assert session.in_transaction()


async def read_after_the_async_block():
    async with AsyncSessionLocal() as session:
        print((await session.get(Book, 1)).title)
    await session.get(Book, 2)  # finding: begins anew, and nobody ends that
    assert session.in_transaction()
    await close_all_sessions()


async def collected_async_generator():
    async def titles():
        session = await anext(_get_async_session())
        return [book.title for book in await session.scalars(select(Book))]  # finding: closes it while it is used

    errors = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: errors.append(context))
    assert len(await titles()) == 2
    await close_all_sessions()


def closed_again():
    with SessionLocal() as session:
        print(session.get(Book, 1).title)
    print(session.get(Book, 2).title)  # quiet: closed below
    session.close()


def committed_again():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    session.add(Book(title="Lavinia", author_id=author.id))  # quiet: committed below
    session.commit()
    assert "Lavinia" in _titles()


def rolled_back():
    with SessionLocal() as session:
        print(session.get(Book, 1).title)
    print(session.get(Book, 2).title)  # quiet: ended below
    session.rollback()


def entered_again():
    session = SessionLocal()
    with session:
        print(session.get(Book, 1).title)
    with session:
        print(session.get(Book, 2).title)  # quiet: a block of its own


def begun_in_a_block():
    with SessionLocal() as session:
        print(session.get(Book, 1).title)
    with session.begin():
        session.add(Book(title="Lavinia"))  # quiet: the block commits
    assert "Lavinia" in _titles()


def closed_by_hand_before():
    session = SessionLocal()
    print(session.get(Book, 1).title)
    session.close()
    print(session.get(Book, 2).title)  # quiet: whoever closes by hand may do it again
    session.close()


def without_sql():
    with SessionLocal() as session:
        book = session.get(Book, 1)
    print(book in session, session.in_transaction(), session.new)  # quiet: no SQL, no transaction
    session.expunge_all()  # quiet: the same


def generator_under_a_name():
    generator = _get_session()
    session = next(generator)
    print(session.get(Book, 1).title)  # quiet: the generator is held
    generator.close()


def collected_generator_without_an_end():
    session = next(_get_session_that_stays())
    print(session.get(Book, 1).title)  # quiet: the generator closes nothing
    session.close()


def closed_by_the_caller():
    session = next(_get_session_and_close())
    try:
        print(session.get(Book, 1).title)  # quiet: closed below
    finally:
        session.close()


def as_a_context_manager():
    with contextmanager(_get_session)() as session:
        print(session.get(Book, 1).title)  # quiet: inside


async def as_an_async_context_manager():
    async with asynccontextmanager(_get_async_session)() as session:
        print((await session.get(Book, 1)).title)  # quiet: inside


async def inside_a_loop_over_the_generator():
    async for session in _get_async_session():
        print((await session.get(Book, 1)).title)  # quiet: inside


def next_of_an_async_generator():
    try:
        session = next(_get_async_session())  # quiet: TypeError, whatever it would yield
        print(session.get(Book, 1).title)
    except TypeError as error:
        assert "async_generator" in str(error)


def next_of_something_else():
    with SessionLocal() as session:
        book = next(book for book in session.scalars(select(Book)))  # quiet: no generator of sessions
        print(book.title)


class _Shop:
    def __init__(self):
        self.session = SessionLocal()

    def read(self):
        with self.session:
            print(self.session.get(Book, 1).title)
        return self.session.get(Book, 2)  # quiet: who holds the shop may close it


def session_of_an_instance():
    shop = _Shop()
    print(shop.read().title)
    shop.session.close()


def session_that_is_handed_on():
    kept = []
    with SessionLocal() as session:
        print(session.get(Book, 1).title)
    print(session.get(Book, 2).title)  # quiet: whoever has it may close it
    kept.append(session)
    kept[0].close()


def session_of_an_argument(session):
    with session:
        print(session.get(Book, 1).title)
    print(session.get(Book, 2).title)  # quiet: the caller's


def in_a_loop():
    for number in (1, 2):
        with SessionLocal() as session:
            print(session.get(Book, number).title)  # quiet: another session in every round
