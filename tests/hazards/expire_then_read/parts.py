"""What expires, and what comes back: a part stays a part, and a change that was not flushed is gone."""


def relationship_by_name():
    with SessionLocal() as session:
        author = session.get(Author, 1, options=[selectinload(Author.books)])
        session.expire(author, ["name", "books"])
        print(author.name)  # quiet: loaded again, and nothing else
    print(author.books)  # finding: author.books was expired by hand


def relationship_of_the_whole():
    with SessionLocal() as session:
        author = session.get(Author, 1, options=[selectinload(Author.books)])
        session.expire(author)
        print(author.name)  # quiet: loaded again, with the options of the query
    print(author.books)  # quiet: so it is


def deferred_column_does_not_come_back():
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(undefer(Author.biography))).one()
        session.expire(author)
        print(author.name)  # quiet: loaded again
    print(author.biography)  # finding: author.biography was expired by hand


def deferred_column_comes_alone():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.expire(author)
        print(author.biography)  # quiet: loaded, and nothing else
    print(author.biography)  # quiet: read before
    print(author.name)  # finding: author.name was expired by hand


def change_that_is_gone():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        book.title = "The Word for World Is Forest"
        session.expire(book)
        session.flush()
    print(book.title)  # finding: book.title was expired by hand


def change_after():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        session.expire(book)
        book.title = "The Word for World Is Forest"
        session.flush()
    print(book.title)  # quiet: the flush of the change has loaded the rest
    print(book.price)  # quiet: the flush of the change has loaded it


def other_side_of_a_change():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        session.expire(author)
        session.add(Book(title="Always Coming Home", author=author))
        session.flush()
    print(author.name)  # quiet: the flush needed its key


def row_that_a_lazy_load_brings():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        book = session.get(Book, 1)
        session.expire(book)
        print(len(author.books))
    print(book.title)  # quiet: it may be one of the books that were loaded


def dropped_child_is_gone():
    with SessionLocal() as session:
        book = session.get(Book, 1, options=[joinedload(Book.author)])
        session.expire(book)
        book.title = "The Word for World Is Forest"
        session.get(Author, 1)
    print(book.price)  # quiet: nobody held the author, so get() asked the database, which flushed first
