"""Factories of Outlive: values outlive a commit, keys a rollback; the rest is gone after a rollback, too."""

import outlive
from sqlalchemy.exc import IntegrityError

Keeping = outlive.sessionmaker(engine)
AsyncKeeping = outlive.async_sessionmaker(async_engine)
Expiring = outlive.sessionmaker(engine, expire_on_commit=True)


def after_a_commit():
    with Keeping() as session:
        author = session.scalars(select(Author)).one()
        session.commit()
    return author.name  # quiet: nothing expires at a commit


def after_a_rollback():
    with Keeping() as session:
        author = session.scalars(select(Author)).one()
        session.rollback()
    author.id  # quiet: the key stays readable
    return author.name  # finding: author.name expired at the rollback and its session is closed


async def after_a_rollback_in_async_code():
    async with AsyncKeeping() as session:
        author = (await session.scalars(select(Author))).one()
        await session.rollback()
        author.id  # quiet: the key stays readable
        return author.name  # finding: author.name expired at the rollback: reading it needs `await`


def after_a_savepoint():
    with Keeping() as session:
        author = session.scalars(select(Author)).one()
        try:
            with session.begin_nested():
                author.name = "Octavia"
                session.flush()
                raise IntegrityError("", {}, Exception())
        except IntegrityError:
            pass
        author_id = author.id
        session.expunge(author)
    author.id  # quiet: the key stays readable
    return author_id
