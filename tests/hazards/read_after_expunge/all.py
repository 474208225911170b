"""Objects that were taken out of a session that lives on."""

from sqlalchemy.orm import make_transient


def never_loaded():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.expunge(author)
        print(author.name)  # quiet: a loaded column
        print(author.books)  # finding: author.books is not loaded and its object was expunged


def everything_expunged():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.expunge_all()
        print(author.books)  # finding: author.books is not loaded and its object was expunged


def deferred_column():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.expunge(author)
        print(author.biography)  # finding: author.biography is not loaded and its object was expunged


def closed_afterwards():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.expunge(author)
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded and its object was expunged


def loaded_with_the_query():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.expunge(author)
        print(author.books)  # quiet: loaded before


def touched_before():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        print(len(author.books))
        session.expunge(author)
        print(author.books)  # quiet: loaded by the read before


def children_stay_in_the_session():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        session.expunge(author)
        print(author.books[0].title)  # quiet: a loaded column
        print(author.books[0].changed_at)  # quiet: the book is still in the session


def added_again():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.expunge(author)
        session.add(author)
        print(author.books)  # quiet: attached again


def another_object_was_expunged():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        book = session.get(Book, 1)
        session.expunge(book)
        print(author.books)  # quiet: the author is still in the session


def loaded_anew_after_expunge():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.expunge(author)
        author = session.get(Author, 1)
        print(author.books)  # quiet: another object of the same row


def loaded_after_everything_was_expunged():
    with SessionLocal() as session:
        session.expunge_all()
        author = session.get(Author, 1)
        print(author.books)  # quiet: loaded after the expunge


def on_one_path(detach):
    with SessionLocal() as session:
        author = session.get(Author, 1)
        if detach:
            session.expunge(author)
        print(author.books)  # finding: author.books is not loaded and its object was expunged


def expunged_new_object():
    with SessionLocal() as session:
        author = Author(name="Octavia")
        session.add(author)
        session.expunge(author)
        print(author.books)  # quiet: a transient object has an empty collection


def rows_expunged_in_a_loop():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        for book in books:
            session.expunge(book)
    for book in books:
        print(book.title)  # quiet: a loaded column
        print(book.author)  # finding: book.author is not loaded and its object was expunged


def _detached(session):
    author = session.get(Author, 1)
    session.expunge(author)
    return author


def expunged_by_a_helper():
    with SessionLocal() as session:
        author = _detached(session)
        print(author.name)  # quiet: a loaded column
        print(author.books)  # finding: author.books is not loaded and its object was expunged


def expired_then_expunged():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.commit()
        session.expunge(book)
        print(book.title)  # also read-after-commit-and-close: book.title expired at the commit and its object was expunged


async def never_loaded_async():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        session.expunge(author)
        print(author.name)  # quiet: a loaded column
        print(author.books)  # finding: author.books is not loaded and its object was expunged


async def loaded_async():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1, options=[selectinload(Author.books)])
        session.expunge(author)
        print(author.books)  # quiet: loaded before


def deleted_then_expunged():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.delete(author)
        session.flush()
        session.expunge(author)
        print(author.books)  # quiet: the DELETE loaded the rows that refer to it


def made_transient():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.expunge(author)
        make_transient(author)
        print(author.books)  # quiet: a transient object has no row to load from


def children_expire_with_the_session():
    with SessionLocal() as session:
        author = session.get(Author, 1, options=[selectinload(Author.books)])
        session.expunge(author)
        session.commit()
    print(len(author.books))  # quiet: loaded before
    print([book.title for book in author.books])  # also read-after-commit-and-close: book.title expired at the commit


def everything_expunged_with_children():
    with SessionLocal() as session:
        book = session.get(Book, 1, options=[joinedload(Book.author)])
        session.expunge_all()
    print(book.author.name)  # quiet: a loaded column
    print(book.author.biography)  # finding: book.author.biography is not loaded and its object was expunged


def read_again_behind_what_may_be_none():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        for _ in range(2):
            print(book.author.biography if book.author else None)  # quiet: loaded by the first round, or not there
            session.expunge_all()
