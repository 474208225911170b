"""Helpers that open a session of their own: what they return, and how often they are called."""


def _any_author():
    with SessionLocal() as session:
        return session.scalars(select(Author)).first()


def _any_author_with_books():
    with SessionLocal() as session:
        return session.scalars(select(Author).options(selectinload(Author.books))).first()


def _any_book_or_its_author():
    with SessionLocal() as session:
        book = session.scalars(select(Book).options(joinedload(Book.author))).first()
        return book, book.author


def _author(load=False):
    with SessionLocal() as session:
        query = select(Author)
        if load:
            query = query.options(selectinload(Author.books))
        return session.scalars(query).first()


def _author_unless_missing(author_id):
    with SessionLocal() as session:
        author = session.get(Author, author_id)
        if author is None:
            raise LookupError(author_id)
        return author


def _all_books():
    with SessionLocal() as session:
        return list(session.scalars(select(Book)))


def _indirectly():
    return _any_author()


def _made():
    with SessionLocal(expire_on_commit=False) as session:
        author = Author(name="Octavia", books=[Book(title="Kindred")])
        session.add(author)
        session.commit()
        return author


def _read_in_the_helper():
    with SessionLocal() as session:
        author = session.scalars(select(Author)).first()
        print(len(author.books))
        return author


class _Authors:
    def first(self):
        with SessionLocal() as session:
            return session.scalars(select(Author)).first()

    def first_with_books(self):
        with SessionLocal() as session:
            return session.scalars(select(Author).options(selectinload(Author.books))).first()


class _CachingAuthors:
    def __init__(self):
        self.author = None

    def load(self):
        with SessionLocal() as session:
            self.author = session.scalars(select(Author)).first()

    def load_with_books(self):
        with SessionLocal() as session:
            self.author = session.scalars(select(Author).options(selectinload(Author.books))).first()


def without_arguments():
    author = _any_author()
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def from_a_second_function():
    other = _any_author()
    print(other.name)  # quiet: a loaded column
    print(other.books)  # finding: other.books is not loaded


def loaded_by_the_helper():
    author = _any_author_with_books()
    print(author.books)  # quiet: loaded with the query


def called_twice():
    first = _any_author_with_books()
    second = _any_author()
    print(first.books)  # quiet: loaded with the query
    print(second.books)  # finding: second.books is not loaded


def same_helper_twice():
    first, second = _any_author(), _any_author()
    print(first.name, second.name)  # quiet: loaded columns
    print(first.books)  # finding: first.books is not loaded


def same_helper_twice_one_attached():
    first, second = _any_author(), _any_author()
    with SessionLocal() as session:
        session.add(second)
        print(second.books)  # quiet: attached again, so it loads
    print(second.books)  # quiet: loaded while it was attached
    print(first.books)  # finding: first.books is not loaded


def in_a_loop():
    for _ in range(2):
        author = _any_author()
        print(author.name)  # quiet: a loaded column
        print(author.books)  # finding: author.books is not loaded


def in_a_comprehension():
    authors = [_any_author() for _ in range(2)]
    print([author.name for author in authors])  # quiet: a loaded column
    print([author.books for author in authors])  # finding: author.books is not loaded


def flag_is_true():
    author = _author(load=True)
    print(author.books)  # quiet: loaded with the query


def flag_is_true_by_position():
    print(_author(True).books)  # quiet: loaded with the query


def flag_is_false():
    author = _author(load=False)
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def flag_is_left_out():
    author = _author()
    print(author.books)  # finding: author.books is not loaded


def flag_of_the_caller(load: bool):
    author = _author(load)
    if load:
        print(author.books)  # quiet: read only where it was loaded
    print(author.name)  # quiet: a loaded column


def flag_of_the_caller_by_keyword(load=False):
    author = _author(load=load)
    print(author.books if load else author.name)  # quiet: read only where it was loaded


def flag_of_the_caller_the_wrong_way_round(load: bool):
    author = _author(load)
    print(author.name if load else author.books)  # finding: author.books is not loaded


def flag_of_the_caller_not_asked(load):
    author = _author(load=load)
    print(author.books)  # finding: author.books is not loaded


def raises_where_there_is_none():
    author = _author_unless_missing(1)
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def several_rows():
    for book in _all_books():
        print(book.title)  # quiet: a loaded column
        print(book.author)  # finding: book.author is not loaded


def two_objects_of_one_session():
    book, author = _any_book_or_its_author()
    print(book.author.name)  # quiet: loaded with the query
    print(author.books)  # finding: author.books is not loaded


def helper_of_a_helper():
    author = _indirectly()
    print(author.books)  # finding: author.books is not loaded


def fresh_object():
    author = _made()
    print(author.name, author.id)  # quiet: expire_on_commit=False
    print(author.books[0].title)  # quiet: the collection was given


def read_in_the_helper():
    print(_read_in_the_helper().books)  # quiet: the helper's read has loaded it


def service_without_arguments():
    author = _Authors().first()
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded


def service_without_arguments_loads():
    print(_Authors().first_with_books().books)  # quiet: loaded with the query


def service_kept():
    authors = _Authors()
    print(authors.first_with_books().books)  # quiet: loaded with the query
    print(authors.first().books)  # finding: is not loaded


def service_with_state():
    authors = _CachingAuthors()
    authors.load()
    print(authors.author.name)  # quiet: a loaded column
    print(authors.author.books)  # finding: authors.author.books is not loaded


def service_with_state_loads():
    authors = _CachingAuthors()
    authors.load()
    authors.load_with_books()
    print(authors.author.books)  # quiet: the second query is the one that counts


_factory = None


def _initialise():
    global _opened, _factory, _cached
    _factory = sessionmaker(engine)
    _opened = SessionLocal()
    _cached = _any_author()


def factory_of_a_global_statement():
    _initialise()
    with _factory() as session:
        author = session.scalars(select(Author)).first()
        print(author.books[0].title)  # quiet: the session is open
    print(author.books)  # quiet: loaded by the read before
    _opened.close()


def factory_made_when_it_is_needed():
    if _factory is None:
        _initialise()
    with _factory() as session:
        author = session.scalars(select(Author).options(selectinload(Author.books))).first()
    print(author.books)  # quiet: loaded with the query
    _opened.close()


def session_of_a_global_statement():
    _initialise()
    author = _opened.scalars(select(Author)).first()
    print(author.books)  # quiet: the session is open
    _opened.close()


def session_of_a_global_statement_closed():
    _initialise()
    author = _opened.scalars(select(Author)).first()
    _opened.close()
    print(author.name)  # quiet: a loaded column
    print(author.books)  # missed: a name that a function makes global


def factory_of_a_global_statement_not_loaded():
    _initialise()
    with _factory() as session:
        author = session.scalars(select(Author)).first()
    print(author.name)  # quiet: a loaded column
    print(author.books)  # finding: author.books is not loaded
    _opened.close()


def object_of_a_global_statement():
    _initialise()
    print(_cached.name)  # quiet: a loaded column
    print(_cached.books)  # missed: a name that a function makes global
    _opened.close()


def _load_book_and_read_behind_it():
    with SessionLocal() as session:
        book = session.get(Book, 1)
        print(len(book.author.books) if book.author else 0)
    return book


def what_a_helper_has_read_behind_it():
    book = _load_book_and_read_behind_it()
    print(book.author.books if book.author else None)  # quiet: read before, in the helper
