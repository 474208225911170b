from __future__ import annotations

from typing import assert_type

from sqlalchemy import create_engine
from sqlalchemy import orm as sqlalchemy_orm
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session, scoped_session

import outlive
from outlive import async_sessionmaker, sessionmaker


class MySession(Session):
    pass


class MyAsyncSession(AsyncSession):
    pass


engine = create_engine("sqlite://")
async_engine = create_async_engine("sqlite+aiosqlite://")

assert_type(sessionmaker(engine), sessionmaker[Session])
assert_type(sessionmaker(engine)(), Session)
assert_type(sessionmaker(engine, class_=MySession), sessionmaker[MySession])
assert_type(sessionmaker(bind=engine, class_=MySession, info={"a": 1}, autoflush=False)(), MySession)
assert_type(outlive.sessionmaker(expire_on_commit=True, twophase=True)(expire_on_commit=False), Session)
assert_type(scoped_session(sessionmaker(engine)), scoped_session[Session])

assert_type(async_sessionmaker(async_engine), async_sessionmaker[AsyncSession])
assert_type(async_sessionmaker(async_engine)(), AsyncSession)
assert_type(async_sessionmaker(async_engine, class_=MyAsyncSession), async_sessionmaker[MyAsyncSession])
assert_type(async_sessionmaker(async_engine, sync_session_class=MySession)(), AsyncSession)


def it_goes_where_sqlalchemys_goes(factory: sqlalchemy_orm.sessionmaker[Session]) -> None:
    with factory.begin() as session:
        assert_type(session, Session)


it_goes_where_sqlalchemys_goes(sessionmaker(engine))


async def begin(factory: async_sessionmaker[MyAsyncSession]) -> None:
    factory.configure(bind=async_engine)
    async with factory.begin() as session:
        assert_type(session, MyAsyncSession)
