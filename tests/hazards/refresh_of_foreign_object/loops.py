"""Objects that are expunged one by one."""

Keeping = sessionmaker(engine, expire_on_commit=False)


def groups():
    with Keeping() as session:
        found = []
        for author in session.scalars(select(Author)).all():
            found.append(session.scalars(select(Book).where(Book.author_id == author.id)).all())
        for books in found:
            for book in books:
                session.expunge(book)  # quiet: each of them once
        session.rollback()
    print([book.title for books in found for book in books])  # quiet: expunged before the rollback


def if_it_is_there():
    with Keeping() as session:
        books = session.scalars(select(Book)).all()
        for book in [*books, *books]:
            if book in session:
                session.expunge(book)  # quiet: asked before


def unless_seen():
    with Keeping() as session:
        books = session.scalars(select(Book)).all()
        seen = set()
        for book in books:
            if book.id in seen:
                continue
            session.expunge(book)  # quiet: each of them once
            seen.add(book.id)
        session.rollback()
    print(books[0].title)  # quiet: expunged before the rollback


def two_lists():
    with Keeping() as session:
        books = session.scalars(select(Book)).all()
        authors = session.scalars(select(Author)).all()
        for each in [*books, *authors]:
            session.expunge(each)
        session.rollback()
    print(books[0].title, authors[0].name)  # quiet: expunged before the rollback


def one_of_two_lists():
    with Keeping() as session:
        books = session.scalars(select(Book)).all()
        authors = session.scalars(select(Author)).all()
        for each in books:
            session.expunge(each)
        session.rollback()
    print(books[0].title)  # quiet: expunged before the rollback
    print(authors[0].name)  # also read-after-rollback: authors[0].name expired at the rollback


def twice():
    with Keeping() as session:
        book = session.get(Book, 1)
        session.expunge(book)
        session.expunge(book)  # finding: `expunge` of book, which is detached


def _expunge(session: Session, found: list[tuple[list[Book], list[Book]]]):
    for first, second in found:
        for book in [*first, *second]:
            session.expunge(book)  # quiet: each of them once


def of_an_argument():
    with Keeping() as session:
        found = [([session.get(Book, 1)], [session.get(Book, 2)])]
        _expunge(session, found)
