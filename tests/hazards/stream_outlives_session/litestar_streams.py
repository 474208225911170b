"""Streams of Litestar: its dependencies have ended when the body is made."""

# since SQLAlchemy 2.0.22

import httpx
from litestar import Litestar, get
from litestar.di import Provide
from litestar.response import Stream
from sqlalchemy import event
from sqlalchemy.ext.asyncio import close_all_sessions


class _Noted(Session):
    """Transactions that are open are known."""


_transactions = set()


@event.listens_for(_Noted, "after_transaction_create")
def _begun(session, transaction):
    _transactions.add(transaction)


@event.listens_for(_Noted, "after_transaction_end")
def _ended(session, transaction):
    _transactions.discard(transaction)


_open_session = async_sessionmaker(async_engine, sync_session_class=_Noted)


async def _session():
    async with _open_session() as session:
        yield session


async def _titles(session):
    for book in await session.scalars(select(Book).order_by(Book.id)):
        yield book.title


async def _titles_of_their_own():
    async with _open_session() as session:
        for book in await session.scalars(select(Book).order_by(Book.id)):
            yield book.title


@get("/session")
async def _uses_the_session(session: AsyncSession) -> Stream:
    return Stream(_titles(session))  # finding, silent: when `Stream` runs this, its session is closed; it begins anew


@get("/own")
async def _opens_its_own(session: AsyncSession) -> Stream:
    await session.get(Book, 1)
    return Stream(_titles_of_their_own())  # quiet: a session of its own


async def _get(path):
    application = Litestar([_uses_the_session, _opens_its_own], dependencies={"session": Provide(_session)})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://shop") as client:
        return (await client.get(path)).text


async def the_session_of_a_dependency():
    await _get("/session")
    assert _transactions
    await close_all_sessions()


async def a_session_of_its_own():
    await _get("/own")
    assert not _transactions
