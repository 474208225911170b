"""Caches with methods of their own: some keep the object itself, some a pickled copy, some either."""

import pickle

import aiocache
import cachelib
import redis
from dogpile.cache import make_region
from flask import Flask
from flask_caching import Cache
from sqlalchemy.orm import selectinload

from tests.servers import REDIS

flask = Flask("bookshop")
flask.config["CACHE_TYPE"] = "SimpleCache"
cache = Cache(flask)
simple = cachelib.SimpleCache()
memory = aiocache.SimpleMemoryCache()
region = make_region()
region.configure("dogpile.cache.memory")
server = redis.Redis.from_url(REDIS)


def _keep_author():
    with SessionLocal() as session:
        cache.set("author", session.get(Author, 1), timeout=60)


def _kept_author():
    author = cache.get("author")
    if author is None:
        return None
    print(author.name)  # quiet: a loaded column stays readable
    return author.books  # finding: once it is in the cache, author.books is not loaded and its object is a copy


def flask_caching():
    with flask.app_context():
        _keep_author()
        _kept_author()


def _keep_all():
    with SessionLocal() as session:
        authors = session.scalars(select(Author)).all()
        session.commit()
        simple.set("authors", authors)


def _kept_all():
    return [author.name for author in simple.get("authors") or []]  # finding: once it is in the cache, author.name expired


def lists_of_objects():
    _keep_all()
    _kept_all()


async def _keep_in_memory():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await memory.set("book", book)
        book.price += 1
        await session.commit()


async def _kept_in_memory():
    book = await memory.get("book")
    return book.title  # finding: once it is in the cache, book.title expired at the commit and its session is closed


async def the_object_itself():
    await _keep_in_memory()
    await _kept_in_memory()


def _keep_in_region():
    with SessionLocal() as session:
        region.set("author", session.get(Author, 1, options=[selectinload(Author.books)]))


def _kept_in_region():
    return region.get("author").books  # quiet: loaded with the query


def loaded_with_the_query():
    _keep_in_region()
    _kept_in_region()


def _keep_pickled():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        data = pickle.dumps(author)
        len(author.books)
        server.set("outlive bookshop author", data, ex=60)


def _kept_pickled():
    author = pickle.loads(server.get("outlive bookshop author"))  # noqa: S301
    print(author.name)  # quiet: a loaded column stays readable
    return len(author.books)  # finding: once it is in the cache, author.books is not loaded and its object is a copy


def pickled_into_redis():
    _keep_pickled()
    _kept_pickled()


def pickled_and_merged():
    _keep_pickled()
    author = pickle.loads(server.get("outlive bookshop author"))  # noqa: S301
    with SessionLocal() as session:
        merged = session.merge(author, load=False)
        print(merged.books)  # quiet: it has a session again


def _keep_under(name, key):
    with SessionLocal() as session:
        simple.set(f"{name} {key}", session.get(Book, key))


def _kept_under(name, key):
    book = simple.get(f"{name} {key}")
    return book.author if book else None  # finding: once it is in the cache, book.author is not loaded


def under_a_key_that_is_computed():
    _keep_under("book", 1)
    _kept_under("book", 1)


def _keep_one_way():
    with SessionLocal() as session:
        simple.set("either", session.get(Author, 1))


def _keep_the_other_way():
    with SessionLocal() as session:
        simple.set("either", session.get(Author, 1, options=[selectinload(Author.books)]))


def _kept_either_way():
    return simple.get("either").books  # quiet: which of them it is cannot be known


def two_ways():
    _keep_one_way()
    _keep_the_other_way()
    _kept_either_way()


class Cached:
    def __init__(self):
        self.cache = cachelib.SimpleCache()

    def keep(self):
        with SessionLocal() as session:
            self.cache.set("author of this", session.get(Author, 1))

    def kept(self):
        return self.cache.get("author of this").books  # finding: once it is in the cache, self.cache.get


def in_a_field():
    cached = Cached()
    cached.keep()
    cached.kept()
