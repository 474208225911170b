"""Flags, branches, loops and exceptions."""

from contextlib import suppress

from sqlalchemy.orm.exc import DetachedInstanceError


def flag_loads_and_flag_reads(with_books):
    query = select(Author)
    if with_books:
        query = query.options(selectinload(Author.books))
    with SessionLocal() as session:
        author = session.scalars(query).one()
    if with_books:
        print(author.books)  # quiet: read only where it was loaded


def flag_loads_but_every_path_reads(with_books):
    query = select(Author)
    if with_books:
        query = query.options(selectinload(Author.books))
    with SessionLocal() as session:
        author = session.scalars(query).one()
    print(author.books)  # finding: author.books is not loaded


def one_of_two_queries(with_books):
    with SessionLocal() as session:
        if with_books:
            author = session.scalars(select(Author).options(selectinload(Author.books))).one()
        else:
            author = session.scalars(select(Author)).one()
    print(author.books)  # finding: author.books is not loaded


def touched_on_every_path(shout):
    with SessionLocal() as session:
        author = session.get(Author, 1)
        if shout:
            print(len(author.books), "!")
        else:
            print(len(author.books))
    print(author.books)  # quiet: both branches loaded it


def returns_inside():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        return [book.title for book in author.books]  # quiet: evaluated before the block is left


def returns_a_generator():
    def titles():
        with SessionLocal() as session:
            author = session.get(Author, 1)
            return [book.title for book in author.books]

    print(titles())  # quiet: a list of strings


def missing_row():
    with SessionLocal() as session:
        author = session.get(Author, 99)
    if author is None:
        return []  # quiet: the only path that runs here
    return author.name


def the_program_expects_it():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    try:
        print(author.books)  # quiet: the handler is there for exactly this
    except DetachedInstanceError:
        print("not loaded")


def the_program_suppresses_it():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    with suppress(DetachedInstanceError):
        print(author.books)  # quiet: suppressed on purpose


def in_an_exception_handler():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    try:
        raise ValueError
    except ValueError:
        print(author.books)  # finding: author.books is not loaded


def in_finally():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    try:
        print(author.name)
    finally:
        print(author.books)  # finding: author.books is not loaded


def closed_in_finally():
    session = SessionLocal()
    try:
        author = session.get(Author, 1)
    finally:
        session.close()
    return author.books  # finding: author.books is not loaded


def while_loop():
    authors = []
    with SessionLocal() as session:
        while len(authors) < 2:
            authors.append(session.get(Author, 1))
        for author in authors:
            print(author.books)  # quiet: the session is open


def short_circuit(silent):
    with SessionLocal() as session:
        author = session.get(Author, 1)
    return silent or author.books  # finding: author.books is not loaded


def conditional_expression(silent):
    with SessionLocal() as session:
        author = session.get(Author, 1)
    return None if silent else author.books  # finding: author.books is not loaded


def a_stub_that_never_returns():
    with SessionLocal() as session:
        author = session.get(Author, 1)
    if author is not None:
        return  # quiet: the function ends here
    print(author.books)


def deleted_name():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        del author
        author = session.scalars(select(Author).options(selectinload(Author.books))).one()
    print(author.books)  # quiet: loaded with the query


def loaded_behind_on_one_path(shout):
    with SessionLocal() as session:
        book = session.get(Book, 1)
        print(book.author.name)
        if shout:
            print(book.author.biography)
    print(book.author.biography)  # finding: book.author.biography is not loaded


def found_missing_on_one_path():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        try:
            session.refresh(book, ["author"])
        except ValueError:
            print(book.author.biography if book.author else None)
    print(book.author.biography if book.author else None)  # finding: book.author.biography is not loaded


def a_new_row_is_not_behind_another():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.add(Author(name="New"))
        session.flush()
        print(book.author.name)
    print(book.author.biography)  # finding: book.author.biography is not loaded


def a_new_row_is_behind_by_its_key():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        author = Author(name="New", biography="Long")
        session.add(author)
        session.flush()
        book.author_id = author.id
        session.flush()
        session.expire(book, ["author"])
        print(book.author.name)
    print(book.author.biography)  # quiet: the new row has it
