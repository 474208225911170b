"""Processes that get pickled copies of objects."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

_fork = multiprocessing.get_context("fork")
"""So that the other process knows what stands in this file."""


def _title(book):
    return book.title


def _author(book):
    return book.author.name


def _author_of_title(title, book):
    return f"{title} by {book.author.name}"


def _titles(author):
    return [book.title for book in author.books]


def _authors(author):
    return [book.author.biography for book in author.books]


def _price(book):
    with SessionLocal() as session:
        session.add(book)
        return book.author


def submitted():
    with ProcessPoolExecutor(1, mp_context=_fork) as pool, SessionLocal() as session:
        book = session.get(Book, 1)
        future = pool.submit(_author, book)  # finding: book.author is not loaded and its object is a copy in another process
        future.result()


def named():
    with ProcessPoolExecutor(1, mp_context=_fork) as pool, SessionLocal() as session:
        book = session.get(Book, 1)
        future = pool.submit(_author_of_title, "Tehanu", book=book)  # finding: book.author is not loaded and its object
        future.result()


def expired():
    with ProcessPoolExecutor(1, mp_context=_fork) as pool, SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
        future = pool.submit(_title, book)  # finding: book.title expired at the commit and its object is a copy in another
        future.result()


def mapped():
    with ProcessPoolExecutor(1, mp_context=_fork) as pool, SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        names = pool.map(_author, books)  # finding: book.author is not loaded and its object is a copy in another process
        print(*names)


def mapped_in_threads():
    async def names():
        async with AsyncSessionLocal() as session:
            books = (await session.scalars(select(Book))).all()
            with ThreadPoolExecutor(1) as pool:
                return [*pool.map(_author, books)]  # finding: book.author is not loaded: reading it needs `await`

    asyncio.run(names())


def behind_what_is_loaded():
    with ProcessPoolExecutor(1, mp_context=_fork) as pool, SessionLocal() as session:
        author = session.get(Author, 1, options=[selectinload(Author.books)])
        future = pool.submit(_authors, author)
        future.result()  # missed: the other side of what is loaded may be there


async def in_an_executor():
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, mp_context=_fork) as pool:
        async with AsyncSessionLocal() as session:
            book = await session.get(Book, 1)
            await loop.run_in_executor(pool, _author, book)  # finding: book.author is not loaded and its object is a copy


def applied():
    with multiprocessing.Pool(1) as pool, SessionLocal() as session:
        book = session.get(Book, 1)
        print(pool.apply(_author, (book,)))  # finding: book.author is not loaded and its object is a copy in another process


def applied_by_keyword():
    with multiprocessing.Pool(1) as pool, SessionLocal() as session:
        book = session.get(Book, 1)
        result = pool.apply_async(_author, kwds={"book": book}, args=())  # finding: book.author is not loaded and its object
        result.get()


def each_of_many():
    with multiprocessing.Pool(1) as pool, SessionLocal() as session:
        for name in pool.imap(_author, session.scalars(select(Book)).all()):  # finding: book.author is not loaded
            print(name)


def loaded_for_the_process():
    with ProcessPoolExecutor(1, mp_context=_fork) as pool, SessionLocal() as session:
        author = session.get(Author, 1, options=[selectinload(Author.books)])
        future = pool.submit(_titles, author)  # quiet: loaded with the query
        print(future.result())


def loaded_column():
    with ProcessPoolExecutor(1, mp_context=_fork) as pool, SessionLocal() as session:
        book = session.get(Book, 1)
        future = pool.submit(_title, book)  # quiet: a loaded column goes along
        print(future.result())
        session.commit()


def refreshed_before():
    with ProcessPoolExecutor(1, mp_context=_fork) as pool, SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
        session.refresh(book)
        print(pool.submit(_title, book).result())  # quiet: there again


def key_only():
    with ProcessPoolExecutor(1, mp_context=_fork) as pool, SessionLocal() as session:
        book = session.get(Book, 1)
        print(pool.submit(hex, book.id).result())  # quiet: a number


def taken_into_a_session_there():
    with multiprocessing.Pool(1) as pool, SessionLocal() as session:
        book = session.get(Book, 1)
        session.expunge(book)
        pool.apply_async(_price, (book,))  # quiet: it has a session there


def in_a_process_of_its_own():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        process = _fork.Process(target=_author, args=(book,))  # quiet: forked, it has the session, too
        process.start()
        process.join()
