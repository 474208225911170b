"""Context managers and generators of the program."""

# since SQLAlchemy 2.0.4

from contextlib import asynccontextmanager, contextmanager


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
def _keeping():
    with SessionLocal(expire_on_commit=False) as session:
        yield session
        session.commit()


@contextmanager
def _begun():
    with SessionLocal.begin() as session:
        yield session


@contextmanager
def _nested():
    with _transaction() as session:
        yield session


@contextmanager
def _author(author_id):
    with SessionLocal() as session:
        yield session.get(Author, author_id)


@asynccontextmanager
async def _async_transaction():
    async with AsyncSessionLocal(expire_on_commit=False) as session:
        yield session
        await session.commit()


class _Unit:
    """A context manager that is a class."""

    def __enter__(self):
        self.session = SessionLocal()
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.session.commit()
        self.session.close()


def returns_inside():
    with _transaction() as session:
        author = session.get(Author, 1)
        return [book.title for book in author.books]  # quiet: evaluated before the block is left


def grandchildren_inside():
    with _transaction() as session:
        book = session.get(Book, 1)
        print([other.title for other in book.author.books])  # quiet: the session is open
        return book.author.books[0].author.name  # quiet: evaluated before the block is left


def read_after():
    with _keeping() as session:
        author = session.get(Author, 1)
        print(author.name)  # quiet: the session is open
    print(author.name)  # quiet: expire_on_commit=False
    print(author.books)  # finding: author.books is not loaded


def read_after_a_read_inside():
    with _keeping() as session:
        author = session.get(Author, 1)
        print(len(author.books))
    print(author.books)  # quiet: loaded by the read before


def grandchildren_after():
    with _keeping() as session:
        book = session.get(Book, 1)
        print(book.author.name)
    print(book.author.name)  # quiet: loaded by the read before
    print(book.author.books)  # finding: book.author.books is not loaded


def grandchildren_loaded_inside():
    with _keeping() as session:
        book = session.get(Book, 1)
        print(len(book.author.books))
    print(book.author.books)  # quiet: loaded by the read before


def committed_at_the_exit():
    with _transaction() as session:
        author = session.get(Author, 1)
    print(author.name)  # also read-after-commit-and-close: author.name expired at the commit


def committed_at_the_exit_of_a_factory():
    with _begun() as session:
        author = session.get(Author, 1)
        print(author.books)  # quiet: the session is open
    print(author.books)  # also read-after-commit-and-close: author.books expired at the commit


def committed_at_the_exit_of_another():
    with _nested() as session:
        author = session.get(Author, 1)
    print(author.name)  # also read-after-commit-and-close: author.name expired at the commit


def expunged_before_the_exit():
    with _transaction() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.expunge_all()
    print(author.name, author.books)  # quiet: no longer in the session when it committed


def returned_from_the_body():
    def load():
        with _keeping() as session:
            return session.get(Author, 1)

    author = load()
    print(author.name)  # quiet: expire_on_commit=False
    print(author.books)  # finding: author.books is not loaded


def returned_from_the_body_loaded():
    def load():
        with _keeping() as session:
            return session.get(Author, 1, options=[selectinload(Author.books)])

    print(load().books)  # quiet: loaded by get()


def returned_early(found):
    with _keeping() as session:
        author = session.get(Author, 1)
        if found:
            return author.books  # quiet: evaluated before the block is left
        session.refresh(author, ["books"])
    return author.books  # quiet: loaded by the refresh


def object_that_is_yielded():
    with _author(1) as author:
        print(author.books)  # quiet: the session is open
    print(author.books)  # quiet: loaded by the read before


def object_that_is_yielded_read_after():
    with _author(1) as author:
        print(author.name)  # quiet: the session is open
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def class_with_enter_and_exit():
    with _Unit() as unit:
        author = unit.session.get(Author, 1)
        print(author.books[0].author.name)  # quiet: the session is open
    print(author.name)  # also read-after-commit-and-close: author.name expired at the commit


def broken_off(stop):
    for author_id in (1, 1):
        with _keeping() as session:
            author = session.get(Author, author_id)
            if stop:
                print(author.books)  # quiet: the session is open
                break
    if stop:
        print(author.books)  # quiet: loaded before the break


def _books():
    with SessionLocal() as session:
        yield from session.scalars(select(Book))


def _authors():
    with SessionLocal() as session:
        for author in session.scalars(select(Author)):
            yield author


def _of_a_request():
    session = SessionLocal()
    try:
        yield session
        session.commit()
    finally:
        session.close()


def _each_book():
    with SessionLocal() as session:
        for book in session.scalars(select(Book)).all():
            yield book


def generator_that_waits():
    for author in _authors():
        print(author.books)  # quiet: the generator waits inside the block


def generator_that_ended():
    authors = list(_authors())
    print([author.name for author in authors])  # quiet: a loaded column
    print([author.books for author in authors])  # missed: what list() makes of a generator of the program


def last_one_of_a_generator():
    for author in _authors():
        print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def generator_that_delegates():
    for book in _books():
        print(book.author.name)  # quiet: the generator waits inside the block


async def async_context_manager():
    async with _async_transaction() as session:
        author = (await session.scalars(select(Author).options(selectinload(Author.books)))).one()
        print(author.books[0].author.name)  # quiet: the identity map has it, so no SQL
    print(author.books)  # quiet: loaded with the query
    print(author.biography)  # finding: author.biography is not loaded


def generator_asked_once():
    sessions = _of_a_request()
    author = next(sessions).get(Author, 1)
    print(author.name)  # quiet: it waits at its yield
    sessions.close()
    print(author.name)  # quiet: a loaded column, and it was not committed
    print(author.books)  # finding: author.books is not loaded


def generator_asked_until_its_end():
    sessions = _of_a_request()
    author = next(sessions).get(Author, 1)
    print(author.books)  # quiet: it waits at its yield
    next(sessions, None)
    print(author.name)  # also read-after-commit-and-close: author.name expired at the commit


def generator_asked_twice():
    books = _each_book()
    next(books)
    book = next(books)
    print(book.title)  # quiet: it waits at its second yield
    books.close()
    print(book.author)  # finding: book.author is not loaded


def generator_asked_twice_that_waits():
    books = _each_book()
    next(books)
    book = next(books)
    print(book.author)  # quiet: it waits at its second yield
    books.close()


async def async_generator_entered_and_left():
    cm = _async_transaction()
    session = await cm.__aenter__()
    author = await session.get(Author, 1)
    await cm.__aexit__(None, None, None)
    print(author.books)  # finding: author.books is not loaded
