"""Caches of libraries: some keep the object itself, some a pickled copy, some either."""

import aiocache
import cachetools
from aiocache.serializers import NullSerializer
from dogpile.cache import make_region
from flask import Flask
from flask_caching import Cache
from sqlalchemy.orm import scoped_session

current = scoped_session(SessionLocal)
flask = Flask("bookshop")
flask.config["CACHE_TYPE"] = "SimpleCache"
cache = Cache(flask)
region = make_region()
region.configure("dogpile.cache.memory")


@cachetools.cached(cachetools.TTLCache(8, 60), key=lambda session, book_id: book_id)
def _book(session, book_id):
    return session.get(Book, book_id)


def _raise_price():
    with SessionLocal() as session:
        _book(session, 1).price += 1  # finding: from the second call of `_book` on
        session.commit()


def with_a_key_without_the_session():
    _raise_price()
    _raise_price()


@cachetools.cached(cachetools.LRUCache(8))
def _book_of(session, book_id):
    return session.get(Book, book_id)


def _raise_price_of():
    with SessionLocal() as session:
        _book_of(session, 1).price += 1  # quiet: another session is another key
        session.commit()


def with_the_session_as_key():
    _raise_price_of()
    _raise_price_of()


@aiocache.cached(key_builder=lambda function, session, book_id: f"book {book_id}")
async def _book_in_memory(session, book_id):
    return await session.get(Book, book_id)


async def _raise_price_in_memory():
    async with AsyncSessionLocal() as session:
        book = await _book_in_memory(session, 1)
        book.price += 1  # finding: from the second call of `_book_in_memory` on, book.price expired at the commit
        await session.commit()


async def in_memory():
    await _raise_price_in_memory()
    await _raise_price_in_memory()


@aiocache.cached(serializer=NullSerializer(), key_builder=lambda function, session, book_id: f"other {book_id}")
async def _book_somewhere(session, book_id):
    return await session.get(Book, book_id)


async def _price_somewhere():
    async with AsyncSessionLocal() as session:
        return (await _book_somewhere(session, 1)).price  # quiet: what the serializer makes of it is not known


async def somewhere():
    await _price_somewhere()
    await _price_somewhere()


@cache.memoize(60)
def _memoized(book_id):
    return current.get(Book, book_id)


def _author():
    with flask.app_context():
        return _memoized(1).author.name  # finding: from the second call of `_memoized` on, _memoized(1).author is not loaded and its object is a copy from a cache


def _title():
    with flask.app_context():
        return _memoized(1).title  # quiet: the copy has it


def a_copy():
    _author()
    _title()
    _author()


@cache.memoize(60)
def _memoized_with_author(book_id):
    return current.get(Book, book_id, options=[selectinload(Book.author)])


def _loaded_author():
    with flask.app_context():
        return _memoized_with_author(1).author.name  # quiet: the copy has its author


def loaded_for_the_cache():
    _loaded_author()
    _loaded_author()


@region.cache_on_arguments()
def _in_a_region(book_id):
    return current.get(Book, book_id)


def _author_of_a_region():
    name = _in_a_region(1).author.name  # finding: from the second call of `_in_a_region` on
    current.commit()
    current.remove()
    return name


def in_a_region():
    _author_of_a_region()
    _author_of_a_region()


@region.cache_on_arguments()
def _priced_in_a_region(book_id):
    return current.get(Book, book_id, options=[selectinload(Book.author)])


def _price_of_a_region():
    price = _priced_in_a_region(1).price  # quiet: a backend that pickles keeps what was loaded
    current.remove()
    return price


def loaded_in_a_region():
    _price_of_a_region()
    _price_of_a_region()
