"""Nested functions and lambdas that capture an object or a session."""

import functools


def function_called_before_close():
    with SessionLocal() as session:
        author = session.get(Author, 1)

        def titles():
            return [book.title for book in author.books]  # quiet: called while the session is open

        print(titles())
    print(author.books)  # quiet: loaded by the nested function


def function_called_after_close():
    with SessionLocal() as session:
        author = session.get(Author, 1)

    def titles():
        return [book.title for book in author.books]

    print(author.name)  # quiet: a loaded column
    print(titles())  # finding: Author.books is not loaded


def function_made_before_and_called_after_close():
    with SessionLocal() as session:
        author = session.get(Author, 1)

        def titles():
            return [book.title for book in author.books]

    print(author.name)  # quiet: a loaded column
    print(titles())  # finding: Author.books is not loaded


def function_that_reads_a_column():
    with SessionLocal() as session:
        author = session.get(Author, 1)

        def name():
            return author.name  # quiet: a loaded column

    print(name())


def lambda_called_before_close():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        count = lambda: len(author.books)  # quiet: called while the session is open
        print(count())
    print(author.books)  # quiet: loaded by the lambda


def lambda_called_after_close():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        count = lambda: len(author.books)
    print(count())  # finding: Author.books is not loaded


def lambda_as_a_key():
    with SessionLocal() as session:
        authors = session.scalars(select(Author)).all()
        print(sorted(authors, key=lambda author: len(author.books)))  # quiet: the session is open
    print(sorted(authors, key=lambda author: author.name))  # quiet: a loaded column


def lambda_given_to_map():
    with SessionLocal() as session:
        authors = session.scalars(select(Author)).all()
    print(list(map(lambda author: author.name, authors)))  # quiet: a loaded column
    print(list(map(lambda author: author.books, authors)))  # finding: Author.books is not loaded


def captured_session():
    session = SessionLocal()

    def find(author_id):
        return session.get(Author, author_id)

    author = find(1)
    print(author.books)  # quiet: the session is open
    other = session.get(Book, 1)
    session.close()
    print(other.title)  # quiet: a loaded column
    print(other.author)  # finding: other.author is not loaded


def captured_session_after_close():
    session = SessionLocal()

    def find(author_id):
        return session.get(Author, author_id)

    author = find(1)
    session.close()
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def captured_session_closed_inside():
    session = SessionLocal()

    def finish():
        session.close()

    author = session.get(Author, 1)
    finish()
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def captured_session_used_again():
    session = SessionLocal()

    def find(author_id):
        return session.get(Author, author_id)

    find(1)
    session.close()
    print(find(1).books)  # quiet: a closed session can be used again
    session.close()


def captured_query():
    query = select(Author).options(selectinload(Author.books))

    def find():
        with SessionLocal() as session:
            return session.scalars(query).first()

    print(find().books)  # quiet: loaded with the query


def captured_query_without_option():
    query = select(Author)

    def find():
        with SessionLocal() as session:
            return session.scalars(query).first()

    author = find()
    print(author.books)  # finding: author.books is not loaded


def name_bound_anew_after_the_capture():
    with SessionLocal() as session:
        author = session.get(Author, 1)

    def titles():
        return [book.title for book in author.books]  # quiet: the name stands for the later author

    with SessionLocal() as session:
        author = session.get(Author, 1, options=[selectinload(Author.books)])
    print(titles())


def name_bound_anew_to_one_that_is_not_loaded():
    with SessionLocal() as session:
        author = session.get(Author, 1, options=[selectinload(Author.books)])

    def titles():
        return [book.title for book in author.books]

    print(titles())  # quiet: loaded by get()
    with SessionLocal() as session:
        author = session.get(Author, 1)
    print(titles())  # finding: Author.books is not loaded


def bound_by_nonlocal():
    author = None

    def load():
        nonlocal author
        with SessionLocal() as session:
            author = session.get(Author, 1, options=[selectinload(Author.books)])

    load()
    print(author.books)  # quiet: loaded by get()


def partial_of_a_nested_function():
    def titles(author):
        return [book.title for book in author.books]

    with SessionLocal() as session:
        author = session.get(Author, 1)
        print(functools.partial(titles, author)())  # quiet: the session is open


def default_of_a_lambda():
    with SessionLocal() as session:
        authors = session.scalars(select(Author).options(selectinload(Author.books))).all()
    counts = [lambda author=author: len(author.books) for author in authors]
    print(counts[0]())  # quiet: loaded with the query


def returned_function():
    def counter():
        with SessionLocal() as session:
            author = session.get(Author, 1)
        return lambda: len(author.books)

    count = counter()
    print(count())  # finding: Author.books is not loaded


def returned_function_loaded():
    def counter():
        with SessionLocal() as session:
            author = session.get(Author, 1, options=[selectinload(Author.books)])
        return lambda: len(author.books)

    count = counter()
    print(count())  # quiet: loaded by get()


async def lambda_in_run_sync():
    async with AsyncSessionLocal() as session:
        author = await session.get(Author, 1)
        count = await session.run_sync(lambda _: len(author.books))
    print(count, author.books)  # quiet: loaded in run_sync
