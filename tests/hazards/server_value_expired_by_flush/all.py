"""Columns that the database computes at an UPDATE expire with the flush, whatever the flag says."""

Keeping = sessionmaker(engine, expire_on_commit=False)


def onupdate_column():
    with Keeping() as session:
        book = session.get(Book, 1)
        book.price = 12
        session.commit()
    print(book.price)  # quiet: expire_on_commit=False
    print(book.changed_at)  # finding: book.changed_at expired at the flush of an UPDATE


def refreshed_before_close():
    with Keeping() as session:
        book = session.get(Book, 1)
        book.price = 12
        session.commit()
        session.refresh(book, ["changed_at"])
    print(book.changed_at)  # quiet: refreshed


def read_before_close():
    with Keeping() as session:
        book = session.get(Book, 1)
        book.price = 12
        session.flush()
        print(book.changed_at)  # quiet: the session is open
    print(book.changed_at)  # quiet: loaded by the read before


def nothing_was_changed():
    with Keeping() as session:
        book = session.get(Book, 1)
        session.commit()
    print(book.changed_at)  # quiet: no UPDATE


def set_by_hand():
    with Keeping() as session:
        book = session.get(Book, 1)
        book.changed_at = book.changed_at.replace(year=2000)
        session.commit()
    print(book.changed_at)  # quiet: the value was given, so the database computed nothing


def inserted():
    with Keeping() as session:
        book = Book(title="Lavinia")
        session.add(book)
        session.commit()
    print(book.id, book.changed_at)  # quiet: an INSERT brings its defaults back


def changed_but_not_flushed():
    with Keeping() as session:
        book = session.get(Book, 1)
        book.price = 12
    print(book.changed_at)  # quiet: nothing was flushed


def expression():
    with Keeping() as session:
        book = session.get(Book, 1)
        book.price = Book.price + 1
        session.commit()
    print(book.title)  # quiet: expire_on_commit=False
    print(book.price)  # finding: book.price expired at the flush of an UPDATE and its session is closed


def function():
    with Keeping() as session:
        author = session.get(Author, 1)
        author.name = func.lower("URSULA")
        session.commit()
    print(author.name)  # finding: author.name expired at the flush of an UPDATE and its session is closed


async def expression_in_async_code():
    async with AsyncSession(async_engine, expire_on_commit=False) as session:
        book = await session.get(Book, 1)
        book.price = 2 * Book.price
        await session.flush()
        print(book.price)  # finding: book.price expired at the flush of an UPDATE: reading it needs `await`


def value_from_another_object():
    with Keeping() as session:
        book = session.get(Book, 1)
        book.price = session.get(Book, 2).price + 1
        session.commit()
    print(book.price)  # quiet: Python has computed it


def expression_and_refresh():
    with Keeping() as session:
        book = session.get(Book, 1)
        book.price = Book.price + 1
        session.commit()
        session.refresh(book)
    print(book.price)  # quiet: refreshed


def expression_then_a_value():
    with Keeping() as session:
        book = session.get(Book, 1)
        book.price = Book.price + 1
        book.price = 12
        session.commit()
    print(book.price)  # quiet: the database was given a value


def read_behind_what_the_session_has():
    with Keeping() as session:
        authors = session.scalars(select(Author)).all()
        book = session.get(Book, 1)
        book.price = 12
        print(len(authors), book.author.name)  # quiet: its author is there, so there is no query and no flush before it
    print(book.changed_at)  # quiet: nothing was flushed


def read_behind_what_has_to_be_asked_for():
    with Keeping() as session:
        book = session.get(Book, 1)
        book.price = 12
        print(book.author.name)
    print(book.changed_at)  # finding: book.changed_at expired at the flush of an UPDATE
