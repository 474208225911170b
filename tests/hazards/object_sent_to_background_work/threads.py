"""Threads that read objects while their caller goes on."""

import threading
from concurrent.futures import ThreadPoolExecutor

executor = ThreadPoolExecutor(1)
ready = threading.Event()


def _title(book):
    return book.title


def _author(book):
    return book.author.name


def _author_later(book):
    ready.wait()
    return book.author.name


async def in_a_thread():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await asyncio.to_thread(_author, book)  # finding: book.author is not loaded: reading it needs `await`


async def expired_in_a_thread():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await session.commit()
        await asyncio.to_thread(_title, book)  # finding: book.title expired at the commit: reading it needs `await`


async def in_an_executor():
    loop = asyncio.get_running_loop()
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await loop.run_in_executor(None, _author, book)  # finding: book.author is not loaded: reading it needs `await`


def submitted():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        future = executor.submit(_author_later, book)  # finding: book.author is not loaded and its session is closed
    ready.set()
    future.result()


async def loaded_in_a_thread():
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        await asyncio.to_thread(_title, book)  # quiet: a loaded column


def submitted_with_what_it_needs():
    with SessionLocal() as session:
        book = session.get(Book, 1, options=[selectinload(Book.author)])
        future = executor.submit(_author, book)  # quiet: loaded with the query
    future.result()


def column_that_expires_later():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        future = executor.submit(_title, book)  # quiet: read in time, most likely
        future.result()
        session.commit()


def started_and_joined():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        thread = threading.Thread(target=_title, args=(book,))  # quiet: a loaded column
        thread.start()
        thread.join()


def executor_in_a_block():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_title, book)  # quiet: the block waits for it
        session.commit()


def something_else_that_submits():
    class Form:
        def submit(self, function, book):
            return function(book)

    with SessionLocal() as session:
        book = session.get(Book, 1)
        print(Form().submit(_author, book))  # quiet: called here, with an open session
