"""Decorators of the program that commit around a function."""

import functools

Keeping = sessionmaker(engine, expire_on_commit=False)


def _in_transaction(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        with SessionLocal.begin() as session:
            return function(session, *args, **kwargs)

    return wrapper


def _committed(function):
    """Commits the session that its function is given."""

    @functools.wraps(function)
    def wrapper(session, *args, **kwargs):
        result = function(session, *args, **kwargs)
        session.commit()
        return result

    return wrapper


def _watched(function):
    """Looks at the arguments in a way that is not followed."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        args[0].info["asked"] = sorted(kwargs)
        return function(*args, **kwargs)

    return wrapper


def _in_transaction_of(factory):
    def decorate(function):
        def wrapper(*args):
            with factory.begin() as session:
                return function(session, *args)

        return wrapper

    return decorate


@_in_transaction
def _author(session, author_id):
    return session.get(Author, author_id)


@_in_transaction
def _author_name(session, author_id):
    return session.get(Author, author_id).name


@_committed
def _renamed(session, author_id, name):
    author = session.get(Author, author_id)
    author.name = name
    return author


@_watched
def _renamed_under_watch(session, author, name):
    author.name = name
    session.commit()


@_in_transaction_of(SessionLocal)
def _author_of_local(session, author_id):
    return session.get(Author, author_id)


@_in_transaction_of(Keeping)
def _author_of_keeping(session, author_id):
    return session.get(Author, author_id)


def block_of_a_decorator():
    print(_author(1).name)  # finding: name expired at the commit


def value_read_inside():
    print(_author_name(1))  # quiet: a string


def commit_of_a_decorator():
    with SessionLocal() as session:
        author = _renamed(session, 1, "Ursula")
        print(author.name)  # quiet: the session is open
        session.commit()
        author = _renamed(session, 1, "Kate")
    print(author.name)  # finding: author.name expired at the commit


def factory_of_a_decorator():
    print(_author_of_keeping(1).name)  # quiet: expire_on_commit=False
    print(_author_of_local(1).name)  # finding: name expired at the commit


def arguments_of_a_wrapper_that_looks_at_them():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        _renamed_under_watch(session, author, name="Octavia")
    print(author.name)  # finding: author.name expired at the commit and its session is closed
