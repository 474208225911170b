"""Sessions of SQLModel: subclasses that have methods of their own."""

# since SQLAlchemy 2.0.14

import sqlmodel
from sqlmodel import Session as ModelSession
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession as AsyncModelSession


def exec_on_a_session_of_sqlmodel():
    with ModelSession(engine) as session:
        print(session.exec(select(Book)).first().title)  # quiet: SQLModel added it


def exec_through_the_module():
    with sqlmodel.Session(engine) as session:
        print(session.exec(select(Book)).all())  # quiet: SQLModel added it


def exec_on_a_parameter():
    def titles(session: ModelSession):
        return [book.title for book in session.exec(select(Book))]  # quiet: SQLModel added it

    with ModelSession(engine) as session:
        print(titles(session))


def exec_through_a_factory():
    Shop = sessionmaker(engine, class_=ModelSession)
    with Shop() as session:
        print(session.exec(select(Book)).all())  # quiet: SQLModel added it


def exec_on_a_session_of_sqlalchemy():
    with Session(engine) as session:
        print(session.exec(select(Book)).all())  # finding: Session has no method `exec`


def exec_through_a_factory_of_sqlalchemy():
    with SessionLocal() as session:
        print(session.exec(select(Book)).all())  # finding: Session has no method `exec`


async def exec_on_an_async_session_of_sqlmodel():
    async with AsyncModelSession(async_engine) as session:
        print((await session.exec(select(Book))).first().title)  # quiet: SQLModel added it


async def exec_through_an_async_factory():
    Shop = async_sessionmaker(async_engine, class_=AsyncModelSession)
    async with Shop() as session:
        print((await session.exec(select(Book))).all())  # quiet: SQLModel added it


async def exec_on_an_async_session_of_sqlalchemy():
    async with AsyncSession(async_engine) as session:
        print(await session.exec(select(Book)))  # finding: AsyncSession has no method `exec`
