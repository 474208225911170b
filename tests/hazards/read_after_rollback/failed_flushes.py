"""A flush that fails expires what is in its session, and nothing of it can be loaded before a rollback."""

Keeping = sessionmaker(engine, expire_on_commit=False)
AsyncKeeping = async_sessionmaker(async_engine, expire_on_commit=False)


class _OwnError(Exception):
    pass


def _save(session):
    session.add(Book(title=None))
    session.flush()


def commit_fails():
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None))
        try:
            session.commit()
        except IntegrityError:
            print(author.name)  # finding, 7s2a: author.name expired when the flush failed: reading it needs a rollback
            session.rollback()


def rolled_back_first():
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None))
        try:
            session.commit()
        except IntegrityError:
            session.rollback()
            print(author.name)  # quiet: the rollback lets it be loaded again


def flush_fails():
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None))
        try:
            session.flush()
        except Exception as error:
            print(error, author.books)  # finding, 7s2a: author.books expired when the flush failed


def a_change_fails():
    with Keeping() as session:
        book = session.get(Book, 1)
        book.title = None
        try:
            session.commit()
        except Exception:
            print(book.id)  # finding, 7s2a: book.id expired when the flush failed


def nothing_to_flush():
    with Keeping() as session:
        author = session.get(Author, 1)
        try:
            session.commit()
            raise _OwnError
        except Exception:
            print(author.name)  # quiet: a commit without changes does not fail


def somebody_else_raises():
    with Keeping() as session:
        author = session.get(Author, 1)
        try:
            session.add(Book(title="Lavinia"))
            session.commit()
            raise _OwnError
        except _OwnError:
            print(author.name)  # quiet: the commit went well


def another_error():
    with Keeping() as session:
        author = session.get(Author, 1)
        try:
            session.add(Book(title="Lavinia"))
            session.commit()
            int("seven")
        except ValueError:
            print(author.name)  # quiet: no flush raises that


def a_new_object():
    with Keeping() as session:
        book = Book(title=None)
        session.add(book)
        try:
            session.commit()
        except IntegrityError:
            print(book.title)  # quiet: it never had a row


def in_a_function():
    with Keeping() as session:
        author = session.get(Author, 1)
        try:
            _save(session)
        except IntegrityError:
            print(author.name)  # finding, 7s2a: author.name expired when the flush failed


def in_a_savepoint():
    with Keeping() as session:
        author = session.get(Author, 1)
        try:
            with session.begin_nested():
                session.add(Book(title=None))
                session.flush()
        except IntegrityError:
            print(author.name)  # quiet: only what was changed in the savepoint expires


def block_that_rolls_back():
    author = None
    try:
        with Keeping.begin() as session:
            author = session.get(Author, 1)
            session.add(Book(title=None))
            session.flush()
    except IntegrityError:
        print(author.name)  # finding: author.name expired


async def commit_fails_async():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        session.add(Book(title=None))
        try:
            await session.commit()
        except IntegrityError:
            print(author.name)  # finding, 7s2a: author.name expired when the flush failed


async def rolled_back_first_async():
    async with AsyncKeeping() as session:
        author = await session.get(Author, 1)
        session.add(Book(title=None))
        try:
            await session.commit()
        except IntegrityError:
            await session.rollback()
            print(author.name)  # finding: author.name expired at the rollback


def _save_or_roll_back(session):
    try:
        session.commit()
    except IntegrityError:
        session.rollback()
        raise


def rolled_back_below():
    with Keeping() as session:
        author = session.get(Author, 1)
        session.add(Book(title=None))
        try:
            _save_or_roll_back(session)
        except Exception:
            print(author.name)  # quiet: the session can load it again


def deleted_before():
    with Keeping() as session:
        session.delete(session.get(Book, 2))
        session.commit()
        author = session.get(Author, 1)
        try:
            session.commit()
            session.execute(select(Book).where(Book.title == 1 / len(author.name[:0])))
        except ZeroDivisionError:
            print(author.name)  # quiet: what was deleted is gone, and nothing is left to flush


def _report(error):
    print(error)


def _try_to_save(session):
    try:
        _save(session)
    except Exception as error:
        session.rollback()
        _report(error)


def swallowed_below():
    with Keeping() as session:
        author = session.get(Author, 1)
        try:
            _try_to_save(session)
        except Exception:
            raise AssertionError from None
        print(author.name)  # quiet: rolled back, and the session can load it again
