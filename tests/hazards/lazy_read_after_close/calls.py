"""Functions, methods and properties between the load and the read."""

import contextlib


def _find(author_id):
    with SessionLocal() as session:
        return session.get(Author, author_id)


def _find_with_books(author_id):
    with SessionLocal() as session:
        return session.scalars(
            select(Author).where(Author.id == author_id).options(selectinload(Author.books))
        ).one_or_none()


def _titles(author):
    return [book.title for book in author.books]


def _titles_of(authors):
    return [_titles(author) for author in authors]


def _name(author):
    return author.name


def returned():
    author = _find(1)
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def returned_loaded():
    author = _find_with_books(1)
    print(author.books)  # quiet: loaded with the query


def read_by_a_callee():
    author = _find(1)
    print(_name(author))  # quiet: the callee reads a loaded column
    print(_titles(author))  # finding: Author.books is not loaded


def read_two_calls_away():
    author = _find(1)
    print(_titles_of([author]))  # finding: Author.books is not loaded


def read_by_a_callee_loaded():
    print(_titles(_find_with_books(1)))  # quiet: loaded with the query


def read_directly_from_the_call():
    return _find(1).books  # finding: is not loaded


def read_by_a_callee_inside():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        titles = _titles(author)  # quiet: the session is open
    print(titles)  # quiet: strings


def loaded_by_a_callee():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        _titles(author)
    print(author.books)  # quiet: the callee's read loaded it


class _Repository:
    def __init__(self, session):
        self.session = session

    def author(self, author_id):
        return self.session.get(Author, author_id)

    def author_with_books(self, author_id):
        return self.session.scalars(select(Author).options(selectinload(Author.books))).one()


def repository():
    with SessionLocal() as session:
        author = _Repository(session).author(1)
        print(author.name)  # quiet: the session is open
    print(author.books)  # finding: author.books is not loaded


def repository_loads():
    with SessionLocal() as session:
        repository = _Repository(session)
        author = repository.author_with_books(1)
    print(author.books)  # quiet: loaded with the query


class _Catalogue:
    def author(self):
        with SessionLocal() as session:
            return session.get(Author, 1)

    def books(self):
        return self.author().books  # finding: is not loaded


def method_of_the_same_class():
    _Catalogue().books()


@contextlib.contextmanager
def _open():
    session = SessionLocal()
    try:
        yield session
    finally:
        session.close()


def own_context_manager():
    with _open() as session:
        author = session.get(Author, 1)
        print(author.name)  # quiet: the session is open
    print(author.books)  # finding: author.books is not loaded


def session_as_a_parameter(session):
    author = session.get(Author, 1)
    print(author.books)  # quiet: the caller's session is open


def session_as_a_parameter_closed(session):
    author = session.get(Author, 1)
    session.close()
    print(author.books)  # finding: author.books is not loaded


def passed_to_code_that_is_not_known():
    with SessionLocal() as session:
        author = session.get(Author, 1)
        {"load": selectinload, "touch": _titles}["touch"](author)
    print(author.books)  # quiet: the call may have loaded it


def nested_function_runs_inside():
    with SessionLocal() as session:
        author = session.get(Author, 1)

        def titles():
            return [book.title for book in author.books]

        result = titles()
    print(result)  # quiet: strings


def keyword_arguments():
    author = _find(author_id=1)
    return _titles(author=author)  # finding: Author.books is not loaded


def partly_typed(session: Session):
    author: Author = session.get(Author, 1)
    print(author.books)  # quiet: the caller's session is open


_opened = sessionmaker(engine)


def factory_under_a_name_of_its_own():
    with _opened() as db:
        book = db.get(Book, 1)
    return book.author  # finding: book.author is not loaded
