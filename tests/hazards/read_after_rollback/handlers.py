"""Which handler an exception reaches: the first that catches it."""

import logging

from sqlalchemy.exc import NoResultFound

Keeping = sessionmaker(engine, expire_on_commit=False)


class _OwnError(Exception):
    pass


class _SmallError(_OwnError):
    pass


def _author():
    session = Keeping()
    author = session.get(Author, 1)
    session.rollback()
    session.close()
    return author


def own_error():
    author = _author()
    try:
        raise _OwnError
    except _OwnError:
        print("refused")
    except Exception:
        print(author.name)


def derived_error():
    author = _author()
    try:
        raise _SmallError("refused")
    except (KeyError, _OwnError):
        print("refused")
    except Exception:
        print(author.name)


def error_of_python():
    author = _author()
    try:
        raise KeyError("seven")
    except ValueError:
        print(author.name)
    except LookupError:
        print("missing")
    except Exception:
        print(author.name)


def error_of_sqlalchemy():
    author = _author()
    try:
        raise NoResultFound
    except NoResultFound:
        print("missing")
    except Exception:
        print(author.name)


def raised_again():
    author = _author()
    try:
        try:
            raise _SmallError
        except _OwnError:
            raise
        except Exception:
            print(author.name)
    except _OwnError:
        print(author.name)  # finding: author.name expired at the rollback and its session is closed


def second_handler():
    author = _author()
    try:
        raise _OwnError
    except _SmallError:
        print(author.name)
    except _OwnError:
        print(author.name)  # finding: author.name expired at the rollback and its session is closed


def first_comes_first():
    author = _author()
    try:
        raise _SmallError
    except Exception:
        print(author.name)  # finding: author.name expired at the rollback and its session is closed
    except _OwnError:
        print(author.name)


def a_line_in_the_log():
    with Keeping() as session:
        author = session.get(Author, 1)
        try:
            session.rollback()
            session.close()
            logging.info("rolled back")
        except Exception:
            print(author.name)
