"""Sessions that are entered on an ``ExitStack``."""

import contextlib
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress


@contextmanager
def _session():
    with SessionLocal() as session:
        yield session


@asynccontextmanager
async def _async_session():
    async with AsyncSessionLocal() as session:
        yield session


def _open(stack):
    return stack.enter_context(SessionLocal())


def _author_of(stack):
    return _open(stack).get(Author, 1)


def _author_in(session=None):
    with ExitStack() as stack:
        if session is None:
            session = stack.enter_context(SessionLocal())
        return session.get(Author, 1)


class _Unit:
    def __init__(self):
        self.stack = ExitStack()

    def __enter__(self):
        self.session = self.stack.enter_context(SessionLocal())
        return self

    def __exit__(self, *args):
        return self.stack.__exit__(*args)


class _Service:
    """Opens in one method, and closes in another one."""

    def open(self):
        self.stack = contextlib.ExitStack()
        self.session = self.stack.enter_context(_session())

    def close(self):
        self.stack.close()


def block_of_a_stack():
    with ExitStack() as stack:
        session = stack.enter_context(SessionLocal())
        author = session.get(Author, 1)
        print(author.books)  # quiet: the stack is open
        other = session.get(Book, 1)
    print(author.books)  # quiet: loaded before
    print(other.author)  # finding: other.author is not loaded


def read_after_the_block():
    with contextlib.ExitStack() as stack:
        author = stack.enter_context(SessionLocal()).get(Author, 1)
    print(author.books)  # finding: author.books is not loaded


def name_of_the_session():
    with ExitStack() as stack:
        stack.enter_context(session := SessionLocal())
        author = session.get(Author, 1)
    print(author.books)  # finding: author.books is not loaded


def generator_on_a_stack():
    with ExitStack() as stack:
        author = stack.enter_context(_session()).get(Author, 1)
        print(author.name)  # quiet: the stack is open
    print(author.books)  # finding: author.books is not loaded


def unit_on_a_stack():
    with ExitStack() as stack:
        unit = stack.enter_context(_Unit())
        author = unit.session.get(Author, 1)
    print(author.books)  # finding: author.books is not loaded


def unit_with_a_stack():
    with _Unit() as unit:
        author = unit.session.get(Author, 1)
        print(len(author.books))  # quiet: the session is open
        session = SessionLocal()
        book = session.get(Book, 1)
        print(book.author)  # quiet: of a session that no stack has
    print(author.name)  # quiet: a column
    print(book.author)  # quiet: loaded
    session.close()


def unit_with_a_stack_read_late():
    with _Unit() as unit:
        author = unit.session.get(Author, 1)
    print(author.books)  # finding: author.books is not loaded


def stack_of_a_service():
    service = _Service()
    service.open()
    author = service.session.get(Author, 1)
    print(author.name)  # quiet: the stack is open
    service.close()
    print(author.books)  # finding: author.books is not loaded


def given_to_a_function():
    with ExitStack() as stack:
        author = _open(stack).get(Author, 1)
        print(author.name)  # quiet: the stack is open
    print(author.books)  # finding: author.books is not loaded


def given_to_two_functions():
    with ExitStack() as stack:
        author = _author_of(stack)
        print(author.books)  # quiet: the stack is open


def pushed():
    with ExitStack() as stack:
        session = SessionLocal()
        stack.push(session)
        author = session.get(Author, 1)
    print(author.books)  # finding: author.books is not loaded


def exit_method_pushed():
    with ExitStack() as stack:
        session = SessionLocal()
        stack.push(session.__exit__)
        author = session.get(Author, 1)
    print(author.books)  # finding: author.books is not loaded


def called_back():
    with ExitStack() as stack:
        session = SessionLocal()
        stack.callback(session.close)
        author = session.get(Author, 1)
        print(author.name)  # quiet: it is called at the end
    print(author.books)  # finding: author.books is not loaded


def function_called_back():
    def close(session):
        session.close()

    with ExitStack() as stack:
        session = SessionLocal()
        stack.callback(close, session)
        author = session.get(Author, 1)
    print(author.books)  # finding: author.books is not loaded


def function_called_back_that_keeps_it_open():
    with ExitStack() as stack:
        session = SessionLocal()
        stack.callback(print, "left")
        author = session.get(Author, 1)
    print(author.books)  # quiet: nobody has closed it
    session.close()


def closed_by_hand():
    stack = ExitStack()
    author = stack.enter_context(SessionLocal()).get(Author, 1)
    print(author.name)  # quiet: the stack is open
    stack.close()
    print(author.books)  # finding: author.books is not loaded


def kept_by_another_stack():
    with ExitStack() as stack:
        author = stack.enter_context(SessionLocal()).get(Author, 1)
        kept = stack.pop_all()
    print(author.books)  # quiet: it has been moved
    with kept:
        book = author.books[0]
        print(book.title)  # quiet: the other stack is open
    print(book.author)  # finding: book.author is not loaded


def closed_by_another_stack():
    with ExitStack() as stack:
        author = stack.enter_context(SessionLocal()).get(Author, 1)
        kept = stack.pop_all()
    kept.close()
    print(author.books)  # finding: author.books is not loaded


def last_one_first():
    """The transaction ends in a session that is still open."""
    with ExitStack() as stack:
        session = stack.enter_context(SessionLocal(expire_on_commit=False))
        stack.enter_context(session.begin())
        author = session.get(Author, 1)
        print(author.books)  # quiet: the stack is open
    print(author.books)  # quiet: loaded, and no commit expires it


def one_of_two():
    with ExitStack() as outer:
        author = outer.enter_context(SessionLocal()).get(Author, 1)
        with ExitStack() as inner:
            book = inner.enter_context(SessionLocal()).get(Book, 1)
        print(author.books)  # quiet: the outer stack is open
        print(book.author)  # finding: book.author is not loaded


def in_a_loop():
    authors = []
    with ExitStack() as stack:
        for author_id in (1, 1):
            authors.append(stack.enter_context(SessionLocal()).get(Author, author_id))
        for author in authors:
            print(author.books)  # quiet: the stack is open


def in_a_loop_read_late():
    with ExitStack() as stack:
        for author_id in (1, 1):
            author = stack.enter_context(SessionLocal()).get(Author, author_id)
    print(author.books)  # finding: author.books is not loaded


def entered_on_a_condition():
    print(_author_in().books)  # finding: books is not loaded


def not_entered_on_a_condition():
    with SessionLocal() as session:
        print(_author_in(session).books)  # quiet: the session is not on the stack


def exception_that_is_suppressed():
    with ExitStack() as stack:
        stack.enter_context(suppress(ValueError))
        author = stack.enter_context(SessionLocal()).get(Author, 1)
        print(author.name)  # quiet: the stack is open
        raise ValueError
    print(author.books)  # missed: what a stack suppresses is not followed


async def async_stack():
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(AsyncSessionLocal())
        author = await session.get(Author, 1)
        print(author.name)  # quiet: loaded
    print(author.books)  # finding: author.books is not loaded


async def async_generator_on_a_stack():
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(_async_session())
        author = await session.get(Author, 1)
        print(await author_books(session))  # quiet: the stack is open
    print(author.books)  # quiet: loaded by a query of the same session


async def author_books(session=None):
    if session is None:
        return None
    return (await session.scalars(select(Author).options(selectinload(Author.books)))).all()


async def async_close_called_back():
    stack = AsyncExitStack()
    session = AsyncSessionLocal()
    stack.push_async_callback(session.close)
    author = await session.get(Author, 1)
    await stack.aclose()
    print(author.books)  # finding: author.books is not loaded


def waiting_generator_closed():
    sessions = _session()
    generator = sessions.gen
    author = next(generator).get(Author, 1)
    print(author.books)  # quiet: it waits at its yield
    generator.close()
