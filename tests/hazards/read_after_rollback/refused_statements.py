"""What needs the transaction of a session whose flush has failed raises first: what stands behind it is not reached."""

from contextlib import suppress

from sqlalchemy.exc import InvalidRequestError

Keeping = sessionmaker(engine, expire_on_commit=False)
AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


def committed(fails):
    with suppress(IntegrityError, InvalidRequestError), Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.commit()
            print(author.name)  # quiet: refused where the flush has failed


def begun(fails):
    with suppress(IntegrityError, InvalidRequestError), Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.begin()
            print(author.name)  # quiet: refused where the flush has failed


def counted(fails):
    with suppress(IntegrityError, InvalidRequestError), Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.query(Book).count()
            print(author.name)  # quiet: refused where the flush has failed


def deleted(fails):
    with suppress(IntegrityError, InvalidRequestError), Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.query(Book).filter(Book.id == 7).delete()
            print(author.name)  # quiet: refused where the flush has failed


def updated(fails):
    with suppress(IntegrityError, InvalidRequestError), Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.query(Book).filter(Book.id == 7).update({"title": "Lavinia"})
            print(author.name)  # quiet: refused where the flush has failed


def queried(fails):
    with suppress(IntegrityError, InvalidRequestError), Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.query(Book).filter(Book.id == 7).one_or_none()
            print(author.name)  # quiet: refused where the flush has failed


def connected(fails):
    with suppress(IntegrityError, InvalidRequestError), Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.connection()
            print(author.name)  # quiet: refused where the flush has failed


def savepoint_begun(fails):
    with suppress(IntegrityError, InvalidRequestError), Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.begin_nested()
            print(author.name)  # quiet: refused where the flush has failed


def flushed(fails):
    with suppress(IntegrityError, InvalidRequestError), Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.add(Book(title="Lavinia"))
            session.flush()
            print(author.name)  # quiet: refused where the flush has failed


def got(fails):
    with suppress(IntegrityError, InvalidRequestError), Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.get(Author, 1)
            print(author.name)  # quiet: refused where the flush has failed


def objects_saved(fails):
    with suppress(IntegrityError, InvalidRequestError), Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.bulk_save_objects([Book(title="Lavinia")])
            print(author.name)  # quiet: refused where the flush has failed


def rows_inserted(fails):
    with suppress(IntegrityError, InvalidRequestError), Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.bulk_insert_mappings(Book, [{"title": "Lavinia"}])
            print(author.name)  # quiet: refused where the flush has failed


def rows_updated(fails):
    with suppress(IntegrityError, InvalidRequestError), Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.bulk_update_mappings(Book, [{"id": 2, "title": "Lavinia"}])
            print(author.name)  # quiet: refused where the flush has failed


def query_made(fails):
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.query(Book).filter(Book.id == 7).exists()
            print(author.name)  # finding, 7s2a: author.name expired when the flush failed


def flushed_in_vain(fails):
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.flush()
            print(author.name)  # finding, 7s2a: author.name expired when the flush failed


def asked(fails):
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.in_transaction()
            print(author.name)  # finding, 7s2a: author.name expired when the flush failed


def added(fails):
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.add(Book(title="Lavinia"))
            print(author.name)  # finding, 7s2a: author.name expired when the flush failed


def expired(fails):
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        finally:
            session.expire_all()
            print(author.name)  # finding, 7s2a: author.name expired when the flush failed


async def committed_async(fails):
    with suppress(IntegrityError, InvalidRequestError):
        async with AsyncKeeping() as session:
            author = await session.get(Author, 1)
            session.add(Book(title=None if fails else "Lavinia"))
            try:
                await session.commit()
            finally:
                await session.commit()
                print(author.name)  # quiet: refused where the flush has failed


async def connected_async(fails):
    with suppress(IntegrityError, InvalidRequestError):
        async with AsyncKeeping() as session:
            author = await session.get(Author, 1)
            session.add(Book(title=None if fails else "Lavinia"))
            try:
                await session.commit()
            finally:
                await session.connection()
                print(author.name)  # quiet: refused where the flush has failed


async def asked_async(fails):
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            await session.commit()
        finally:
            session.in_transaction()
            print(author.name)  # finding, 7s2a: author.name expired when the flush failed


def rolled_back_and_committed(fails):
    with suppress(IntegrityError):
        session = Keeping()
        author = session.get(Author, 1)
        session.add(Book(title=None if fails else "Lavinia"))
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            session.commit()
            session.close()
        print(author.name)  # finding: author.name expired at the rollback
