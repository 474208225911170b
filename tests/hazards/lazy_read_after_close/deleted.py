"""Deleted objects: until the flush nothing happens, and the DELETE looks at what refers to them."""

Keeping = sessionmaker(engine, expire_on_commit=False)


def never_flushed():
    with Keeping() as session:
        author = session.get(Author, 1)
        session.delete(author)
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def flushed():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.delete(author)
        session.commit()
    print(author.name)  # quiet: what is deleted does not expire
    print(len(author.books))  # quiet: loaded, since the books referred to it


def what_it_refers_to():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.delete(book)
        session.commit()
    print(book.title)  # quiet: what is deleted does not expire
    print(book.author)  # finding: book.author is not loaded


def books_of_a_deleted_author():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.delete(author)
        session.commit()
    print([book.title for book in author.books])  # also read-after-commit-and-close: book.title expired at the commit


def expired_by_hand_afterwards():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.delete(book)
        session.flush()
        session.expire_all()
        print(book.title)  # quiet: it is no longer in the session's identity map
    print(book.title)  # quiet: nor did it detach


def added_again():
    with Keeping() as session:
        book = session.get(Book, 1)
        session.delete(book)
        session.add(book)
        session.commit()
    print(book.author)  # finding: book.author is not loaded


async def asked_for_what_was_not_loaded():
    async with async_sessionmaker(async_engine, expire_on_commit=False)() as session:
        book = await session.get(Book, 1)
        await session.delete(book)
        await session.flush()
        print(book.title)  # quiet: a loaded column
        print(book.author)  # also lazy-read-in-async: book.author is not loaded
