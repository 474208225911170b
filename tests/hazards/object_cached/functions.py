"""``functools.lru_cache`` keeps the object itself."""

import functools
from functools import lru_cache

from sqlalchemy.orm import scoped_session

current = scoped_session(SessionLocal)
keeping = scoped_session(sessionmaker(engine, expire_on_commit=False))


@lru_cache
def _book(book_id):
    return current.get(Book, book_id)


def _raise_price():
    _book(1).price += 1  # finding: from the second call of `_book` on, _book(1).price expired at the commit and its session is closed
    current.commit()
    current.remove()


def written_twice():
    _raise_price()
    _raise_price()


@functools.lru_cache(maxsize=8)
def _book_for_a_title(book_id):
    return current.get(Book, book_id)


def _title():
    title = _book_for_a_title(2).title  # finding: from the second call of `_book_for_a_title` on
    current.commit()
    current.remove()
    return title


def read_twice():
    _title()
    _title()


@functools.cache
def _books():
    return current.scalars(select(Book)).all()


def _titles():
    titles = [book.title for book in _books()]  # finding: from the second call of `_books` on, book.title expired
    current.commit()
    current.remove()
    return titles


def a_list_of_them():
    _titles()
    _titles()


@functools.cache
def _shared_book():
    return current.get(Book, 1)


def _sell():
    _shared_book().price = 5
    current.commit()
    current.remove()


def _price():
    return _shared_book().price  # finding: from the second call of `_shared_book` on


def committed_by_somebody_else():
    _sell()
    _price()


@functools.cache
def _kept_book():
    return keeping.get(Book, 1)


def _kept_price():
    price = _kept_book().price  # quiet: nothing expires
    keeping.commit()
    keeping.remove()
    return price


def does_not_expire():
    _kept_price()
    _kept_price()


@functools.cache
def _only_closed_book():
    return current.get(Book, 1)


def _read_only():
    title = _only_closed_book().title  # quiet: a loaded column stays readable
    current.remove()
    return title


def only_closed():
    _read_only()
    _read_only()


@functools.cache
def _lazy_book():
    return current.get(Book, 1)


def _author():
    name = _lazy_book().author.name  # quiet: the first call has loaded it, and nothing expires
    current.remove()
    return name


def loaded_by_the_first_call():
    _author()
    _author()


@functools.cache
def _book_of(session, book_id):
    return session.get(Book, book_id)


def _price_of():
    with SessionLocal() as session:
        price = _book_of(session, 1).price  # quiet: another session is another key
        session.commit()
    return price


def with_the_session_as_key():
    _price_of()
    _price_of()


@functools.cache
def _price_by_key(book_id):
    return current.get(Book, book_id).price


def _known_price():
    price = _price_by_key(1) + 1  # quiet: a number
    current.commit()
    current.remove()
    return price


def values():
    _known_price()
    _known_price()


@functools.cache
def _merged_book():
    return current.get(Book, 1)


def _merged_price():
    price = current.merge(_merged_book()).price  # quiet: taken into the session first
    current.commit()
    current.remove()
    return price


def merged():
    _merged_price()
    _merged_price()


@functools.cache
def _book_of_a_script():
    return current.get(Book, 1)


def main():
    price = _book_of_a_script().price  # quiet: a script runs once
    current.commit()
    current.remove()
    return price


def _own_cache(function):
    kept = {}

    @functools.wraps(function)
    def wrapper(key):
        kept[key] = function(key)
        return kept[key]

    return wrapper


@_own_cache
def _fresh_book(book_id):
    return current.get(Book, book_id)


def _fresh_price():
    price = _fresh_book(1).price  # quiet: a decorator of the program, which loads each time
    current.commit()
    current.remove()
    return price


def of_the_program():
    _fresh_price()
    _fresh_price()
