"""Loader options that come in a list, or as starred arguments."""


def _defaults():
    return (selectinload(Book.author),)


def _more():
    return (*_defaults(), undefer(Book.title))


def _starred(session, *options):
    return session.scalars(select(Book).options(*options)).first()


def _listed(session, options=None):
    query = select(Book)
    if options:
        query = query.options(*options)
    return session.scalars(query).first()


def _extend(options):
    options.append(selectinload(Book.author))


def none_at_all():
    with SessionLocal() as session:
        book = _starred(session)
    print(book.author)  # finding: book.author is not loaded and its session is closed


def another_one():
    with SessionLocal() as session:
        book = _listed(session, [undefer(Book.title)])
    print(book.author)  # finding: book.author is not loaded and its session is closed


def the_right_one():
    with SessionLocal() as session:
        book = _starred(session, selectinload(Book.author))
        other = _listed(session, [selectinload(Book.author)])
    print(book.author, other.author)  # quiet: loaded with the query


def a_list_in_a_list():
    with SessionLocal() as session:
        book = _starred(session, *_more())
        other = _listed(session, [undefer(Book.title), *_defaults()])
    print(book.author, other.author)  # quiet: loaded with the query


def on_one_way(all_of_it):
    options = [selectinload(Book.author)] if all_of_it else []
    with SessionLocal() as session:
        book = session.scalars(select(Book).options(*options)).first()
    print(book.author)  # finding: book.author is not loaded and its session is closed


def extended_here():
    options = [undefer(Book.title)]
    options.append(selectinload(Book.author))
    with SessionLocal() as session:
        book = session.scalars(select(Book).options(*options)).first()
    print(book.author)  # quiet: loaded with the query


def extended_elsewhere():
    options = [undefer(Book.title)]
    _extend(options)
    with SessionLocal() as session:
        book = session.scalars(select(Book).options(*options)).first()
    print(book.author)  # quiet: loaded with the query


def _titles(author, with_books):
    return [book.title for book in author.books] if with_books else []  # quiet: only with the option


def _told(key):
    options = [undefer(Author.biography)]
    if key is not None:
        options.append(selectinload(Author.books))
    with SessionLocal() as session:
        author = session.scalars(select(Author).options(*options)).one()
    return _titles(author, key is not None)


def a_flag_that_goes_with_the_list(all_of_it):
    print(_told(1 if all_of_it else None))


def added_for_each_of_what_may_be_nothing():
    with SessionLocal() as session:
        books = session.scalars(select(Book)).all()
        biographies = [book.author.biography for book in books if book.author]
        query = select(Author)
        for biography in biographies:
            query = query.where(Author.name != biography).options(selectinload(Author.books))
        authors = session.scalars(query).all()
    for author in authors:
        print(author.books)  # quiet: nobody asks for nothing
