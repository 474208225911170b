"""Context managers that are entered and left by their own methods."""

from contextlib import asynccontextmanager, contextmanager, nullcontext

Keeping = sessionmaker(engine, expire_on_commit=False)


@contextmanager
def _transaction():
    session = SessionLocal()
    try:
        yield session
        session.commit()
    except Exception:
        session.rollback()
        raise
    finally:
        session.close()


@contextmanager
def _kept():
    with Keeping.begin() as session:
        yield session


@contextmanager
def _nested():
    with _transaction() as session:
        yield session


@contextmanager
def _with_retries():
    for attempt in range(3):
        try:
            session = SessionLocal()
            session.connection()
        except OSError:
            continue
        try:
            yield session
            session.commit()
        finally:
            session.close()
        return


@contextmanager
def _first_that_opens():
    while True:
        cm = SessionLocal()
        session = cm.__enter__()
        try:
            session.connection()
        except OSError as error:
            cm.__exit__(type(error), error, error.__traceback__)
            continue
        try:
            yield session
            session.commit()
        except BaseException as error:
            cm.__exit__(type(error), error, error.__traceback__)
            raise
        else:
            cm.__exit__(None, None, None)
        return


@asynccontextmanager
async def _async_transaction():
    cm = AsyncSessionLocal()
    session = await cm.__aenter__()
    try:
        yield session
        await session.commit()
    finally:
        await cm.__aexit__(None, None, None)


class _Unit:
    """Enters a session by hand."""

    def __init__(self, factory=SessionLocal):
        self._factory = factory

    def __enter__(self):
        self._cm = self._factory()
        self.session = self._cm.__enter__()
        return self

    def __exit__(self, *args):
        if args[0] is None:
            self.session.commit()
        return self._cm.__exit__(*args)


class _UnitOfGenerator:
    """Enters a generator of the program by hand."""

    def __enter__(self):
        self._cm = _transaction()
        self.session = self._cm.__enter__()
        return self

    def __exit__(self, kind, error, trace):
        self._cm.__exit__(kind, error, trace)


class _AsyncUnit:
    async def __aenter__(self):
        self._cm = AsyncSessionLocal.begin()
        self.session = await self._cm.__aenter__()
        return self

    async def __aexit__(self, *args):
        await self._cm.__aexit__(*args)


def session_entered():
    cm = SessionLocal()
    session = cm.__enter__()
    author = session.get(Author, 1)
    session.commit()
    print(author.name)  # quiet: the session is open
    session.commit()
    cm.__exit__(None, None, None)
    print(author.name)  # finding: name expired at the commit


def session_entered_at_once():
    session = SessionLocal().__enter__()
    author = session.get(Author, 1)
    session.commit()
    session.close()
    print(author.name)  # finding: name expired at the commit


def never_left():
    session = SessionLocal().__enter__()
    author = session.get(Author, 1)
    session.commit()
    print(author.name)  # quiet: nobody has closed it


def transaction_entered():
    cm = SessionLocal.begin()
    session = cm.__enter__()
    author = session.get(Author, 1)
    print(author.name)  # quiet: before the commit
    cm.__exit__(None, None, None)
    print(author.name)  # finding: name expired at the commit


def transaction_of_a_keeping_factory():
    cm = Keeping.begin()
    author = cm.__enter__().get(Author, 1)
    cm.__exit__(None, None, None)
    print(author.name)  # quiet: nothing expires at its commit


def generator_entered():
    cm = _transaction()
    session = cm.__enter__()
    author = session.get(Author, 1)
    print(author.name)  # quiet: it waits at its yield
    cm.__exit__(None, None, None)
    print(author.name)  # finding: name expired at the commit


def generator_that_keeps():
    cm = _kept()
    author = cm.__enter__().get(Author, 1)
    cm.__exit__(None, None, None)
    print(author.name)  # quiet: nothing expires at its commit


def generator_in_a_generator():
    cm = _nested()
    author = cm.__enter__().get(Author, 1)
    print(author.name)  # quiet: both wait at their yield
    cm.__exit__(None, None, None)
    print(author.name)  # finding: name expired at the commit


def generator_in_a_loop():
    for author_id in (1, 1):
        cm = _transaction()
        author = cm.__enter__().get(Author, author_id)
        print(author.name)  # quiet: each has a session of its own
        cm.__exit__(None, None, None)


def generator_with_retries():
    with _with_retries() as session:
        author = session.get(Author, 1)
        print(author.name)  # quiet: before the commit
    print(author.name)  # finding: name expired at the commit


def generator_that_enters_by_hand():
    with _first_that_opens() as session:
        author = session.get(Author, 1)
    print(author.name)  # finding: name expired at the commit


async def async_session_entered():
    cm = AsyncSessionLocal()
    session = await cm.__aenter__()
    author = await session.get(Author, 1)
    await session.commit()
    await cm.__aexit__(None, None, None)
    print(author.name)  # finding: name expired at the commit


async def async_generator_that_enters_by_hand():
    async with _async_transaction() as session:
        author = await session.get(Author, 1)
        print(author.name)  # quiet: before the commit
    print(author.name)  # finding: name expired at the commit


async def async_generator_entered():
    cm = _async_transaction()
    session = await cm.__aenter__()
    author = await session.get(Author, 1)
    await cm.__aexit__(None, None, None)
    print(author.name)  # finding: name expired at the commit


async def async_unit_of_work():
    async with _AsyncUnit() as unit:
        author = await unit.session.get(Author, 1)
        print(author.name)  # quiet: before the commit
    print(author.name)  # finding: name expired at the commit


def unit_of_work():
    with _Unit() as unit:
        author = unit.session.get(Author, 1)
        print(author.name)  # quiet: before the commit
    print(author.name)  # finding: name expired at the commit


def unit_of_work_that_keeps():
    with _Unit(Keeping) as unit:
        author = unit.session.get(Author, 1)
    print(author.name)  # quiet: nothing expires at its commit


def unit_of_work_entered():
    unit = _Unit()
    unit.__enter__()
    author = unit.session.get(Author, 1)
    unit.__exit__(None, None, None)
    print(author.name)  # finding: name expired at the commit


def unit_of_a_generator():
    with _UnitOfGenerator() as unit:
        author = unit.session.get(Author, 1)
        print(author.name)  # quiet: before the commit
    print(author.name)  # finding: name expired at the commit


def session_of_somebody_else():
    session = SessionLocal()
    with nullcontext(session) as own:
        author = own.get(Author, 1)
        own.commit()
    print(author.name)  # quiet: `nullcontext` closes nothing
