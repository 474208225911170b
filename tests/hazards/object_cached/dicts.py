"""A dict of the module keeps the object itself."""

from collections import OrderedDict

from sqlalchemy.orm import selectinload

BOOKS = {}
AUTHORS: dict[int, Author] = {}
LAZY_AUTHORS = OrderedDict()
FULL_AUTHORS = dict()
LONE_BOOKS = {}
NEXT_BOOKS = {}
MIXED = {}
FORGOTTEN = {}
DELETED = {}
TITLES = {}
FILLED = {1: None}
FRESH_BOOKS = {}
keeping = sessionmaker(engine, expire_on_commit=False)


def _sell(book_id):
    with SessionLocal() as session:
        book = session.get(Book, book_id)
        book.price += 1
        BOOKS[book_id] = book
        session.commit()


def _price(book_id):
    if book_id in BOOKS:
        return BOOKS[book_id].price  # finding: once `BOOKS` has it, BOOKS[book_id].price expired at the commit and its session is closed
    with SessionLocal() as session:
        return session.get(Book, book_id).price


def expired_before_it_is_read():
    _sell(1)
    _price(1)


def _remember(author_id):
    with SessionLocal() as session:
        LAZY_AUTHORS[author_id] = session.get(Author, author_id)


def _count(author_id):
    with SessionLocal() as session:
        author = LAZY_AUTHORS.get(author_id)
        if author is None:
            author = session.get(Author, author_id)
        return len(author.books)  # finding: once `LAZY_AUTHORS` has it, author.books is not loaded and its session is closed


def lazy_behind_it():
    _remember(1)
    _count(1)


def _full_author(author_id):
    author = FULL_AUTHORS.get(author_id)
    if author is None:
        with SessionLocal() as session:
            statement = select(Author).options(selectinload(Author.books)).where(Author.id == author_id)
            author = session.scalars(statement).one()
            FULL_AUTHORS[author_id] = author
    return author


def everything_is_loaded():
    for _ in range(2):
        print(_full_author(1).name)  # quiet: a loaded column stays readable
        print(_full_author(1).books)  # quiet: loaded with the query


def _name(author_id):
    if author_id in AUTHORS:
        return AUTHORS[author_id].name  # quiet: this factory expires nothing
    with keeping() as session:
        author = session.get(Author, author_id)
        AUTHORS[author_id] = author
        author.name += "!"
        session.commit()
        return author.name


def does_not_expire():
    _name(1)
    _name(1)


def _lone_book(book_id):
    if book_id not in LONE_BOOKS:
        with SessionLocal() as session:
            book = session.get(Book, book_id)
            session.expunge(book)
            LONE_BOOKS[book_id] = book
            session.commit()
    return LONE_BOOKS[book_id]


def expunged_first():
    for _ in range(2):
        print(_lone_book(1).price)  # quiet: expunged before the commit


def _next_book(book_id):
    with SessionLocal() as session:
        if book_id in NEXT_BOOKS:
            book = session.merge(NEXT_BOOKS[book_id])
            print(book.price)  # quiet: merged into the session at hand
        else:
            book = session.get(Book, book_id)
            NEXT_BOOKS[book_id] = book
        session.commit()


def merged_again():
    _next_book(1)
    _next_book(1)


def _mixed():
    with SessionLocal() as session:
        MIXED["book"] = session.get(Book, 1)
        MIXED["author"] = session.get(Author, 1)
        session.commit()


def _of_the_mixed():
    with SessionLocal() as session:
        found = MIXED.get("nothing") or session.get(Book, 2)
        return found.price  # quiet: two lines fill the dict, and which of them did is not known


def filled_twice():
    _mixed()
    _of_the_mixed()


def _forgotten():
    with SessionLocal() as session:
        FORGOTTEN[1] = session.get(Book, 1)
        session.commit()
        FORGOTTEN.clear()


def _remembered():
    with SessionLocal() as session:
        found = FORGOTTEN.get(1) or session.get(Book, 1)
        return found.price  # quiet: it was taken out again before the session closed


def emptied_in_time():
    _forgotten()
    _remembered()


def _deleted():
    with SessionLocal() as session:
        DELETED[1] = session.get(Book, 1)
        session.commit()
        del DELETED[1]


def _not_there():
    with SessionLocal() as session:
        found = DELETED.get(1) or session.get(Book, 1)
        return found.price  # quiet: it was deleted from the dict


def deleted_in_time():
    _deleted()
    _not_there()


def _title(book_id):
    if book_id not in TITLES:
        with SessionLocal() as session:
            TITLES[book_id] = session.get(Book, book_id).title
            session.commit()
    return TITLES[book_id]  # quiet: a value


def keeps_a_value():
    _title(1)
    _title(1)


def _sell_fresh(book_id):
    with SessionLocal() as session:
        book = session.get(Book, book_id)
        book.price += 1
        session.commit()
        session.refresh(book)
        FRESH_BOOKS[book_id] = book


def _fresh_price(book_id):
    return FRESH_BOOKS[book_id].price  # quiet: loaded again before it was kept


def refreshed_first():
    _sell_fresh(1)
    _fresh_price(1)


def _of_a_local_dict():
    books = {}
    with SessionLocal() as session:
        books[1] = session.get(Book, 1)
        print(books[1].price)  # quiet: nobody else has the dict
        session.commit()


def of_a_function():
    _of_a_local_dict()
    _of_a_local_dict()
