"""What is raised again where a task is cancelled or a program ended: ``except Exception`` lets that go."""

import asyncio

from sqlalchemy import inspect
from sqlalchemy.exc import NoInspectionAvailable


async def _push(session, failing, refused):
    try:
        if failing:
            raise asyncio.CancelledError
        if refused:
            raise ValueError
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        await session.rollback()
        raise


async def cancelled(failing, refused):
    async with AsyncSessionLocal() as session:
        book = await session.get(Book, 1)
        try:
            await _push(session, failing, refused)
        except Exception:
            print(book.title)  # quiet: nothing that has rolled back comes here
        except asyncio.CancelledError:
            print(book.title)  # finding: book.title expired at the rollback


def _pull(session, failing, refused):
    try:
        if failing:
            raise KeyboardInterrupt
        if refused:
            raise ValueError
    except (KeyboardInterrupt, SystemExit):
        session.rollback()
        session.close()
        raise


def ended(failing, refused):
    session = SessionLocal()
    book = session.get(Book, 1)
    try:
        _pull(session, failing, refused)
    except Exception:
        print(book.title)  # quiet: nothing that has rolled back comes here
    except BaseException:
        print(book.title)  # finding: book.title expired at the rollback


def _peek(obj):
    try:
        inspect(obj)
    except NoInspectionAvailable:
        return obj.title  # quiet: whatever comes here is not mapped


def peeked():
    session = SessionLocal()
    book = session.get(Book, 1)
    session.rollback()
    session.close()
    for one in (book, "a text"):
        _peek(one)
