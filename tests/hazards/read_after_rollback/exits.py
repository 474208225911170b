"""Context managers that roll back where an exception is on its way, and only there."""

from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager

from sqlalchemy.exc import SQLAlchemyError

Keeping = sessionmaker(engine, expire_on_commit=False)
AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


@asynccontextmanager
async def _tried_again():
    """Tries again where the connection is lost, which cannot work once it has yielded."""
    for attempt in range(3):
        try:
            async with AsyncKeeping() as session:
                try:
                    yield session
                    await session.commit()
                except Exception:
                    await session.rollback()
                    raise
            return
        except ConnectionError:
            if attempt == 2:
                raise


@contextmanager
def _tried_until_it_works():
    for attempt in (1, 2, 3):
        with Keeping() as session:
            yield session
            session.commit()
        break
    else:
        raise ConnectionError


def _of_a_request():
    with Keeping() as session:
        try:
            yield session
        except Exception:
            session.rollback()
            raise


def _of_a_transaction():
    with _transaction() as session:
        yield session


def _rolled_back_in_any_case():
    with Keeping() as session:
        try:
            yield session
        except BaseException:
            session.rollback()
            raise


async def _of_an_async_request():
    async with AsyncKeeping() as session:
        try:
            yield session
        except Exception as error:
            await session.rollback()
            raise error


@asynccontextmanager
async def _request():
    generator = _of_an_async_request()
    session = await generator.__anext__()
    try:
        yield session
    finally:
        await generator.aclose()


class _Unit:
    def __enter__(self):
        self.session = Keeping()
        return self

    def __exit__(self, *args):
        if args[0] is None:
            self.session.commit()
        else:
            self.session.rollback()
        self.session.close()


class _AnyUnit(_Unit):
    def __exit__(self, *error):
        if any(error):
            self.session.rollback()
        else:
            self.session.commit()
        self.session.close()


class _AllUnit(_Unit):
    def __exit__(self, *error):
        if not all(error[:2]):
            self.session.commit()
        else:
            self.session.rollback()
        self.session.close()


class _FirstUnit(_Unit):
    def __exit__(self, *args):
        kind, *_ = args
        (self.session.rollback if kind else self.session.commit)()
        self.session.close()


class _LastUnit(_Unit):
    def __exit__(self, *args):
        *_, trace = args
        if trace is not None:
            self.session.rollback()
        else:
            self.session.commit()
        self.session.close()


class _MiddleUnit(_Unit):
    def __exit__(self, *args):
        kind, *others = args
        if others[0]:
            self.session.rollback()
        self.session.close()


class _PassingOnUnit(_Unit):
    def __exit__(self, *args):
        self._finish(*args)
        self.session.close()

    def _finish(self, kind, error, trace):
        if kind is not None:
            self.session.rollback()
        else:
            self.session.commit()


class _HandUnit(_Unit):
    """Hands on to the transaction what it is told."""

    def __enter__(self):
        self.session = Keeping()
        self._cm = self.session.begin()
        self._cm.__enter__()
        return self

    def __exit__(self, *args):
        self._cm.__exit__(*args)
        self.session.close()


class _StackUnit(_Unit):
    def __enter__(self):
        with ExitStack() as stack:
            self.session = stack.enter_context(Keeping.begin())
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *args):
        return self._stack.__exit__(*args)


@contextmanager
def _transaction():
    session = Keeping()
    try:
        yield session
    except Exception:
        session.rollback()
        raise
    else:
        session.commit()
    finally:
        session.close()


@asynccontextmanager
async def _opened():
    cm = AsyncKeeping()
    session = await cm.__aenter__()
    try:
        yield session
    finally:
        await cm.__aexit__(None, None, None)


@asynccontextmanager
async def _opened_with_retries(retries=3):
    attempt = 0
    while True:
        cm = AsyncKeeping()
        session = await cm.__aenter__()
        try:
            await session.execute(select(1))
        except OSError as error:
            await cm.__aexit__(type(error), error, error.__traceback__)
            attempt += 1
            if attempt > retries:
                raise
            continue
        try:
            yield session
        except BaseException as error:
            await cm.__aexit__(type(error), error, error.__traceback__)
            raise
        else:
            await cm.__aexit__(None, None, None)
        return


def unit_of_work():
    with _Unit() as unit:
        author = unit.session.get(Author, 1)
    print(author.name)  # quiet: nothing was raised


def unit_that_asks_for_any():
    with _AnyUnit() as unit:
        author = unit.session.get(Author, 1)
    print(author.name)  # quiet: nothing was raised


def unit_that_asks_for_all():
    with _AllUnit() as unit:
        author = unit.session.get(Author, 1)
    print(author.name)  # quiet: nothing was raised


def unit_that_asks_for_the_first():
    with _FirstUnit() as unit:
        author = unit.session.get(Author, 1)
    print(author.name)  # quiet: nothing was raised


def unit_that_asks_for_the_last():
    with _LastUnit() as unit:
        author = unit.session.get(Author, 1)
    print(author.name)  # quiet: nothing was raised


def unit_that_asks_for_the_second():
    with _MiddleUnit() as unit:
        author = unit.session.get(Author, 1)
    print(author.name)  # quiet: nothing was raised


def unit_that_passes_on():
    with _PassingOnUnit() as unit:
        author = unit.session.get(Author, 1)
    print(author.name)  # quiet: nothing was raised


def unit_by_hand():
    with _HandUnit() as unit:
        author = unit.session.get(Author, 1)
    print(author.name)  # quiet: nothing was raised


def unit_with_a_stack():
    with _StackUnit() as unit:
        author = unit.session.get(Author, 1)
    print(author.name)  # quiet: nothing was raised


def generator_by_hand():
    cm = _transaction()
    author = cm.__enter__().get(Author, 1)
    cm.__exit__(None, None, None)
    print(author.name)  # quiet: nothing was raised


def generator_on_a_stack():
    with ExitStack() as stack:
        author = stack.enter_context(_transaction()).get(Author, 1)
    print(author.name)  # quiet: nothing was raised


async def generator_that_tries_again():
    found = []
    async with _tried_again() as session:
        for author in (await session.scalars(select(Author))).all():
            try:
                author.name.encode("ascii")
            except ValueError:
                found.append(author)
        author = await session.get(Author, 1)
    print(author.name, *[each.name for each in found])  # quiet: nothing was raised


def generator_that_tries_until_it_works():
    with _tried_until_it_works() as session:
        author = session.get(Author, 1)
    print(author.name)  # quiet: nothing was raised


def generator_closed():
    sessions = _of_a_request()
    author = next(sessions).get(Author, 1)
    sessions.close()
    print(author.name)  # quiet: `GeneratorExit` is no `Exception`


def generator_in_a_generator_closed():
    sessions = _of_a_transaction()
    author = next(sessions).get(Author, 1)
    sessions.close()
    print(author.name)  # quiet: `GeneratorExit` is no `Exception` for the inner one either


def generator_closed_that_catches_all():
    sessions = _rolled_back_in_any_case()
    author = next(sessions).get(Author, 1)
    sessions.close()
    print(author.name)  # finding: name expired at the rollback


async def async_generator_closed():
    async with _request() as session:
        author = await session.get(Author, 1)
    print(author.name)  # quiet: `GeneratorExit` is no `Exception`


def raised_in_a_unit():
    try:
        with _Unit() as unit:
            author = unit.session.get(Author, 1)
            raise ValueError
    except ValueError:
        print(author.name)  # finding: name expired at the rollback


def raised_in_a_unit_that_asks_for_any():
    try:
        with _AnyUnit() as unit:
            author = unit.session.get(Author, 1)
            raise ValueError
    except ValueError:
        print(author.name)  # finding: name expired at the rollback


def raised_in_a_unit_that_asks_for_the_last():
    try:
        with _LastUnit() as unit:
            author = unit.session.get(Author, 1)
            raise ValueError
    except ValueError:
        print(author.name)  # finding: name expired at the rollback


def raised_in_a_unit_by_hand():
    try:
        with _HandUnit() as unit:
            author = unit.session.get(Author, 1)
            raise ValueError
    except ValueError:
        print(author.name)  # finding: name expired at the rollback


def raised_in_a_unit_with_a_stack():
    try:
        with _StackUnit() as unit:
            author = unit.session.get(Author, 1)
            raise ValueError
    except ValueError:
        print(author.name)  # finding: name expired at the rollback


def raised_on_a_stack():
    try:
        with ExitStack() as stack:
            author = stack.enter_context(_transaction()).get(Author, 1)
            raise ValueError
    except ValueError:
        print(author.name)  # finding: name expired at the rollback


def told_by_hand():
    cm = Keeping.begin()
    author = cm.__enter__().get(Author, 1)
    try:
        raise ValueError
    except ValueError as error:
        cm.__exit__(type(error), error, error.__traceback__)
    print(author.name)  # finding: name expired at the rollback


def told_by_hand_of_a_generator():
    cm = _transaction()
    author = cm.__enter__().get(Author, 1)
    try:
        raise ValueError
    except ValueError as error:
        cm.__exit__(type(error), error, error.__traceback__)
    print(author.name)  # finding: name expired at the rollback


async def rolled_back_in_a_session_by_hand():
    async with _opened() as session:
        author = await session.get(Author, 1)
        print(author.name)  # quiet: loaded
        await session.rollback()
        print(author.name)  # finding, xd2s: name expired at the rollback


async def rolled_back_in_a_session_with_retries():
    async with _opened_with_retries() as session:
        author = await session.get(Author, 1)
        print(author.name)  # quiet: loaded
        await session.rollback()
        print(author.name)  # finding, xd2s: name expired at the rollback


async def raised_on_an_async_stack():
    stack = AsyncExitStack()
    session = await stack.enter_async_context(AsyncKeeping())
    await stack.enter_async_context(session.begin())
    author = await session.get(Author, 1)
    await stack.aclose()
    print(author.name)  # quiet: nothing was raised


class _RollsBackForDatabases:
    def __init__(self):
        self.session = AsyncKeeping()

    async def __aenter__(self):
        return self.session

    async def __aexit__(self, kind, error, traceback):
        if isinstance(error, SQLAlchemyError):
            await self.session.rollback()
        await self.session.close()


async def asks_what_was_raised():
    async with _RollsBackForDatabases() as session:
        author = await session.get(Author, 1)
    print(author.name)  # quiet: nothing was raised
