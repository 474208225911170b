"""Decorators of the program between a call and the function."""

import asyncio
import functools

import sqlalchemy.orm


def _with_session(function):
    """Gives a session to the function, which its caller does not see."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        with SessionLocal() as session:
            return function(session, *args, **kwargs)

    return wrapper


def _with_session_by_name(function):
    """Gives a session to the function, unless its caller does."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        if kwargs.get("session") is not None:
            return function(*args, **kwargs)
        with SessionLocal() as session:
            kwargs["session"] = session
            return function(*args, **kwargs)

    return wrapper


def _with_query(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        kwargs["query"] = select(Author).options(selectinload(Author.books))
        return function(*args, **kwargs)

    return wrapper


def _in_session(factory, *, close=True):
    """Is called to make a decorator."""

    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, session=None, **kwargs):
            if session is not None:
                return function(*args, session=session, **kwargs)
            session = factory()
            try:
                return function(*args, session=session, **kwargs)
            finally:
                if close:
                    session.close()

        return wrapper

    return decorate


def _with_async_session(function):
    @functools.wraps(function)
    async def wrapper(*args, **kwargs):
        async with AsyncSessionLocal() as session:
            return await function(session, *args, **kwargs)

    return wrapper


def _for_both(function):
    """Wraps functions of both kinds."""
    if asyncio.iscoroutinefunction(function):

        @functools.wraps(function)
        async def async_wrapper(*args, **kwargs):
            async with AsyncSessionLocal() as session:
                return await function(session, *args, **kwargs)

        return async_wrapper

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        with SessionLocal() as session:
            return function(session, *args, **kwargs)

    return wrapper


def _with_books(function):
    """Gives the function something else than it was called with."""

    @functools.wraps(function)
    def wrapper(author_id, *args):
        with SessionLocal() as session:
            author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        return function(author, *args)

    return wrapper


def _traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        print(function.__name__)
        return function(*args, **kwargs)

    return wrapper


def _named(name):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            print(name)
            return function(*args, **kwargs)

        return wrapper

    return decorate


def _audited(*, describe):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            print(describe(kwargs, args))
            return function(*args, **kwargs)

        return wrapper

    return decorate


def _registered(function):
    _REGISTRY.append(function)
    return function


_REGISTRY = []


class _Loaded:
    """A wrapper that is a class."""

    def __init__(self, function):
        self.function = function

    def __call__(self, author_id):
        with SessionLocal() as session:
            author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        return self.function(author)


@_with_session
def _author(session, author_id):
    return session.scalars(select(Author).where(Author.id == author_id).options(selectinload(Author.books))).one()


@_with_session
def _author_alone(session, author_id):
    return session.get(Author, author_id)


@_with_session
def _author_by_another(session, author_id):
    return _author_alone(author_id)


@_with_session_by_name
def _author_by_name(author_id, *, session=None):
    return session.get(Author, author_id)


@_with_session_by_name
@_with_query
def _author_of_query(author_id, *, query=None, session=None):
    return session.scalar(query.where(Author.id == author_id))


@_in_session(SessionLocal)
def _author_in_session(author_id, *, session=None):
    return session.get(Author, author_id)


@_in_session(SessionLocal, close=False)
def _author_in_open_session(author_id, *, session=None):
    return session.get(Author, author_id)


@_with_async_session
async def _async_author(session, author_id):
    return await session.get(Author, author_id)


@_for_both
async def _async_author_of_both(session, author_id):
    return await session.get(Author, author_id)


@_for_both
def _author_of_both(session, author_id):
    return session.get(Author, author_id)


@_with_books
def _titles(author):
    return [book.title for book in author.books]  # quiet: the decorator gives it a loaded author


@_Loaded
def _first(author):
    return author.books[0].title  # quiet: the wrapper gives it a loaded author


@_Loaded
def _same(author):
    return author


@_traced
def _traced_author(author_id):
    with SessionLocal() as session:
        return session.get(Author, author_id)


@_named("author")
def _named_author(author_id):
    with SessionLocal() as session:
        return session.get(Author, author_id)


@_audited(describe=lambda words, values: len(words) + len(values))
def _audited_author(author_id):
    with SessionLocal() as session:
        return session.get(Author, author_id)


@_registered
def _registered_author(author_id):
    with SessionLocal() as session:
        return session.get(Author, author_id)


@_registered
@_traced
def _twice_decorated_author(author_id):
    with SessionLocal() as session:
        return session.get(Author, author_id)


@functools.lru_cache
def _cached_author(author_id):
    with SessionLocal() as session:
        return session.get(Author, author_id)


class _Service:
    @_with_session_by_name
    def any_author(self, author_id, session=None):
        return session.get(Author, author_id)

    @_traced
    def author(self, author_id):
        with SessionLocal() as session:
            return session.get(Author, author_id)

    @_traced
    def author_with_books(self, author_id):
        with SessionLocal() as session:
            return session.get(Author, author_id, options=[selectinload(Author.books)])


def session_injected():
    author = _author(1)
    print(author.books)  # quiet: loaded with the query
    author = _author_alone(1)
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def session_injected_twice():
    print(_author_by_another(1).books)  # finding: books is not loaded


def session_injected_by_name():
    print(_author_by_name(1).books)  # finding: books is not loaded


def session_given_by_the_caller():
    with SessionLocal() as session:
        print(_author_by_name(1, session=session).books)  # quiet: the session is open


def query_injected():
    author = _author_of_query(1)
    print(author.books)  # quiet: the decorator's query loads them
    print(author.biography)  # finding: author.biography is not loaded


def decorator_made_by_a_call():
    print(_author_in_session(1).books)  # finding: books is not loaded


def session_that_is_left_open():
    author = _author_in_open_session(1)
    print(author.books)  # quiet: nobody has closed it
    sqlalchemy.orm.object_session(author).close()


def session_injected_into_a_method():
    print(_Service().any_author(1).books)  # finding: books is not loaded


async def session_injected_async():
    print((await _async_author(1)).books)  # finding: books is not loaded


async def decorator_for_both_kinds():
    print((await _async_author_of_both(1)).books)  # finding: books is not loaded


def decorator_for_both_kinds_sync():
    print(_author_of_both(1).books)  # finding: books is not loaded


def argument_replaced():
    print(_titles(1))  # quiet: strings


def wrapper_is_a_class():
    print(_first(1))  # quiet: a string
    print(_same(1).books)  # quiet: what a class makes of the function is not followed


def arguments_passed_on():
    author = _traced_author(1)
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def arguments_passed_on_two_functions_deep():
    author = _named_author(1)
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def returned_as_it_is():
    author = _registered_author(1)
    print(author.books)  # finding: author.books is not loaded


def two_decorators():
    author = _twice_decorated_author(1)
    print(author.books)  # finding: author.books is not loaded


def decorator_of_a_library():
    author = _cached_author(1)
    print(author.books)  # finding: author.books is not loaded


def method_that_is_traced():
    author = _Service().author(1)
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def method_that_is_traced_and_loads():
    print(_Service().author_with_books(1).books)  # quiet: loaded with get()


def described_by_what_its_decorator_is_given():
    print(_audited_author(1).books)  # finding: books is not loaded and its session is closed
